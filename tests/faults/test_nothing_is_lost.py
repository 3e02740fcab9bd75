"""Messages, whatever is killed, cut, filled, locked or removed while a caller speaks."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.system import System

if TYPE_CHECKING:
    from pathlib import Path

    from support.system import Finished, StartSystem

    from ctportd.records import VoiceMessage

UNTIL_HANG_UP = {"voicemail": {"silence": 0, "longest": 600}}
SECOND = 16_000  # bytes of a recording
TONE = 440.0  # Hz: what the caller says


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A minute of the caller's voice."""
    path = tmp_path / "voice.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * TONE * np.arange(60 * 8000) / 8000), 8000)
    return path


class Caller:
    """Somebody who calls voicemail and speaks on and on.

    Attributes:
        number: The caller's, unlike that of any other one.
    """

    def __init__(self, system: System, voice: Path, port: int = 1, number: str = "5550100") -> None:
        self.number = number
        self._system = system
        steps = ("until", "beep", "say", str(voice), "hangup")
        self.phone: asyncio.Task[Finished] = asyncio.create_task(system.phone(port, "--number", number, *steps))

    async def spoke(self, seconds: float) -> None:
        """Wait until so much of it is on the disk."""
        await self._system.until(lambda: any(size >= seconds * SECOND for size in sizes(self._system.state)))


def sizes(state: Path) -> list[int]:
    """How long the recordings are that grow, in bytes."""
    return [part.stat().st_size for part in state.glob("voicemail/*/incoming/*.part")]


async def stored(system: System, count: int) -> list[VoiceMessage]:
    """Wait until there are so many messages; there are never more, each plays, and holds the caller's voice."""
    for _ in range(3000):
        messages = await system.messages()
        if len(messages) >= count:
            break
        await asyncio.sleep(0.01)
    assert len(messages) == count, system.output
    for message in messages:
        samples, rate = soundfile.read(message.path)
        assert len(samples) / rate == pytest.approx(message.seconds)
        middle = samples[len(samples) // 3 : 2 * len(samples) // 3]
        spectrum = np.abs(np.fft.rfft(middle))
        assert np.fft.rfftfreq(len(middle), 1 / rate)[spectrum.argmax()] == pytest.approx(TONE, abs=10)
    assert not list(system.state.glob("voicemail/*/incoming/*"))
    return messages


async def ctserver_of(system: System) -> int:
    """The pid of ctserver."""
    pid = (await system.status()).ctserver[0].pid
    assert pid is not None
    return pid


@pytest.mark.parametrize(
    "victims", [("ctserver",), ("ctportd",), ("ctserver", "ctportd"), ("ctportd", "ctserver")]
)
async def test_killed_while_callers_speak(
    start_system: StartSystem, voice: Path, victims: tuple[str, ...]
) -> None:
    """Kill -9 of either, or of both: each caller's words are a message, cut short, with who called and when."""
    system = await start_system(["voicemail:100"], ["voicemail:101"], plugins=UNTIL_HANG_UP)
    callers = [Caller(system, voice, port, f"555010{port}") for port in (1, 2)]
    await system.until(lambda: len([size for size in sizes(system.state) if size > 4 * SECOND]) == 2)
    pids = {"ctserver": await ctserver_of(system), "ctportd": system.process.pid if system.process else 0}
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    await asyncio.gather(*(caller.phone for caller in callers))
    if "ctportd" in victims:
        await system.stop(signal.SIGKILL)
        await system.start()
    messages = await stored(system, 2)
    assert {(message.number, message.mailbox) for message in messages} == {("5550101", "100"), ("5550102", "101")}
    assert [(message.cut_short, message.seconds >= 3) for message in messages] == [(True, True)] * 2, messages
    calls = await system.ended_calls(2)
    assert {call.id for call in calls} == {message.call for message in messages}
    shown = await system.run("messages")
    assert shown.out.count("(cut short)") == 2
    again = await system.phone(1, "--number", "5550199", "until", "beep", "hangup")
    assert again.status == 0, again


async def test_power_is_lost(start_system: StartSystem, voice: Path, tmp_path: Path) -> None:
    """The disk as it is at any moment gives, at the next start, a message for each caller who had spoken."""
    system = await start_system(["voicemail:100"], ["voicemail:101"], plugins=UNTIL_HANG_UP)
    first = Caller(system, voice, 1, "5550101")
    copies: list[tuple[Path, int]] = []
    await first.spoke(1.5)
    second = Caller(system, voice, 2, "5550102")
    for number in range(4):
        await asyncio.sleep(0.11)  # real time: any moment will do
        copies.append(await frozen(system, tmp_path / f"copy{number}"))
    await system.stop()
    await asyncio.gather(first.phone, second.phone)
    for copy, spoken in copies:
        other = System(tmp_path / f"other-{copy.name}", [["voicemail"]])
        shutil.copytree(copy, other.state)
        await other.start()
        try:
            messages = await stored(other, spoken)
            assert len({message.number for message in messages}) == spoken
        finally:
            await other.stop()


async def frozen(system: System, copy: Path) -> tuple[Path, int]:
    """A copy of the disk at one moment, and how many callers had spoken for long enough by then."""
    assert system.process is not None
    pids = [system.process.pid, await ctserver_of(system)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(system.state, copy, ignore=shutil.ignore_patterns("*.sock"))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await asyncio.to_thread(leave_alone, copy)
    return copy, len([size for size in sizes(copy) if size >= SECOND + 100])


def leave_alone(copy: Path) -> None:
    """Nobody writes to its recordings any more, though a process of the writer's pid lives."""
    for path in copy.glob("voicemail/*/incoming/*"):
        os.utime(path, (1, 1))


async def test_database_that_is_locked(start_system: StartSystem, voice: Path) -> None:
    """Another program writes to the database for as long as the call lasts: message and call are in it afterwards."""
    system = await start_system(["voicemail:100"], plugins={"voicemail": {"silence": 0, "longest": 4}})
    with closing(sqlite3.connect(system.state / "ctportd.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        heard = await Caller(system, voice).phone
        assert any(line.get("prompt") == "vm-thanks" for line in heard.happenings)
        await system.logged("a message waits for the database")
        await system.logged("records of calls wait for the database")
    (message,) = await stored(system, 1)
    assert not message.cut_short
    assert (await system.call_record("5550100")).end_reason == "finished"


async def test_database_that_is_removed(start_system: StartSystem, voice: Path) -> None:
    """The daemon makes another one, with every message that is on the disk, and goes on."""
    system = await start_system(["voicemail:100"], plugins={"voicemail": {"silence": 0, "longest": 4}})
    await Caller(system, voice, number="5550101").phone
    await stored(system, 1)
    await system.ended_calls(1)
    for path in system.state.glob("ctportd.db*"):
        path.unlink()
    await system.logged("the database's file was removed or replaced; it is opened anew")
    await Caller(system, voice, number="5550102").phone
    messages = await stored(system, 2)
    assert {message.number for message in messages} == {"5550101", "5550102"}
    assert (await system.call_record("5550102")).end_reason == "finished"
