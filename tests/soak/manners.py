"""What a caller may have in mind: each a short play, told to the ledger as it goes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from ctportd.errors import PhoneError
from soak import tone
from soak.ledger import Spoken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from ctportd.phone.client import Phone
    from soak.ledger import Entry

    Manner = Callable[[Phone, Entry, Random], Awaitable[None]]

REST_AFTER_RINGING = 2.5
"""Seconds of the clock in which the daemon is sure to notice that it rings no more."""

_SHORT, _LONG = 1.5, 6.0  # seconds that a caller speaks


async def _speak(phone: Phone, entry: Entry, seconds: float) -> None:
    """Speak to a recording; whatever happens, the ledger has what was said until then."""
    spoken = Spoken()
    entry.spoken.append(spoken)
    await phone.until_recording()
    words = tone.voice(entry.number, seconds)
    began = phone.time
    spoken.speaking = True
    try:
        await phone.say(words)
    finally:
        spoken.speaking = False
        spoken.seconds = round(min(len(words) / tone.RATE, phone.time - began), 2)


async def _interrupted(phone: Phone, entry: Entry, random: Random, how: Callable[[], Awaitable[None]]) -> None:
    """Speak, and end in the middle of a word."""
    await phone.until("beep")
    speech = asyncio.create_task(_speak(phone, entry, _LONG))
    try:
        await phone.until_recording()
        await phone.wait(random.uniform(0.3, _LONG - 0.5))
        await how()
    finally:
        if phone.end is None:
            speech.cancel()
        await asyncio.wait([speech])
        if not speech.cancelled():
            speech.exception()  # that the call was over: this is what was meant, or is raised here already


async def _until_thanks(phone: Phone) -> None:
    await phone.until("vm-thanks")
    await phone.ended()


async def message_key(phone: Phone, entry: Entry, random: Random) -> None:
    """A message that ends with ``#``."""
    await phone.until("beep")
    await _speak(phone, entry, random.uniform(_SHORT, _LONG))
    await phone.press("#")
    await _until_thanks(phone)


async def message_skip(phone: Phone, entry: Entry, random: Random) -> None:
    """The same, from somebody who has heard the greeting before."""
    await phone.answered()
    await phone.wait(random.uniform(0.2, 3))
    await phone.press("#")
    await message_key(phone, entry, random)


async def message_silence(phone: Phone, entry: Entry, random: Random) -> None:
    """A message that ends with silence."""
    await phone.until("beep")
    await _speak(phone, entry, random.uniform(_SHORT, _LONG))
    await _until_thanks(phone)


async def message_hangup(phone: Phone, entry: Entry, random: Random) -> None:
    """A message that ends with the caller's going on hook."""
    await phone.until("beep")
    await _speak(phone, entry, random.uniform(_SHORT, _LONG))
    await phone.hangup()


async def message_mid_word(phone: Phone, entry: Entry, random: Random) -> None:
    """A caller who hangs up in the middle of a word."""
    await _interrupted(phone, entry, random, phone.hangup)


async def message_cut(phone: Phone, entry: Entry, random: Random) -> None:
    """A caller whose connection to the exchange breaks in the middle of a word."""

    async def cut() -> None:
        entry.spoken[-1].cut = True
        await _cut(phone)

    await _interrupted(phone, entry, random, cut)


async def silent(phone: Phone, entry: Entry, _: Random) -> None:
    """A caller who says nothing: a message of nothing may be stored, or none."""
    await phone.until("beep")
    entry.spoken.append(Spoken())
    await phone.until("vm-thanks")
    await phone.ended()


async def before_beep(phone: Phone, _: Entry, random: Random) -> None:
    """A caller who does not want to speak to a machine."""
    await phone.answered()
    await phone.wait(random.uniform(0, 5))
    await phone.hangup()


async def unanswered(phone: Phone, _: Entry, random: Random) -> None:
    """A caller who gives up while it rings."""
    await phone.ringing()
    await phone.wait(random.uniform(0, 3))
    await phone.hangup()


async def menu_message(phone: Phone, entry: Entry, random: Random) -> None:
    """Out of the menu into voicemail."""
    await _choose_voicemail(phone, random)
    await message_hangup(phone, entry, random)


async def menu_two(phone: Phone, entry: Entry, random: Random) -> None:
    """Two messages in one call."""
    await _choose_voicemail(phone, random)
    await phone.until("beep")
    await _speak(phone, entry, random.uniform(_SHORT, _LONG))
    await phone.press("#")
    await phone.until("vm-thanks")
    await phone.press("1")
    await message_hangup(phone, entry, random)


async def menu_lost(phone: Phone, _: Entry, random: Random) -> None:
    """Wrong keys, another menu and back, and good-bye."""
    await phone.answered()
    await phone.wait(random.uniform(0, 3))
    await phone.press("9")
    await phone.until("invalid-key")
    await phone.press("2")
    await phone.wait(random.uniform(1, 3))
    await phone.press("*")
    await phone.wait(random.uniform(1, 3))
    await phone.press("*")
    await phone.until("goodbye")
    await phone.ended()


async def _choose_voicemail(phone: Phone, random: Random) -> None:
    await phone.answered()
    await phone.wait(random.uniform(0.2, 14))
    await phone.press("1")


async def talk(phone: Phone, _: Entry, random: Random) -> None:
    """Four keys, no two alike, which the line must say back."""
    code = "".join(random.sample("0123456789", 4))
    await phone.answered()
    await phone.wait(random.uniform(0.2, 3))
    await phone.press(code)
    await phone.until(code[-1])
    await phone.press("*")
    await phone.until("goodbye")
    await phone.ended()
    said = [prompt for prompt in phone.prompts if prompt.isdecimal()]
    if said != list(code):
        raise PhoneError(f"the caller pressed {code} and heard {' '.join(said)}")


async def talk_silent(phone: Phone, _: Entry, __: Random) -> None:
    """A caller who presses nothing at all."""
    await phone.until("goodbye")
    await phone.ended()


async def apology(phone: Phone, _: Entry, __: Random) -> None:
    """A plugin fails, and the caller hears so; or it is not asked any more, and the next one has the call."""
    await phone.answered()
    while not {"error", "vm-enter-pin"} & set(phone.prompts):
        await phone.wait(0.2)
    if "error" in phone.prompts:
        await phone.ended()
    await phone.hangup()


async def hung(phone: Phone, _: Entry, random: Random) -> None:
    """A plugin hangs, and the caller goes."""
    await phone.until("hello")
    await phone.wait(random.uniform(0, 10))
    await phone.hangup()


async def hung_cut(phone: Phone, _: Entry, __: Random) -> None:
    """A plugin hangs, and the caller's connection breaks."""
    await phone.until("hello")
    await _cut(phone)


async def _cut(phone: Phone) -> None:
    """Break the telephone's connection, without a word of good-bye."""
    link = phone._link._socket
    link.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(PhoneError):  # that it was lost
        await phone.ended()


MANNERS: dict[str, Manner] = {
    manner.__name__: manner
    for manner in (
        message_key, message_skip, message_silence, message_hangup, message_mid_word, message_cut,
        silent, before_beep, unanswered, menu_message, menu_two, menu_lost,
        talk, talk_silent, apology, hung, hung_cut,
    )
}  # fmt: skip
"""All of them, by name."""
