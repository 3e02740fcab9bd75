"""Calls to the attendant: menus and timers, hours set by telephone, extensions, names, and where nobody answers."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile

from ctportd.calls.files import SHIPPED
from ctportd.pins.hashing import hash_pin
from ctportd.testing import tone

if TYPE_CHECKING:
    from ctportd.testing import Line, Telephone

DAY, NIGHT = "2026-11-24 10:00+01:00", "2026-11-24 20:00+01:00"

PIN = {"pin": hash_pin("4711")}

OFFICE: dict[str, Any] = {
    "menu": "start",
    "hours": {"office": {"zone": "Europe/Berlin", "week": {"mon-fri": "09:00-17:00"}} | PIN},
    "extensions": {
        "200": {"name": "Ada Lovelace", "mailbox": "200"},
        "201": {"name": "Ada Býron", "to": "voicemail:201"},
    }
    | {f"31{number}": {"name": f"Zo {letter}", "to": f"play:{letter}"} for number, letter in enumerate("abcdefghij")},
    "menus": {
        "start": {"when": [{"hours": "office", "to": "menu:day"}], "else": "menu:night"},
        "day": {
            "prompt": "aa-welcome aa-for-sales press 1",
            "again": "aa-choose",
            "keys": {
                "1": "menu:sales", "3": "play:yes", "33": "play:no", "6": {"to": "menu:boss", "say": "one-moment"},
                "7": "repeat", "8": "names", "9": "override:office", "4X": "play:4", "*": "hangup",
            },
            "invalid_tries": 2, "no_key_tries": 2, "invalid_to": "menu:lost", "no_key_to": "voicemail:100",
        },
        "sales": {"prompt": "aa-for-support press 2", "keys": {"2": "voicemail:102", "*": "back"}, "barge_in": False,
                  "extensions": False, "wait": 4, "tries": 1, "give_up": "back"},
        "boss": {"prompt": "hello", "keys": {"1": "hangup", "*": "back"}} | PIN,
        "lost": {"prompt": "aa-for-reception", "tries": 1, "wait": 1, "give_up": "exit"},
        "round": {"prompt": "yes", "tries": 1, "wait": 1, "give_up": "menu:about"},
        "about": {"prompt": "no", "tries": 1, "wait": 1, "give_up": "menu:round"},
        "night": {"prompt": "aa-closed", "keys": {"9": "override:office", "*": "hangup"}, "extensions": False},
    },
}  # fmt: skip


async def silent_until(phone: Telephone, prompt: str) -> float:
    """Wait until a prompt begins; returns the seconds of silence before it."""
    await phone.hear_begin(prompt)
    *_, before, last = phone.playbacks
    assert before.ended is not None
    return last.began - before.ended


async def test_digit_timers_and_ways_through_the_menus(ctportd_line: Line) -> None:
    """A complete entry acts at once, the beginning of another when the time between keys is over, or with the pound.

    Keys that are typed ahead count, unless the prompt must be heard. What is keyed in without a pause is one mistake.
    """
    ports = {1: ["auto_attendant"], 2: ["auto_attendant:round"]}
    house = await ctportd_line(ports, settings={"auto_attendant": OFFICE})
    house.clock.set(DAY)
    phone = await house.call(1, number="5550100")
    await phone.hear("aa-for-sales")
    await phone.press("3")  # may go on to 33
    assert await silent_until(phone, "yes") == pytest.approx(2.0, abs=0.3)
    await phone.hear_begin("aa-choose")  # the short prompt, from the second time on
    await phone.press("3#")
    assert await silent_until(phone, "yes") < 0.3
    await phone.hear_begin("aa-choose")
    await phone.press("3342")  # the second entry is typed ahead
    assert await silent_until(phone, "no") < 0.3
    await phone.hear_begin("4")
    await phone.hear("aa-choose")
    await phone.press("7")
    await phone.hear("aa-welcome", "1")
    await phone.silence(9)  # the first key may take its time
    await phone.press("1")
    await phone.hear_begin("aa-for-support")
    await phone.press("*")  # too early: this prompt is heard out
    assert await silent_until(phone, "no-key") == pytest.approx(4.0, abs=0.3)
    await phone.hear_begin("aa-choose")  # it has given up, and leads back
    await phone.press("555")
    assert await silent_until(phone, "invalid-key") == pytest.approx(2.0, abs=0.5)
    await phone.hear("aa-choose")
    assert await silent_until(phone, "no-key") == pytest.approx(10.0, abs=0.3)
    await phone.hear("aa-choose")
    await phone.press("0")
    await phone.hear("invalid-key", "aa-for-reception")  # the second one that is invalid
    await phone.ended()
    assert phone.heard.count("invalid-key") == 2
    (record,) = await house.calls()
    assert record.end_reason == "finished"

    phone = await house.call(1, number="5550101")
    await phone.hear("no-key", "no-key", "vm-intro")  # the second time that no key came
    await phone.recorded()
    await phone.say(seconds=3)
    await phone.press("#")
    await phone.hear("vm-thanks", "goodbye")
    await phone.ended()
    assert [message.mailbox for message in await house.messages()] == ["100"]

    phone = await house.call(2)
    await phone.ended()  # who presses nothing does not go round for ever
    assert phone.heard == ["yes", "no-key", "no", "no-key", "yes", "no-key", "goodbye"]


async def test_extensions_names_and_back_from_voicemail(ctportd_line: Line) -> None:
    """An extension is dialled while the menu speaks; a name by three letters; after the message the menu comes again."""
    house = await ctportd_line({1: ["auto_attendant:day"]}, settings={"auto_attendant": OFFICE})
    phone = await house.call(1, number="5550100")
    await phone.hear_begin("aa-welcome")
    await phone.press("200")
    await leave_message(phone)
    await phone.hear("aa-choose")
    await phone.press("8")
    await phone.hear_begin("aa-names")
    await phone.press("568")  # L, O, V
    await phone.hear("for", "a", "d", "a", "l", "o", "v", "e", "l", "a", "c", "e", "press", "1", "aa-names-again")
    await phone.press("*")
    await phone.hear_begin("aa-names")
    await phone.press("999")
    await phone.hear("aa-names-none")
    greetings = house.daemon.state / "voicemail" / "200" / "greetings"
    await asyncio.to_thread(greetings.mkdir, parents=True)
    await asyncio.to_thread(
        soundfile.write, greetings / "name.wav", tone(600, seconds=0.5), 8000, subtype="PCM_16"
    )
    await phone.press("23#")  # A, D: two of them, Byron first; the other one has spoken his name
    await phone.hear("for", "b", "press", "1", "for", "name", "press", "2")
    await phone.press("1")
    await leave_message(phone)
    await phone.hear("aa-choose")
    await phone.press("8")
    await phone.hear_begin("aa-names")
    await phone.press("96#")  # Z, O: ten of them
    await phone.hear("press", "8", "aa-names-more")
    await phone.press("9")
    await phone.hear("i", "press", "1", "j", "press", "2", "aa-names-more")
    await phone.press("2")
    await phone.hear("j", "aa-choose")
    assert {message.mailbox for message in await house.messages()} == {"200", "201"}
    await phone.press("6")
    await phone.hear("one-moment")
    await phone.hear_begin("aa-enter-pin")
    await phone.press("4712#")
    await phone.hear("aa-wrong-pin")
    await phone.press("4711#")
    await phone.hear("hello")
    await phone.press("*")
    await phone.hear("aa-choose")
    await phone.press("6")
    await phone.hear("one-moment", "hello")  # it is asked for once
    await phone.press("1")
    await phone.hear("goodbye")
    await phone.ended()
    (record,) = await house.calls()
    steps = [step for step in await house.store.steps(record.id) if step.kind in ("menu", "chosen")]
    assert [step.details.get("action", step.details["menu"]) for step in steps] == [
        "day", "voicemail:200", "day", "names", "day", "names", "day",
        "menu:boss", "boss", "back", "day", "menu:boss", "boss", "hangup",
    ]  # fmt: skip


async def leave_message(phone: Telephone) -> None:
    """Leave a message in the mailbox at which the call has come."""
    await phone.hear("vm-intro")
    await phone.recorded()
    await phone.say(seconds=3)
    await phone.press("#")
    await phone.hear("vm-thanks")


async def test_hours_are_set_by_telephone(ctportd_line: Line, tmp_path: Path) -> None:
    """With the PIN, for some hours or until it is undone; the next caller hears it, after a new start too."""
    calendar = tmp_path / "holidays.ics"
    table = OFFICE | {"hours": {"office": OFFICE["hours"]["office"] | {"calendar": str(calendar)}}}
    house = await ctportd_line({1: ["auto_attendant"]}, settings={"auto_attendant": table})

    async def greeted() -> str:
        phone = await house.call(1, number="5550199")
        await phone.answered()
        await house.until(lambda: bool(phone.heard))
        await phone.hang_up()
        await house.idle()
        return phone.heard[0]

    async def setting(prompt: str, *answers: str) -> None:
        phone = await house.call(1, number="5550123")
        await phone.hear_begin(prompt)
        await phone.press("9")
        await phone.hear_begin("aa-enter-pin")
        await phone.press("4711#")
        for answer in answers:
            await phone.hear("aa-how-long" if answer.endswith("#") else "aa-override")
            await phone.press(answer)
        await phone.hang_up()
        await house.idle()

    house.clock.set(DAY)
    assert await greeted() == "aa-welcome"
    await setting("aa-welcome", "2", "3#", "*")
    assert await greeted() == "aa-closed"
    await house.restart()
    assert await greeted() == "aa-closed"
    house.clock.set("2026-11-24 13:10+01:00")
    assert await greeted() == "aa-welcome"
    house.clock.set(NIGHT)
    assert await greeted() == "aa-closed"
    await setting("aa-closed", "1", "#", "*")
    house.clock.set("2027-02-01 03:00+01:00")
    assert await greeted() == "aa-welcome"
    await setting("aa-welcome", "3", "*")
    assert await greeted() == "aa-closed"

    house.clock.set(DAY)
    calendar.write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20201124\nRRULE:FREQ=YEARLY\n"
        "SUMMARY:Founders' day\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    assert await greeted() == "aa-closed"
    rules = [line["rule"] for line in house.log if line["event"] == "hours"]
    assert rules[-1] == "menu start: else: menu:night"

    guesser = await house.call(1, number="666")
    await guesser.hear_begin("aa-closed")
    await guesser.press("9")
    for pin in ("1111#", "2222#", "3333#"):
        await guesser.hear_begin("aa-enter-pin")
        await guesser.press(pin)
        await guesser.hear("aa-wrong-pin")
    await guesser.hear("aa-closed")
    assert "aa-override" not in guesser.heard


PEOPLE: dict[str, Any] = {
    "rescue": "play:sorry",
    "ring": 14,
    "extensions": {"300": {"name": "Ada", "to": "station:3", "mailbox": "300"}},
    "menus": {
        "main": {
            "prompt": "hello",
            "keys": {
                "1": {"to": "transfer:31", "rescue": "voicemail:100"},
                "2": {"to": "station:3", "screen": True},
                "4": {"to": "repeat", "language": "de", "say": "yes"},
                "5": "language:nowhere",
            },
        }
    },
}


async def test_nobody_answers_and_the_caller_is_rescued(ctportd_line: Line, tmp_path: Path) -> None:
    """By flash and by bridge: busy, unanswered and declined calls come back, and what is said for that is done.

    Those that are taken are connected. A caller who chose a language hears it where there is any of it.
    """
    await asyncio.to_thread(
        shutil.copytree, SHIPPED, tmp_path / "de", ignore=lambda _, names: {*names} - {"hello.au"}
    )
    house = await ctportd_line(
        {1: ["auto_attendant"], 3: []},
        stations=[3],
        settings={"auto_attendant": PEOPLE},
        prompts={"paths": [str(tmp_path)]},
    )
    desk = await house.attach(3)
    caller = await house.call(1, number="5550100", name="Bob")
    await caller.hear("hello")
    await caller.press("1")  # nobody's number yet
    await caller.hear("transferring", "busy")
    await leave_message(caller)
    await caller.hear("hello")
    await caller.press("300")
    await desk.ringing()
    await caller.hear("no-answer")
    await leave_message(caller)
    await caller.hear("hello")
    await caller.press("2")
    await house.until(lambda: desk.rings == 1)
    await desk.lift()
    await desk.hear("call-accept")
    await desk.press("2")
    await caller.hear("aa-declined", "sorry", "hello")
    await desk.hang_up()
    assert {message.mailbox for message in await house.messages()} == {"100", "300"}

    await caller.press("4")
    await caller.hear("yes", "hello")
    assert Path(caller.playbacks[-1].file).parent.name == "de"
    await caller.press("5")
    await caller.hear("hello")
    assert Path(caller.playbacks[-1].file).parent == SHIPPED
    called = await house.subscribe("31")
    await caller.press("1")
    await called.ringing()
    await called.lift()
    await called.say(seconds=3)
    await house.idle()  # the line is free; those two are connected by the exchange
    await called.say(tone(600))
    await caller.hear_tone(600)
    await caller.hang_up()

    other = await house.call(1, number="5550101")
    await other.press("300")
    await desk.ringing()
    await desk.lift()
    await other.say(tone(1000))
    await desk.hear_tone(1000)
    await desk.hang_up()
    await other.ended()
    records = {record.number: record.end_reason for record in await house.calls()}
    assert records == {"5550100": "finished", "5550101": "finished"}
