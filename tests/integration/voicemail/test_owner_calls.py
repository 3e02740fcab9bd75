"""An owner calls the mailbox: every key of its menus, and what becomes of the messages."""

from __future__ import annotations

import asyncio
import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile
from support.owner import PIN, left, logged_in, settings, talk

from ctportd.errors import StoreError
from ctportd.testing import frequencies, tone, voice

if TYPE_CHECKING:
    from ctportd.records import VoiceMessage
    from ctportd.testing import House, Line, Samples

WATCH = """
from ctportd import hookimpl

locked = []

@hookimpl
def pin_locked(mailbox, caller):
    locked.append((mailbox, caller))
"""


PERSON = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.play("hello")
"""


async def folders(house: House, mailbox: str = "100") -> dict[str, str]:
    """In which folder each message of a mailbox is, once the line is free."""
    await house.idle()
    return {message.uid: message.folder for message in await house.messages(mailbox)}


def tones_of(path: str | Path) -> list[int]:
    """The tones of a recording, one after the other."""
    samples: Samples = soundfile.read(path, dtype="int16")[0]
    found = [frequencies(samples[at : at + 2000], least=0.5) for at in range(1000, len(samples) - 2000, 2000)]
    return [tone for tone, _ in groupby(each[0] for each in found if each)]


async def left_over(house: House) -> None:
    """Have what was left on its way into a mailbox put in order, as if it had been left long ago."""
    for path in house.daemon.state.glob("voicemail/*/incoming/*"):
        os.utime(path, (0, 0))
    await house.daemon.messages.put_in_order()


async def keys_of(house: House, call: str) -> str:
    """The keys of a call, as its timeline has them."""
    return "".join(step.details["key"] for step in await house.store.steps(call) if step.kind == "key")


async def test_messages_are_heard_and_put_in_order(ctportd_line: Line) -> None:
    """Urgent ones first; previous, again, next, delete, restore, save; hanging up in the middle loses none of it."""
    house = await ctportd_line({1: ["voicemail:100"]}, settings=settings(most_messages=4, zone="Asia/Tokyo"))
    house.clock.set("2026-11-24 15:05+00:00")
    colleague = house.daemon.state / "voicemail" / "101" / "greetings"
    await asyncio.to_thread(colleague.mkdir, parents=True)
    await asyncio.to_thread(soundfile.write, colleague / "name.wav", tone(600, seconds=0.5), 8000)
    first = await left(house, voice(2), number="5550100")
    urgent = await left(house, voice(2), number="101", urgent=True)
    last = await left(house, voice(2))
    old = await house.daemon.messages.update(await left(house, voice(2)), folder="Old", heard=True)
    phone = await logged_in(house)
    await talk(
        phone,
        f"""hear vm-you-have 3 vm-new vm-messages vm-one-urgent and 1 vm-old vm-message vm-is-full vm-to-hear
            press *
            hear vm-to-hear
            press 1
            hear vm-urgent vm-first vm-message vm-received today at 12 oh 5 am from name vm-lasting 2 seconds
            hear {urgent.uid} vm-to-again
            press 4
            hear vm-no-previous
            press 7
            hear vm-deleted vm-to-restore
            press 7
            hear vm-undeleted vm-to-delete
            press 5
            hear vm-urgent {urgent.uid}
            press 92
            hear vm-saved vm-folder-work
            press 6
            hear vm-message 2 {first.uid}
            press 33
            hear vm-received from 5 5 5 0 1 0 0
            press 7
            hear vm-deleted
            press 6
            hear vm-last vm-message private-number
            begin {last.uid}
            press 6
            hear vm-no-more
            press 90
            hear vm-saved vm-folder-inbox
            press 5
            begin {last.uid}
            hang up""",
    )
    assert await folders(house) == {first.uid: "Trash", urgent.uid: "Work", last.uid: "INBOX", old.uid: "Old"}
    await asyncio.to_thread(Path(old.path).unlink)  # by hand
    await talk(
        await logged_in(house),
        f"""hear vm-you-have 1 vm-new vm-message and 2 vm-old vm-messages vm-to-folders
            press 21
            hear vm-folder-old 1 vm-message vm-cannot-play vm-to-delete
            press 7
            hear vm-not-now
            press 25
            hear vm-folder-trash 1 vm-message vm-is-deleted {first.uid} vm-to-restore
            press 7
            hear vm-undeleted vm-to-again
            press 24
            hear vm-folder-friends 0 vm-messages vm-folder-empty vm-to-hear
            press 1
            hear {last.uid} vm-to-again
            press #
            hear goodbye
            ended""",
    )
    assert await folders(house) == {first.uid: "Old", urgent.uid: "Work", last.uid: "Old"}


async def test_messages_are_sent(ctportd_line: Line) -> None:
    """Forwarded with an introduction and without; answered; recorded anew, urgent; also by who just hangs up."""
    house = await ctportd_line(
        {1: ["voicemail:100"]}, plugins=["plugins", {"person": PERSON}], settings=settings(operator="person")
    )
    message = await left(house, tone(600, seconds=3), number="101", name="Bob")
    await left(house, tone(500), mailbox="103")
    await talk(
        await logged_in(house),
        f"""press 1
            hear {message.uid} vm-to-forward
            press 8
            hear vm-which-mailbox
            press 101#
            hear to 1 0 1 vm-another-mailbox
            press 777#
            hear vm-no-such-mailbox vm-another-mailbox
            press 102#
            hear vm-another-mailbox
            press 103##
            hear vm-to-introduce
            press 1
            hear vm-say-introduction
            speak 1000
            hear vm-to-accept
            press 2
            hear vm-to-accept
            press 1
            hear vm-sent vm-not-sent 1 0 3 vm-to-again
            press 8
            hear vm-which-mailbox
            press 102##2
            hear vm-sent
            press 31
            hear vm-say-message
            speak 800
            hear vm-to-urgent
            press 4
            hear vm-is-urgent vm-to-not-urgent vm-to-operator
            press 0
            hear vm-sent hello vm-to-again
            press 35
            hear vm-which-mailbox
            press *
            hear vm-cancelled
            press 35102##
            hear vm-say-message
            speak 1200
            hang up""",
    )
    await house.idle()
    phone = await logged_in(house)
    await talk(phone, "press 35103##\nhear vm-say-message\nspeak 700\nhang up")
    await house.idle()
    await left_over(house)
    (unsent,) = [each for each in await house.messages("100") if each.uid != message.uid]
    assert (unsent.number, unsent.name, unsent.cut_short, unsent.new) == ("100", "Ada", True, True)
    assert await asyncio.to_thread(tones_of, unsent.path) == [700]
    introduced, answer = await house.messages("101")
    assert (introduced.number, introduced.name, introduced.urgent) == ("100", "Ada", False)
    assert introduced.seconds > 4.5
    assert (answer.number, answer.urgent) == ("100", True)
    assert await asyncio.to_thread(tones_of, introduced.path) == [1000, 600]
    assert await asyncio.to_thread(tones_of, answer.path) == [800]
    sent = [await asyncio.to_thread(tones_of, each.path) for each in await house.messages("102")]
    assert sent == [[1000, 600], [600], [1200]]
    assert not list((house.daemon.state / "voicemail" / "100" / "drafts").iterdir())


async def test_first_visit_sets_the_mailbox_up(ctportd_line: Line) -> None:
    """A PIN of one's own, name, greeting; then greetings are changed and chosen, and the old PIN opens no more."""
    house = await ctportd_line({1: ["voicemail:100"]}, settings=settings(first_use=True))
    await talk(
        await logged_in(house),
        f"""hear vm-first-use vm-new-pin
            press 1234#
            hear vm-pin-easy
            press 12#
            hear vm-pin-short
            press {PIN}#
            hear vm-pin-old
            press 9071#
            hear vm-pin-again
            press 9072#
            hear vm-pin-differs
            press 9071#
            hear vm-pin-again
            press 9071#
            hear vm-pin-changed vm-record-name
            speak 0
            hear vm-nothing-said vm-record-name
            speak 700
            hear vm-to-record-again
            press 3
            hear vm-record-name
            speak 740
            hear vm-to-accept
            press 1
            hear vm-kept vm-record-greeting
            speak 900
            hear vm-to-accept
            press 4
            hear invalid-key vm-to-accept
            hang up""",
    )
    await house.idle()
    await talk(
        await logged_in(house, "9071"),
        """hear vm-first-use vm-new-pin
           press 80808#
           hear vm-pin-again
           press 80808#
           hear vm-record-greeting
           speak 900
           hear vm-to-accept
           press 1
           hear vm-set-up vm-no-messages vm-to-options
           press 02
           hear vm-record-greeting
           speak 1000
           hear vm-to-accept
           press 1
           hear vm-kept vm-to-temporary
           press 4
           hear vm-record-greeting
           speak 1100
           hear vm-to-accept
           press 1
           hear vm-kept vm-to-temporary
           press 63
           hear vm-record-greeting
           speak 1300
           hear vm-to-accept
           press 1
           hear vm-kept vm-to-use
           press 2
           hear 3 vm-to-use
           press 4
           hear vm-greeting-chosen
           hang up""",
    )
    await house.idle()
    greetings = house.daemon.state / "voicemail" / "100" / "greetings"
    kept = {path.stem: await asyncio.to_thread(tones_of, path) for path in greetings.iterdir()}
    assert kept == {"name": [740], "unavailable": [900], "busy": [1000], "temporary": [1100], "3": [1300]}
    await talk(await house.call(), "hear temporary\nhang up")
    await house.idle()
    await talk(
        await logged_in(house, PIN),
        """hear vm-wrong-pin vm-enter-pin
           press 80808#
           hear vm-no-messages vm-temporary-on vm-to-options
           press 043
           hear vm-erased
           hang up""",
    )
    await house.idle()
    await talk(await house.call(), "hear 3\nhang up")
    await house.idle()
    await talk(
        await logged_in(house, "80808"),
        """hear vm-to-options
           press 0633
           hear vm-erased
           press 12
           hear unavailable vm-to-erase
           press *6#
           hear invalid-key
           press *
           hear vm-to-hear
           hang up""",
    )
    await house.idle()
    await talk(await house.call(), "hear unavailable\nhang up")
    await house.idle()
    pressed = [await keys_of(house, call.id) for call in await house.calls()]
    assert any("?????" in keys for keys in pressed)
    assert not any(pin in keys for keys in pressed for pin in (PIN, "9071", "80808"))


