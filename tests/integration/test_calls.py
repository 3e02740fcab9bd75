"""Real calls: daemon, ctserver and telephones, with real sockets and real audio."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from ctportd.ctserver.g711 import decode, encode

if TYPE_CHECKING:
    from support.system import StartSystem

    from ctportd.records import CallRecord, VoiceMessage
    from ctportd.testing import House, Line, Samples, Telephone

RATE = 8000
MENUS = {
    "auto_attendant": {
        "menus": {
            "main": {
                "prompt": "menu-main",
                "wait": 2,
                "tries": 2,
                "keys": {"1": "voicemail:100", "2": "menu:hours", "0": "transfer:204", "*": "hangup"},
            },
            "hours": {"prompt": "menu-hours", "wait": 2, "tries": 2, "keys": {"1": "voicemail", "*": "menu:main"}},
        }
    }
}


def speech(seconds: float, seed: int = 1) -> np.ndarray:
    """Something like a voice: noise in syllables, at a level that is never clipped. int16, 8 kHz."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time)
    return np.asarray(random.normal(0, 3000, time.size) * syllables, dtype=np.int16)


def on_the_line(samples: np.ndarray) -> np.ndarray:
    """What a line carries of some speech: the samples after G.711."""
    return np.asarray(decode(encode(samples)))


def where_in(recorded: np.ndarray, said: np.ndarray) -> int:
    """At which sample of the recording the very samples of what was said begin; -1 where they do not."""
    first = said[:64]
    starts = np.flatnonzero(recorded[: recorded.size - said.size + 1] == first[0])
    for start in starts:
        if np.array_equal(recorded[start : start + said.size], said):
            return int(start)
    return -1


def whole(phone: Telephone) -> list[str]:
    """The prompts that the telephone heard to their end, in order."""
    return [playback.prompt for playback in phone.playbacks if playback.complete]


async def samples_of(message: VoiceMessage) -> Samples:
    """A message, as it is on the disk."""
    recorded, rate = await asyncio.to_thread(soundfile.read, message.path, dtype="int16")
    assert rate == RATE
    return np.asarray(recorded)


async def record_of(house: House, number: str) -> CallRecord:
    """The one call of a number in the log of calls, which has ended."""
    await house.idle()
    (record,) = [call for call in await house.calls() if call.number == number]
    assert record.ended_at is not None
    return record


def wrongs(house: House) -> list[object]:
    """What was logged that is no good sign."""
    return [line for line in house.log if line["level"] in ("error", "critical")]


async def test_caller_leaves_a_message(ctportd_line: Line) -> None:
    """A caller with an ID goes through the menu to voicemail; message, audio and log row are what they should be."""
    house = await ctportd_line({1: ["auto_attendant"]}, settings=MENUS)
    said = speech(4.0)
    phone = await house.call(1, number="5550100", name="Ada Lovelace")
    await phone.hear("menu-main")
    await phone.press("1")
    await phone.hear("beep")
    await phone.silence(3)
    await phone.say(said)
    await phone.press("#")
    await phone.hear("vm-thanks")
    await phone.hang_up()
    assert whole(phone)[:4] == ["menu-main", "vm-intro", "beep", "vm-thanks"]

    record = await record_of(house, "5550100")
    (message,) = await house.messages()
    assert (message.mailbox, message.number, message.name) == ("100", "5550100", "Ada Lovelace")
    recorded = await samples_of(message)
    assert message.seconds == pytest.approx(recorded.size / RATE, abs=0.001)
    start = where_in(recorded, on_the_line(said))
    assert start == pytest.approx(3 * RATE, abs=RATE / 10), "the stored WAV does not hold the very samples"
    assert np.abs(recorded[:start]).max() < 50, "there is something before what was said"

    assert (record.port, record.name, record.end_reason) == ("main:1", "Ada Lovelace", "hangup")
    assert record.answered_at is not None
    assert record.ended_at is not None
    assert record.began < record.answered_at < record.ended_at


async def test_four_callers_at_once(ctportd_line: Line) -> None:
    """Four calls on four ports: each leaves its own audio in its own mailbox."""
    house = await ctportd_line({port: [f"voicemail:10{port}"] for port in range(1, 5)})
    said = {port: speech(2.0 + port / 2, seed=port) for port in range(1, 5)}

    async def call(port: int) -> None:
        phone = await house.call(port, number=f"555010{port}")
        await phone.hear("beep")
        await phone.silence(3)
        await phone.say(said[port])
        await phone.press("#")
        await phone.hear("vm-thanks")

    await asyncio.gather(*[call(port) for port in said])
    messages = {message.number: message for message in await house.messages()}
    assert len(messages) == 4
    for port, samples in said.items():
        message = messages[f"555010{port}"]
        assert message.mailbox == f"10{port}"
        assert where_in(await samples_of(message), on_the_line(samples)) > 0
    assert sorted(call.port for call in await house.calls()) == ["main:1", "main:2", "main:3", "main:4"]


