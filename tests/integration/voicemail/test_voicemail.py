"""Callers leave messages: what they hear, what they press, and what is in the mailbox then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from support.mail import MailServer
from support.system import run_ctportd

from ctportd.pins.hashing import hash_pin
from ctportd.records import INBOX, TRASH
from ctportd.testing import audio

if TYPE_CHECKING:
    from ctportd.records import VoiceMessage
    from ctportd.testing import House, Line, Telephone

PLUGINS = Path(__file__).parents[3] / "plugins"

JUDGE = """
from ctportd import Verdict, hookimpl

told = []


@hookimpl
def screen_caller(caller):
    kinds = {"1": "permitted", "2": "blocked"}
    return Verdict(kinds[caller.number]) if caller.number in kinds else None


@hookimpl
def message_waiting(mailbox, new, old):
    told.append((mailbox, new, old))


@hookimpl
def message_left(message):
    told.append(message.uid)
"""

FRONT = """
from ctportd import hookimpl


@hookimpl
async def answer_call(call, target):
    await call.answer()
    await call.play("one-moment")
"""

VOICEMAIL: list[Path | dict[str, str | Path]] = [PLUGINS / "voicemail", {"judge": JUDGE, "front": FRONT}]
STANDARD = ["vm-mailbox", "1", "0", "0", "vm-not-available", "vm-leave-message"]


async def start(
    line: Line, handlers: dict[int, list[str]], mailboxes: dict[str, dict[str, Any]], **more: Any
) -> House:
    """A house with these mailboxes."""
    return await line(handlers, plugins=VOICEMAIL, settings={"voicemail": {"mailboxes": mailboxes}}, **more)


async def record(house: House, *kinds: str) -> None:
    """Be the owner of mailbox 100, and record greetings."""
    box = await open_box(house)
    for kind in kinds:
        path = house.folder / f"{kind}.wav"
        await asyncio.to_thread(soundfile.write, path, audio.voice(0.4), 8000)
        await box.set_greeting(kind, path)


async def open_box(house: House) -> Any:
    """Mailbox 100 as it is in force."""
    module = house.plugin("voicemail")
    settings = house.daemon.plugins.loaded["voicemail"].settings
    return await module.taking.open_box("100", settings, house.daemon)


async def heard_by(house: House, number: str, port: int = 1) -> list[str]:
    """What a caller hears up to the tone, and hangs up."""
    phone = await house.call(port, number=number)
    await phone.hear("beep")
    await phone.hang_up()
    await house.idle()
    return phone.heard[:-1]


async def leave(phone: Telephone, seconds: float = 2.0) -> None:
    """Wait for the tone, speak, and press #."""
    await phone.hear("beep")
    await phone.recorded()
    await phone.say(seconds=seconds)
    await phone.press("#")


async def test_greeting_by_class_and_occasion(ctportd_line: Line) -> None:
    """Standard, busy, the owner's, one for a class, one of several, the temporary one; vm-intro without a table."""
    classes = {"permitted": "hello", "blocked": "2"}
    house = await start(
        ctportd_line,
        {1: ["voicemail:100"], 2: ["voicemail:100:busy"], 3: ["voicemail:7"]},
        {"100": {"greetings_by_class": classes, "shortest": 2}},
    )
    assert await heard_by(house, "3") == STANDARD
    assert (await heard_by(house, "3", 2))[-2:] == ["vm-on-the-phone", "vm-leave-message"]
    assert await heard_by(house, "3", 3) == ["vm-intro"]
    assert await heard_by(house, "1") == ["hello"]
    assert await heard_by(house, "2") == STANDARD
    await record(house, "name", "2", "3", "busy")
    assert await heard_by(house, "3") == ["name", "vm-not-available", "vm-leave-message"]
    assert await heard_by(house, "3", 2) == ["busy"]
    assert await heard_by(house, "2") == ["2"]
    await (await open_box(house)).choose_greeting("3")
    assert await heard_by(house, "3") == ["3"]
    await record(house, "temporary")
    assert [await heard_by(house, number) for number in "123"] == [["temporary"]] * 3
    await house.restart()
    await (await open_box(house)).remove_greeting("temporary")
    assert await heard_by(house, "3") == ["3"]
    broken = house.daemon.state / "voicemail" / "100" / "greetings" / "3.wav"
    await asyncio.to_thread(broken.write_bytes, b"no voice")
    assert await heard_by(house, "3") == ["vm-intro"]
    assert await house.messages() == []