async def test_guesser_is_locked_out(ctportd_line: Line) -> None:
    """Three tries in a call, then good-bye; the lock holds on other lines; a mailbox without a PIN lets nobody in."""
    house = await ctportd_line(
        {1: ["voicemail:100"], 2: ["voicemail:owner"]},
        plugins=["plugins", {"watch": WATCH}],
        settings=settings(),
        daemon={"pin_tries": 4},
    )
    await talk(
        await logged_in(house, "1111"),
        """hear vm-wrong-pin vm-enter-pin
           press 2222#
           hear vm-wrong-pin vm-enter-pin
           press 3333#
           hear vm-wrong-pin goodbye
           ended""",
    )
    await talk(
        await house.call(2),
        f"""hear vm-enter-mailbox
            press 101#
            hear vm-enter-pin
            press *
            hear vm-enter-mailbox
            press 102#
            hear vm-enter-pin
            press {PIN}#
            hear vm-wrong-pin vm-enter-pin
            press *
            hear goodbye
            ended""",
    )
    await talk(
        await house.call(2, number="9"),
        f"""hear vm-enter-mailbox
            press 777#
            hear vm-enter-pin
            press {PIN}#
            hear vm-wrong-pin
            press *100#
            hear vm-enter-pin
            press 4444#
            hear vm-locked goodbye
            ended""",
    )
    await talk(await logged_in(house), "hear vm-locked goodbye\nended")
    assert house.plugin("watch").locked == [("100", "9")]
    assert not (house.daemon.state / "voicemail" / "777").exists()