HANG_UPS: dict[str, list[tuple[str, object]]] = {
    "while it rings": [("ringing", 1)],
    "in the menu": [("silence", 9)],  # 6 s of which it rings
    "waiting for a key": [("hear", "menu-main"), ("silence", 1)],
    "in the second menu": [("hear", "menu-main"), ("press", "2"), ("silence", 2)],
    "in invalid key": [("hear", "menu-main"), ("press", "9"), ("silence", 1)],
    "in no key": [("hear", "menu-main"), ("silence", 3)],
    "in the transfer": [("hear", "menu-main"), ("press", "0"), ("silence", 1)],
    "in goodbye": [("hear", "menu-main"), ("press", "*"), ("silence", 0.2)],
    "in the greeting": [("hear", "menu-main"), ("press", "1"), ("silence", 2)],
    "in the beep": [("hear", "vm-intro"), ("silence", 0.2)],
    "at once in the recording": [("hear", "beep"), ("silence", 0.3)],
    "in the thanks": [("hear", "beep"), ("silence", 1), ("say", speech(2.0)), ("press", "#"), ("silence", 0.5)],
    "in too short": [("hear", "beep"), ("silence", 0.2), ("press", "#"), ("silence", 0.5)],
}


@pytest.mark.parametrize("state", HANG_UPS)
async def test_caller_may_hang_up_anywhere(ctportd_line: Line, state: str) -> None:
    """A caller who hangs up in any state of any plugin leaves the line free and nothing half written."""
    house = await ctportd_line({1: ["auto_attendant"]}, settings=MENUS)
    steps = HANG_UPS[state]
    if steps[0] in (("hear", "vm-intro"), ("hear", "beep")):
        steps = [("hear", "menu-main"), ("press", "1"), *steps]
    phone = await house.call(1, number="5550100")
    for step, what in steps:
        await getattr(phone, step)(what)
    await phone.hang_up()
    assert phone.was_answered is (state != "while it rings")
    # the ID comes with the second ring: who gives up after the first stays unknown
    record = await record_of(house, "" if state == "while it rings" else "5550100")
    assert record.end_reason in ("hangup", "rings stopped", "finished")
    assert not list((house.daemon.state / "voicemail").glob("*/incoming/*")), "something half written is left"
    messages = await house.messages()
    assert len(messages) == (1 if state == "in the thanks" else 0)
    assert sorted(house.daemon.state.glob("voicemail/*/*.wav")) == [Path(message.path) for message in messages]
    again = await house.call(1, number="5550199")
    await again.hear("menu-main")
    await again.hang_up()
    await house.idle()
    assert not wrongs(house)


async def test_caller_who_hangs_up_after_speaking_has_left_a_message(ctportd_line: Line) -> None:
    """Hanging up is how most messages end: what was said is kept."""
    house = await ctportd_line({1: ["voicemail:100"]})
    said = speech(3.0)
    phone = await house.call(1, number="5550100")
    await phone.hear("beep")
    await phone.silence(3)
    await phone.say(said)
    await phone.hang_up()
    await record_of(house, "5550100")
    (message,) = await house.messages()
    assert where_in(await samples_of(message), on_the_line(said)) > 0


async def test_two_messages_in_one_call(ctportd_line: Line) -> None:
    """A caller who comes back to the menu and leaves another message has left two."""
    house = await ctportd_line({1: ["auto_attendant"]}, settings=MENUS)
    phone = await house.call(1, number="5550100")
    for _ in range(2):
        await phone.hear("menu-main")
        await phone.press("1")
        await phone.hear("beep")
        await phone.silence(3)
        await phone.press("#")
    await phone.hear("vm-thanks")
    await phone.hang_up()
    messages = await house.messages()
    assert len({message.path for message in messages}) == 2
    assert len({message.call for message in messages}) == 1


async def test_silence_and_the_limit_end_a_message(ctportd_line: Line) -> None:
    """A caller who says nothing more is thanked after the silence; one who does not stop, at the limit."""
    settings = {"voicemail": {"silence": 3, "longest": 6, "trim": False}}
    house = await ctportd_line({1: ["voicemail:1"], 2: ["voicemail:2"]}, settings=settings)
    quiet = await house.call(1)
    await quiet.hear("beep")
    await quiet.say(speech(2.0))
    await quiet.hear("vm-thanks")
    talker = await house.call(2)
    await talker.hear("beep")
    with pytest.raises(AssertionError, match="the line hung up"):
        await talker.say(speech(12.0))
    assert "vm-thanks" in whole(talker)
    by_mailbox = {message.mailbox: message.seconds for message in await house.messages()}
    assert by_mailbox["1"] == pytest.approx(2.0 + 3.0, abs=0.1)
    assert by_mailbox["2"] == pytest.approx(6.0, abs=0.1)


async def test_no_key_and_invalid_key(ctportd_line: Line) -> None:
    """No key and an invalid key are each told, the menu comes again, and at last it gives up with good-bye."""
    house = await ctportd_line({1: ["auto_attendant"]}, settings=MENUS)
    phone = await house.call(1)
    await phone.hear("menu-main")
    await phone.press("9")
    await phone.ended()
    assert whole(phone) == ["menu-main", "invalid-key", "menu-main", "no-key", "goodbye"]


