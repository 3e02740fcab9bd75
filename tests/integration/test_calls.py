"""Real calls: daemon, ctserver and telephone as processes of their own, with real sockets and real audio."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from ctportd.ctserver.g711 import decode, encode

if TYPE_CHECKING:
    from support.system import Finished, StartSystem, System

RATE = 8000
SLOW = {"exchange": {"speed": 10.0}}
"""For tests that compare samples: 3 s after the beep the recording runs, on a busy machine too."""

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


def write_speech(path: Path, seconds: float, seed: int = 1) -> np.ndarray:
    """Write some speech to a file; returns what a line carries of it: the samples after G.711."""
    samples = speech(seconds, seed)
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return np.asarray(decode(encode(samples)))


def where_in(recorded: np.ndarray, said: np.ndarray) -> int:
    """At which sample of the recording the very samples of what was said begin; -1 where they do not."""
    first = said[:64]
    starts = np.flatnonzero(recorded[: recorded.size - said.size + 1] == first[0])
    for start in starts:
        if np.array_equal(recorded[start : start + said.size], said):
            return int(start)
    return -1


def prompts(finished: Finished) -> list[str]:
    """The prompts that the telephone heard to their end, in order."""
    return [line["prompt"] for line in finished.happenings if line["event"] == "played" and line["complete"]]


async def test_caller_leaves_a_message(start_system: StartSystem, tmp_path: Path) -> None:
    """A caller with an ID goes through the menu to voicemail; message, audio and log row are what they should be."""
    system = await start_system(["auto_attendant"], plugins=MENUS, changes=SLOW)
    said = write_speech(tmp_path / "said.wav", 4.0)
    finished = await system.phone(
        1, "--number", "5550100", "--name", "Ada Lovelace",
        "until", "menu-main", "press", "1", "until", "beep", "wait", "3", "say", str(tmp_path / "said.wav"),
        "press", "#", "until", "vm-thanks", "hangup",
    )  # fmt: skip
    assert finished.status == 0, finished
    assert prompts(finished)[:4] == ["menu-main", "vm-intro", "beep", "vm-thanks"]

    (message,) = await system.messages()
    assert (message.mailbox, message.number, message.name) == ("100", "5550100", "Ada Lovelace")
    recorded, rate = soundfile.read(message.path, dtype="int16")
    assert rate == RATE
    assert message.seconds == pytest.approx(recorded.size / RATE, abs=0.001)
    start = where_in(recorded, said)
    assert 0 < start < 4 * RATE, "the stored WAV does not hold the very samples that were said"
    assert np.abs(recorded[:start]).max() < 50, "there is something before what was said"

    record = await system.call_record("5550100")
    assert (record.port, record.name, record.end_reason) == ("main:1", "Ada Lovelace", "hangup")
    assert record.answered_at is not None
    assert record.ended_at is not None
    assert record.began < record.answered_at < record.ended_at
    await system.idle(1)


async def test_four_callers_at_once(start_system: StartSystem, tmp_path: Path) -> None:
    """Four calls on four ports: each leaves its own audio in its own mailbox."""
    system = await start_system(*[[f"voicemail:{mailbox}"] for mailbox in (101, 102, 103, 104)], changes=SLOW)
    said = {}
    for port in range(1, 5):
        said[port] = write_speech(tmp_path / f"{port}.wav", 2.0 + port / 2, seed=port)

    async def call(port: int) -> Finished:
        return await system.phone(
            port, "--number", f"555010{port}", "until", "beep", "wait", "3",
            "say", str(tmp_path / f"{port}.wav"), "press", "#", "until", "vm-thanks",
        )  # fmt: skip

    for finished in await asyncio.gather(*[call(port) for port in said]):
        assert finished.status == 0, finished
    messages = {message.number: message for message in await system.messages()}
    assert len(messages) == 4
    for port, samples in said.items():
        message = messages[f"555010{port}"]
        assert message.mailbox == f"10{port}"
        recorded, _ = soundfile.read(message.path, dtype="int16")
        assert where_in(recorded, samples) > 0
    assert sorted(call.port for call in await system.calls()) == ["main:1", "main:2", "main:3", "main:4"]


HANG_UPS = {
    "while it rings": [],
    "in the menu": ["wait", "9"],  # 6 s of which it rings
    "waiting for a key": ["until", "menu-main", "wait", "1"],
    "in the second menu": ["until", "menu-main", "press", "2", "wait", "2"],
    "in invalid key": ["until", "menu-main", "press", "9", "wait", "1"],
    "in no key": ["until", "menu-main", "wait", "3"],
    "in the transfer": ["until", "menu-main", "press", "0", "wait", "1"],
    "in goodbye": ["until", "menu-main", "press", "*", "wait", "0.2"],
    "in the greeting": ["until", "menu-main", "press", "1", "wait", "2"],
    "in the beep": ["until", "vm-intro", "wait", "0.2"],
    "at once in the recording": ["until", "beep", "wait", "0.3"],
    "in the thanks": ["until", "beep", "wait", "1", "say", "said.wav", "press", "#", "wait", "0.5"],
    "in too short": ["until", "beep", "wait", "0.2", "press", "#", "wait", "0.5"],
}


@pytest.mark.parametrize("state", HANG_UPS)
async def test_caller_may_hang_up_anywhere(start_system: StartSystem, tmp_path: Path, state: str) -> None:
    """A caller who hangs up in any state of any plugin leaves the line free and nothing half written."""
    system = await start_system(["auto_attendant"], plugins=MENUS)
    write_speech(system.folder / "said.wav", 2.0)
    steps = HANG_UPS[state]
    if "vm-intro" in steps or "beep" in steps:
        steps = ["until", "menu-main", "press", "1", *steps]
    finished = await system.phone(1, "--number", "5550100", *steps, "hangup")
    assert finished.status == (2 if state == "while it rings" else 0), finished
    # the ID comes with the second ring: who gives up after the first stays unknown
    record = await system.call_record("" if state == "while it rings" else "5550100")
    assert record.end_reason in ("hangup", "rings stopped", "finished")
    await system.idle(1)
    assert not list((system.state / "voicemail").glob("*/incoming/*")), "something half written is left"
    messages = await system.messages()
    assert len(messages) == (1 if state == "in the thanks" else 0)
    assert sorted(system.state.glob("voicemail/*/*.wav")) == [Path(message.path) for message in messages]
    again = await system.phone(1, "--number", "5550199", "until", "menu-main", "hangup")
    assert again.status == 0, again
    assert not [line for line in system.log_lines if line["level"] in ("error", "critical")]


async def test_caller_who_hangs_up_after_speaking_has_left_a_message(
    start_system: StartSystem, tmp_path: Path
) -> None:
    """Hanging up is how most messages end: what was said is kept."""
    system = await start_system(["voicemail:100"], changes=SLOW)
    said = write_speech(tmp_path / "said.wav", 3.0)
    finished = await system.phone(
        1, "--number", "5550100", "until", "beep", "wait", "3", "say", str(tmp_path / "said.wav"), "hangup"
    )
    assert finished.status == 0, finished
    await system.call_record("5550100")
    await system.idle(1)
    (message,) = await system.messages()
    recorded, _ = soundfile.read(message.path, dtype="int16")
    assert where_in(recorded, said) > 0


async def test_two_messages_in_one_call(start_system: StartSystem) -> None:
    """A caller who comes back to the menu and leaves another message has left two."""
    system = await start_system(["auto_attendant"], plugins=MENUS)
    leave = ["until", "menu-main", "press", "1", "until", "beep", "wait", "3", "press", "#"]
    finished = await system.phone(1, "--number", "5550100", *leave, *leave, "until", "vm-thanks", "hangup")
    assert finished.status == 0, finished
    messages = await system.messages()
    assert len({message.path for message in messages}) == 2
    assert len({message.call for message in messages}) == 1


async def test_silence_and_the_limit_end_a_message(start_system: StartSystem, tmp_path: Path) -> None:
    """A caller who says nothing more is thanked after the silence; one who does not stop, at the limit."""
    settings = {"voicemail": {"silence": 3, "longest": 6, "trim": False}}
    system = await start_system(["voicemail:1"], ["voicemail:2"], plugins=settings)
    write_speech(tmp_path / "short.wav", 2.0)
    write_speech(tmp_path / "long.wav", 12.0)
    quiet = await system.phone(1, "until", "beep", "say", str(tmp_path / "short.wav"), "until", "vm-thanks")
    talker = await system.phone(2, "until", "beep", "say", str(tmp_path / "long.wav"))
    assert quiet.status == 0, quiet
    assert "vm-thanks" in prompts(talker), talker
    by_mailbox = {message.mailbox: message.seconds for message in await system.messages()}
    assert by_mailbox["1"] == pytest.approx(2.0 + 3.0, abs=0.8)
    assert by_mailbox["2"] == pytest.approx(6.0, abs=0.1)


async def test_no_key_and_invalid_key(start_system: StartSystem) -> None:
    """No key and an invalid key are each told, the menu comes again, and at last it gives up with good-bye."""
    system = await start_system(["auto_attendant"], plugins=MENUS)
    finished = await system.phone(1, "until", "menu-main", "press", "9")
    assert finished.status == 0, finished
    assert prompts(finished) == ["menu-main", "invalid-key", "menu-main", "no-key", "goodbye"]


async def test_key_during_the_menu_cuts_it_short(start_system: StartSystem) -> None:
    """Who knows the menu need not hear it out."""
    system = await start_system(["auto_attendant"], plugins=MENUS)
    finished = await system.phone(1, "wait", "2", "press", "*")
    assert finished.status == 0, finished
    assert prompts(finished) == ["goodbye"]


async def test_nobody_answers(start_system: StartSystem) -> None:
    """A port without handlers rings on; the phone gives up with status 2, and the call is in the log."""
    system = await start_system([])
    finished = await system.phone(1, "--number", "5550100", "--rings", "3")
    assert finished.status == 2, finished
    record = await system.call_record("5550100")
    assert (record.answered_at, record.end_reason) == (None, "rings stopped")


async def test_stopping_keeps_the_message_being_recorded(start_system: StartSystem, tmp_path: Path) -> None:
    """SIGTERM in the middle of a message: it is kept, the caller is told that the call is over, status 0."""
    system = await start_system(["voicemail:100"], changes=SLOW)
    incoming = system.state / "voicemail" / "100" / "incoming"
    said = write_speech(tmp_path / "said.wav", 60.0)
    calling = asyncio.create_task(
        system.phone(1, "--number", "5550100", "until", "beep", "wait", "3", "say", str(tmp_path / "said.wav"))
    )
    await system.until(lambda: any(file.stat().st_size > 5 * 2 * RATE for file in incoming.glob("*.wav")))
    status = await asyncio.wait_for(system.stop(), 10)
    assert status == 0
    await calling
    (message,) = await system.messages()
    recorded, _ = soundfile.read(message.path, dtype="int16")
    assert recorded.size > 2 * RATE
    (record,) = await system.calls()
    assert record.end_reason == "stopping"
    assert where_in(recorded, said[: RATE // 10]) >= 0
    await system.start()


PLUGIN = """
from ctportd import hookimpl