async def test_silence_is_no_message(ctportd_line: Line) -> None:
    """Who says nothing is asked to speak again, and has left nothing by hanging up; who speaks then has left that."""
    silent = {"keep_silent": False, "silence": 3}
    house = await start(ctportd_line, {1: ["voicemail:100"]}, {"100": silent})
    phone = await house.call(1)
    await phone.hear("beep", "vm-too-short", "beep")
    await phone.recorded()
    await phone.silence(1)
    await phone.hang_up()
    await house.idle()
    assert await house.messages("100") == []
    phone = await house.call(1)
    await phone.hear("vm-too-short")
    await leave(phone, 2.0)
    await phone.hear("vm-thanks")
    (message,) = await house.messages("100")
    assert message.seconds == pytest.approx(2.0, abs=0.6)


async def test_message_is_reviewed(ctportd_line: Line) -> None:
    """Skipped greeting, too short, heard, spoken again, urgent; kept by who hangs up; 0 leads to a person."""
    house = await start(
        ctportd_line, {1: ["voicemail:100"]}, {"100": {"review": True, "operator": "front", "silence": 4}}
    )
    phone = await house.call(1, number="5550100", name="Ada")
    await phone.hear_begin("vm-leave-message")
    await phone.press("#")
    await leave(phone, 0.4)
    await phone.hear("vm-too-short")
    await leave(phone, 2.0)
    await phone.hear("vm-review-urgent", "vm-press-zero")
    await phone.press("2")
    await phone.hear("vm-press-zero")
    await phone.press("3")
    await leave(phone, 5.0)
    await phone.hear("vm-press-zero")
    await phone.press("4")
    await phone.hear("vm-marked-urgent", "vm-thanks")
    await phone.ended()
    assert phone.heard.count("vm-press-zero") == 3
    (message,) = await house.messages("100")
    assert message.urgent
    assert not message.cut_short
    assert message.seconds == pytest.approx(5.0, abs=0.2)
    played = [name for name in phone.heard if name == message.uid]
    assert len(played) == 1

    silent = await house.call(1)
    await silent.press("#")
    await silent.hear("beep")
    await silent.recorded()
    await silent.say(seconds=2.0)
    await silent.hear("vm-review-urgent")  # after four seconds of silence, of which half a one is kept
    await silent.hang_up()
    await house.idle()
    kept = (await house.messages("100"))[-1]
    assert kept.seconds == pytest.approx(2.5, abs=0.15)
    assert not kept.cut_short
    samples, _ = await asyncio.to_thread(soundfile.read, kept.path, dtype="int16")
    assert audio.loudness(samples[:16000]) > 1000
    assert not np.any(np.abs(samples[-3000:]) > 200)

    person = await house.call(1)
    await leave(person)
    await person.hear("vm-press-zero", "vm-press-zero")
    await person.press("0")
    await person.hear("vm-thanks", "one-moment")
    await person.ended()
    assert len(await house.messages("100")) == 3

    hurried = await house.call(1)
    await hurried.press("0")
    await hurried.hear("one-moment")
    await hurried.ended()
    assert "beep" not in hurried.heard