async def test_key_during_the_menu_cuts_it_short(ctportd_line: Line) -> None:
    """Who knows the menu need not hear it out."""
    house = await ctportd_line({1: ["auto_attendant"]}, settings=MENUS)
    phone = await house.call(1)
    await phone.press("*")
    await phone.ended()
    assert whole(phone) == ["goodbye"]


async def test_nobody_answers(ctportd_line: Line) -> None:
    """A port without handlers rings on; the phone gives up, and the call is in the log."""
    house = await ctportd_line({1: []})
    phone = await house.call(1, number="5550100", rings=3)
    assert (await phone.ended()).reason == "gave-up"
    assert (phone.rings, phone.was_answered) == (3, False)
    record = await record_of(house, "5550100")
    assert (record.answered_at, record.end_reason) == (None, "rings stopped")


async def test_stopping_keeps_the_message_being_recorded(start_system: StartSystem, tmp_path: Path) -> None:
    """SIGTERM in the middle of a message: it is kept, the caller is told that the call is over, status 0."""
    system = await start_system(["voicemail:100"], changes={"exchange": {"speed": 10.0}})
    incoming = system.state / "voicemail" / "100" / "incoming"
    said = speech(60.0)
    soundfile.write(tmp_path / "said.wav", said, RATE, subtype="PCM_16")
    calling = asyncio.create_task(
        system.phone(1, "--number", "5550100", "until", "beep", "wait", "3", "say", str(tmp_path / "said.wav"))
    )
    await system.until(lambda: any(file.stat().st_size > 5 * 2 * RATE for file in incoming.glob("*.wav*")))
    status = await asyncio.wait_for(system.stop(), 10)
    assert status == 0
    await calling
    (message,) = await system.messages()
    recorded, _ = soundfile.read(message.path, dtype="int16")
    assert recorded.size > 2 * RATE
    (record,) = await system.calls()
    assert record.end_reason == "stopping"
    assert where_in(recorded, on_the_line(said)[: RATE // 10]) >= 0
    await system.start()


PLUGIN = """
from ctportd import hookimpl

seen, ended = [], []

@hookimpl
def port_event(port, event, daemon):
    seen.append(f"{port.number} {event.name} {event.raw}")

@hookimpl
async def call_ended(call, settings, daemon):
    ended.append(f"{call.caller} {settings['word']}")
"""


async def test_plugin_dropped_into_the_folder(ctportd_line: Line) -> None:
    """A plugin of fifteen lines sees the events, parsed and raw, with its own settings."""
    house = await ctportd_line(
        {1: ["auto_attendant"]}, plugins=["plugins", {"mine": PLUGIN}], settings=MENUS | {"mine": {"word": "bye"}}
    )
    phone = await house.call(1, number="5550100", name="Ada")
    await phone.press("*")
    await phone.ended()
    await house.idle()
    seen = house.plugin("mine").seen
    assert "1 ring rly=ring src=0 dst=0 arg1=ring arg2=1 argc=2" in seen
    assert "1 dtmf rly=dtmf src=0 dst=0 arg1=dtmf arg2=* argc=2" in seen
    assert house.plugin("mine").ended == ["Ada <5550100> bye"]


BROKEN = """
from ctportd import hookimpl

@hookimpl
def port_event(event):
    raise RuntimeError("broken on purpose")

@hookimpl
async def answer_call(call):
    await call.answer()
    raise RuntimeError("broken too")
"""


async def test_broken_plugin_harms_nobody(ctportd_line: Line) -> None:
    """What a plugin raises is logged with its name; others see their events; its caller hears an apology."""
    house = await ctportd_line(
        {1: ["broken"], 2: ["auto_attendant"]},
        plugins=["plugins", {"broken": BROKEN, "worse": "1/0"}],
        settings=MENUS,
        expect_faults=True,
    )
    apologised = await house.call(1, number="5550101")
    await apologised.ended()
    assert whole(apologised) == ["error"]
    good = await house.call(2, number="5550102")
    await good.press("*")
    assert (await good.ended()).by == "line"
    assert (await record_of(house, "5550101")).end_reason == "failed"
    assert (await record_of(house, "5550102")).end_reason == "finished"
    plugins = {plugin.name: plugin for plugin in (await house.status()).plugins}
    assert plugins["broken"].faults > 1
    assert plugins["worse"].state == "failed"
    assert "ZeroDivisionError" in plugins["worse"].error
    failed = [line for line in house.log if "broken on purpose" in str(line.get("exc_info"))]
    assert failed
    assert all(line["plugin"] == "broken" and line["port"] in ("main:1", "main:2") for line in failed)


async def test_transfer_reaches_the_exchange(ctportd_line: Line) -> None:
    """A transfer by key is a hook flash and the number on the line, and the port is free after it."""
    house = await ctportd_line({1: ["auto_attendant"]}, settings=MENUS)
    phone = await house.call(1, number="5550100")
    await phone.hear("menu-main")
    await phone.press("0")
    await phone.hear("transferring")
    assert (await record_of(house, "5550100")).end_reason == "finished"