@hookimpl
def port_event(port, event, daemon):
    with open(daemon.state / "seen.txt", "a") as seen:
        seen.write(f"{port.number} {event.name} {event.raw}\\n")

@hookimpl
async def call_ended(call, settings, daemon):
    (daemon.state / "ended.txt").write_text(f"{call.caller} {settings['word']}")
"""


async def test_plugin_dropped_into_the_folder(start_system: StartSystem) -> None:
    """A plugin of fifteen lines sees the events at the next start, parsed and raw, with its own settings."""
    system = await start_system(
        ["auto_attendant"], plugins=MENUS | {"mine": {"word": "bye"}}, own_plugins={"mine.py": PLUGIN}
    )
    await system.phone(1, "--number", "5550100", "--name", "Ada", "wait", "1", "press", "*")
    await system.call_record("5550100")
    await system.stop()
    seen = (system.state / "seen.txt").read_text().splitlines()
    assert "1 ring rly=ring src=0 dst=0 arg1=ring arg2=1 argc=2" in seen
    assert "1 dtmf rly=dtmf src=0 dst=0 arg1=dtmf arg2=* argc=2" in seen
    assert (system.state / "ended.txt").read_text() == "Ada <5550100> bye"
    await system.start()


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


async def test_broken_plugin_harms_nobody(start_system: StartSystem) -> None:
    """What a plugin raises is logged with its name; others see their events; its caller hears an apology."""
    system = await start_system(
        ["broken"], ["auto_attendant"], plugins=MENUS, own_plugins={"broken.py": BROKEN, "worse.py": "1/0"}
    )
    apologised = await system.phone(1, "--number", "5550101")
    assert prompts(apologised) == ["error"], apologised
    good = await system.phone(2, "--number", "5550102", "wait", "1", "press", "*")
    assert good.status == 0, good
    assert (await system.call_record("5550101")).end_reason == "failed"
    assert (await system.call_record("5550102")).end_reason == "finished"
    plugins = {plugin.name: plugin for plugin in (await system.status()).plugins}
    assert plugins["broken"].faults > 1
    assert plugins["worse"].state == "failed"
    assert "ZeroDivisionError" in plugins["worse"].error
    failed = [line for line in system.log_lines if "broken on purpose" in line.get("exception", "")]
    assert failed
    assert all(line["plugin"] == "broken" and line["port"] in ("main:1", "main:2") for line in failed)


async def test_transfer_reaches_the_exchange(start_system: StartSystem) -> None:
    """A transfer by key is a hook flash and the number on the line, and the port is free after it."""
    system: System = await start_system(["auto_attendant"], plugins=MENUS)
    finished = await system.phone(
        1, "--number", "5550100", "until", "menu-main", "press", "0", "until", "transferring"
    )
    assert finished.status == 0, finished
    assert (await system.call_record("5550100")).end_reason == "finished"
    await system.idle(1)
