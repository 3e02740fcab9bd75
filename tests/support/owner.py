"""An owner and a mailbox, for tests that call it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import soundfile

from ctportd.calls.caller import Caller
from ctportd.pins.hashing import hash_pin
from ctportd.testing import tone

if TYPE_CHECKING:
    from ctportd.records import VoiceMessage
    from ctportd.testing import House, Samples, Telephone

PIN = "2580"

HASHED = hash_pin(PIN)


def settings(**own: Any) -> dict[str, Any]:
    """Four mailboxes: two have owners with PINs, one is soon full. ``own`` is more of the first one's table."""
    table = {"name": "Ada", "pin": HASHED, "zone": "UTC", **own}
    return {
        "voicemail": {
            "mailboxes": {
                "100": table,
                "101": {"name": "Bob", "pin": HASHED},
                "102": {},
                "103": {"most_messages": 1},
            }
        }
    }


async def left(house: House, samples: Samples, mailbox: str = "100", **known: Any) -> VoiceMessage:
    """A message that somebody has left."""
    path = house.folder / "said.wav"
    await asyncio.to_thread(soundfile.write, path, samples, 8000)
    call = SimpleNamespace(id="20260101-000000-1-aaaaaa", clock=house.daemon.clock, caller=Caller())
    return await house.daemon.messages.deliver(path, mailbox, call=cast("Any", call), **known)


async def logged_in(house: House, pin: str = PIN, number: str = "") -> Telephone:
    """An owner who has keyed in the PIN."""
    phone = await house.call(1, number=number)
    await phone.answered()
    await phone.press("*")
    await phone.hear("vm-enter-pin")
    await phone.press(f"{pin}#")
    return phone


async def talk(phone: Telephone, script: str) -> None:
    """Go through a call, line by line.

    ``hear A B`` waits until these prompts were heard, ``begin A`` until one begins, ``press 12#`` presses keys, ``speak
    440`` records a tone of so many hertz (0: nothing), and pound, ``hang up`` does that, and ``ended`` waits for it.
    """
    for line in script.strip().splitlines():
        verb, *words = line.split()
        match verb:
            case "hear":
                await phone.hear(*words)
            case "begin":
                await phone.hear_begin(words[0])
            case "press":
                await phone.press(*words)
            case "speak":
                await phone.recorded()
                if words != ["0"]:
                    await phone.say(tone(int(words[0]), seconds=1.5))
                await phone.press("#")
            case "hang":
                await phone.hang_up()
            case "ended":
                await phone.ended()
            case _:
                raise AssertionError(line)