async def test_full_mailbox_rings_and_test_for_humans(ctportd_line: Line) -> None:
    """New messages save tolls; a full mailbox says so first, and lets its owner in; machines press no key."""
    pin = await asyncio.to_thread(hash_pin, "4711")
    table = {"pin": pin, "rings": 5, "toll_saver": 3, "rings_by_class": {"blocked": 2}, "most_messages": 1}
    house = await start(
        ctportd_line,
        {1: ["voicemail:100"], 2: ["voicemail:200"]},
        {"100": table, "200": {"human_test": True, "longest": 2}},
    )
    first = await house.call(1)
    await leave(first)
    await first.ended()
    assert first.rings == 5
    (message,) = await house.messages("100")
    for number, rings in (("3", 3), ("2", 2)):
        phone = await house.call(1, number=number)
        await phone.hear("vm-full")
        await phone.ended()
        assert (phone.rings, phone.heard) == (rings, ["vm-full"])
    owner = await house.call(1)
    await owner.hear_begin("vm-full")
    await owner.press("*")
    await owner.hear_begin("vm-enter-pin")
    await owner.hang_up()
    await house.idle()
    with house.real_time():
        command = "--config", str(house.config_path), "messages"
        deleted = await run_ctportd(house.folder, *command, "delete", str(message.id))
        assert (deleted.status, deleted.out) == (0, f"ctportd: message {message.id} is in Trash\n"), deleted
        purged = await run_ctportd(house.folder, *command, "purge", str(message.id), "99")
    assert (purged.status, purged.out) == (1, f"ctportd: message {message.id} is gone\n")
    assert "there is no message 99" in purged.err
    again = await house.call(1)
    await again.hear("beep")
    await again.hang_up()
    await house.idle()
    assert again.rings == 5

    machine = await house.call(2)
    await machine.hear("vm-human-test", "vm-human-test", "vm-human-test", "goodbye")
    await machine.ended()
    friend = await house.call(2, number="1")
    await friend.hear("beep")
    await friend.say(seconds=4)
    await friend.ended()
    assert "vm-human-test" not in friend.heard
    human = await house.call(2)
    for key in "01":  # 0 leads to nobody here, but it was a person who pressed it
        await human.hear_begin("vm-human-test")
        await human.press(key)
    await leave(human)
    await human.ended()
    assert [round(each.seconds) for each in await house.messages("200")] == [2, 2]
    told = house.plugin("judge").told
    waiting = [each for each in told if isinstance(each, tuple)]
    assert waiting == [("100", 1, 0), ("100", 0, 0), ("200", 1, 0), ("200", 2, 0)]
    assert len(told) == len(waiting) + 3


async def test_mail_has_the_message_and_then_deletes_it(ctportd_line: Line) -> None:
    """Only when the server has accepted it; a message whose mail is refused for good stays; none is mailed twice."""
    server = MailServer()
    async with server.listening() as port:
        tables = {"mail": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "ctportd@example.org"}}
        house = await start(
            ctportd_line,
            {1: ["voicemail:100"]},
            {"100": {"email": ["ada@example.org", "bob@example.org"], "name": "Ada", "delete_after_mail": True}},
            **tables,
        )
        await mailed(house, "5550100")
        await house.until(lambda: len(server.taken) == 1)
        recipients, mail = server.taken[0]
        assert recipients == ["ada@example.org", "bob@example.org"]
        assert mail["Subject"] == "New message from 5550100"
        assert "Hello Ada," in mail.get_body().get_content()  # type: ignore[union-attr]
        (attached,) = mail.iter_attachments()
        await folder_of(house, TRASH)
        (message,) = await house.messages("100")
        assert {"message", "mail accepted"} <= {step.kind for step in await house.store.steps(message.call)}
        assert attached.get_content() == await asyncio.to_thread(Path(message.path).read_bytes)

        server.refuses = dict.fromkeys(recipients, "550 no such user")
        await mailed(house, "5550101")
        await house.until(lambda: any(line["event"].startswith("a message stays") for line in house.log))
        kept = (await house.messages("100"))[-1]
        assert kept.folder == INBOX
        await house.store.remove("voicemail-mailed", f"100/{kept.uid}")
        house.daemon.dispatcher.tell("plugin_restored", plugin="voicemail")  # nobody was told in quarantine
        await house.until(lambda: sum(line["event"].startswith("a message stays") for line in house.log) == 2)
        server.refuses = {}
        await house.restart()
        await house.settle()
        assert len(server.taken) == 1
        await house.store.remove("voicemail-mailed", f"100/{kept.uid}")
        await house.restart()  # after an end that came before the mail was in the outbox
        await house.until(lambda: len(server.taken) == 2)
        await house.until(
            lambda: sum(line["event"] == "a message is deleted after its mail" for line in house.log) == 2
        )
        house.clock.set(house.clock.now() + timedelta(days=29))
        await house.restart()
        assert [each.folder for each in await house.messages("100")] == [TRASH, TRASH]
        house.clock.set(house.clock.now() + timedelta(days=2))
        await house.restart()
        assert await house.messages("100") == []


async def mailed(house: House, number: str) -> None:
    """Leave a message."""
    phone = await house.call(1, number=number)
    await leave(phone)
    await phone.ended()


async def folder_of(house: House, folder: str) -> VoiceMessage:
    """Wait until the only message is in a folder."""
    async with asyncio.timeout(60):
        while (message := (await house.messages("100"))[0]).folder != folder:
            pass
    return message