async def test_silence_ends_the_call(ctportd_line: Line) -> None:
    """A menu is said again three times, six seconds apart; then it is good-bye."""
    house = await ctportd_line({1: ["voicemail:owner"]}, settings=settings())
    phone = await house.call(1)
    await talk(phone, f"hear vm-enter-mailbox\npress 100#\nhear vm-enter-pin\npress {PIN}#")
    await phone.hear("goodbye", within=200)
    menus = [place for place, playback in enumerate(phone.playbacks) if playback.prompt == "vm-to-hear"]
    assert len(menus) == 4
    pauses = [phone.playbacks[place].began - (phone.playbacks[place - 1].ended or 0) for place in menus[1:]]
    assert pauses == [pytest.approx(6, abs=0.3)] * 3


async def test_owner_calls_out(ctportd_line: Line) -> None:
    """Back, or any number that may be called; busy, the mailbox is back. Not without ``dial_out``."""
    allowed = settings(dial_out=True, dial_prefixes=["2"])
    house = await ctportd_line({1: ["voicemail:100"], 2: ["voicemail:101"]}, settings=allowed)
    told = await left(house, voice(1), number="299")  # which is nobody's, and so always busy
    await left(house, voice(1), number="101", mailbox="101")
    colleague = await house.subscribe("204")
    await talk(
        await logged_in(house),
        f"""hear vm-to-more
            press 34
            hear vm-which-number
            press 999#
            hear vm-number-barred
            press 1
            hear {told.uid} vm-to-more
            press 32
            hear number 2 9 9 vm-to-dial
            press *32
            hear number 2 9 9 vm-to-dial
            press 1
            hear transferring busy vm-to-again
            hang up""",
    )
    await house.idle()
    owner = await logged_in(house)
    await talk(owner, "hear vm-to-more\npress 34\nhear vm-which-number\npress 204#\nhear vm-to-dial\npress 1")
    await colleague.ringing()
    await colleague.lift()
    await colleague.say(seconds=2)
    await house.idle()
    await colleague.say(tone(440))
    await owner.hear_tone(440)
    await owner.hang_up()
    await house.idle()
    phone = await house.call(2)
    await talk(
        phone,
        f"""hear vm-mailbox
            press *
            hear vm-enter-pin
            press {PIN}#
            hear vm-to-more
            press 34
            hear vm-no-dialling
            press 1
            hear vm-to-more
            press 32
            hear vm-no-dialling""",
    )
    assert "vm-to-dial-out" not in phone.heard


async def test_what_fails_is_told_and_the_owner_goes_on(
    ctportd_line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that ctserver cannot play, a database that is away: also when the owner goes."""
    house = await ctportd_line({1: ["voicemail:100"]}, settings=settings())
    greeting = house.daemon.state / "voicemail" / "100" / "greetings" / "busy.wav"
    await asyncio.to_thread(greeting.parent.mkdir, parents=True)
    await asyncio.to_thread(greeting.write_bytes, b"no voice")

    async def away(*_: object) -> list[VoiceMessage]:
        raise StoreError("the database is locked", passing=True)

    phone = await house.call(1)
    await talk(phone, f"begin vm-mailbox\npress *{PIN}#022\nhear vm-not-now vm-to-exit")  # who knows the way
    monkeypatch.setattr(house.daemon.store, "messages", away)
    await talk(phone, "press 1\nhear vm-not-now vm-to-exit\npress #\nhear goodbye\nended")
    await house.idle()
    assert await keys_of(house, (await house.calls())[0].id) == "*?????0221#"
