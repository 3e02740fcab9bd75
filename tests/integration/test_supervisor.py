"""Ctserver as a child process: any program, on a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.processes import exists, gone, running_with, until
from tenacity import AsyncRetrying, RetryCallState

from ctportd.links.supervision.guarding import guarded_groups
from ctportd.links.supervision.output import LINES_A_MINUTE, LONGEST_LINE
from ctportd.links.supervisor import Supervisor
from ctportd.live.telling import LONGEST_TEXT, told_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from pathlib import Path

GOOD = """
import sys, signal, time
print("opening ports")
print("Started!")              # buffered where it is no terminal, as a C program's is
signal.pause()
"""

STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"])
print("child", child.pid)
print("Started!")
signal.pause()
"""

LEAVING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("child", child.pid)
raise SystemExit(3)
"""

ENDLESS = """
import signal, sys
sys.stdout.write("x" * 10_000)
print()
print("Started!")
signal.pause()
"""

FLOOD = """
print("Started!")
for number in range(5000):
    print("line", number)
"""

BUSY = """
print("Address already in use")
print("Giving up")
raise SystemExit(1)
"""


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[None]]:
    """Run a supervisor as long as the block lasts."""
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def supervisor(
    tmp_path: Path,
    program: str,
    start_timeout: float = 20.0,
    stop_timeout: float = 20.0,
    max_restart_delay: float = 60.0,
) -> Supervisor:
    """A supervisor of a Python program."""
    script = tmp_path / "program.py"
    script.write_text(program)
    command = [sys.executable, str(script)]
    return Supervisor("main", command, start_timeout, stop_timeout, max_restart_delay=max_restart_delay)


def said(log_lines: list[MutableMapping[str, Any]], word: str) -> int:
    """The number that the program printed after this word."""
    lines = [str(line.get("line", "")) for line in log_lines]
    return int(next(line for line in lines if line.startswith(word)).split()[1])


def guard_of(group: int) -> int:
    """The pid of a process group's guard."""
    (guard,) = running_with("guard.py", f" {group} ")
    return guard


async def test_started_is_seen_through_a_terminal(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """A program with buffered output is ready when it says so, and what it prints is in the log."""
    watched = supervisor(tmp_path, GOOD)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert watched.pid is not None
        pid = watched.pid
        assert exists(pid)
    assert not exists(pid)
    assert "opening ports" in [line.get("line") for line in log_lines]


async def test_killed_is_started_again(tmp_path: Path) -> None:
    """A ctserver that dies comes back by itself, as another process."""
    watched = supervisor(tmp_path, GOOD)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        first = watched.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await gone(first)
        async with asyncio.timeout(20):
            while watched.pid in (None, first):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert watched.starts == 2


async def test_what_does_not_heed_the_end_is_killed_with_its_children(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """SIGTERM, then SIGKILL for the whole group: no orphan is left."""
    watched = supervisor(tmp_path, STUBBORN, stop_timeout=0.2)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        pid = watched.pid
    assert pid is not None
    await gone(said(log_lines, "child"))
    assert not exists(pid)


async def test_giving_up_is_told_with_its_words(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A ctserver whose ports are taken is told of with what it printed, and tried again after about a second."""
    watched = supervisor(tmp_path, BUSY)
    async with running(watched):
        async with asyncio.timeout(20):
            while watched.starts < 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    (down, *_) = [line for line in log_lines if line["event"] == "ctserver is down"]
    assert "ended with exit status 1; its last words: Address already in use / Giving up" in down["error"]
    assert down["retry_in"] == 1.0


async def test_silent_one_is_not_waited_for(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A program that never says Started! is ended and told of."""
    watched = supervisor(tmp_path, "import signal; signal.pause()", start_timeout=0.3)
    async with running(watched):
        async with asyncio.timeout(20):
            while "ctserver is down" not in str(log_lines):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert "did not say 'Started!' within 0.3 s" in str(log_lines)


async def test_program_that_is_not_there(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A program that cannot be run is told of, with the key of the configuration that names it."""
    watched = Supervisor("main", [str(tmp_path / "ctserver")], 1.0, 1.0)
    told: list[tuple[str, dict[str, Any]]] = []
    watched.tell = lambda what, **known: told.append((what, known))
    async with running(watched):
        async with asyncio.timeout(20):
            while not log_lines:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert "No such file or directory; check [[ctserver]] program" in log_lines[0]["error"]
    assert told_by(*told[0]) == {
        "details": {"ctserver": "main", "reason": log_lines[0]["error"][:LONGEST_TEXT], "retry_in": 1.0}
    }


@pytest.mark.parametrize("program", [GOOD, BUSY])
async def test_stopping_while_it_starts(tmp_path: Path, program: str) -> None:
    """A supervisor that is stopped at once leaves no process."""
    watched = supervisor(tmp_path, program)
    async with running(watched):
        while watched.pid is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        pid = watched.pid
    assert not exists(pid)


async def test_what_it_leaves_behind_is_ended(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A ctserver that dies by itself leaves no child, which might have its ports."""
    watched = supervisor(tmp_path, LEAVING)
    async with running(watched):
        await until(lambda: "ctserver is down" in str(log_lines))
        assert not exists(said(log_lines, "child"))
    assert "did not start: it ended with exit status 3; its last words: child" in str(log_lines)


async def test_never_given_up(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """However often it dies, it is started again, after the longest delay at most."""
    watched = supervisor(tmp_path, BUSY, max_restart_delay=0.01)
    async with running(watched):
        await until(lambda: watched.starts > 12)
    delays = [line["retry_in"] for line in log_lines if line["event"] == "ctserver is down"]
    assert len(delays) >= 12
    assert set(delays) == {0.0}  # 0.01, rounded as people read it


def test_delays_double_up_to_the_longest(tmp_path: Path) -> None:
    """A second, two, four, and so on to the longest, and there they stay."""
    state = RetryCallState(AsyncRetrying(), None, (), {})
    watched = supervisor(tmp_path, BUSY)
    delays = []
    for attempt in [*range(1, 9), 10_000]:
        state.attempt_number = attempt
        delays.append(watched._delay(state))
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_restarted_when_somebody_says_that_it_hangs(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """It is ended, told of, and started again after a second, once, however often it is said."""
    watched = supervisor(tmp_path, STUBBORN, stop_timeout=0.2, max_restart_delay=0.01)
    watched.restart("too early: none runs")
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        first = watched.pid
        assert first is not None
        watched.restart("no answer for {30} s")
        watched.restart("no answer for 40 s")
        await until(lambda: not watched._ready.is_set())
        watched.restart("no answer for 50 s")
        await until(lambda: watched.starts == 2)
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert not exists(first)
        assert not exists(said(log_lines, "child"))
    (down,) = [line for line in log_lines if line["event"] == "ctserver is down"]
    assert down["error"].startswith("ctserver main: is started again: no answer for {30} s")
    assert watched.starts == 2


async def test_line_without_an_end_is_cut(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """What never ends its line fills no memory: it is logged in pieces."""
    watched = supervisor(tmp_path, ENDLESS)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
    lines = [line["line"] for line in log_lines if line["event"] == "ctserver says"]
    assert "".join(lines) == "x" * 10_000
    assert max(len(line) for line in lines) <= LONGEST_LINE


async def test_flood_of_output_does_not_fill_the_log(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """So many lines a minute are told, and how many were not; the last words are known all the same."""
    watched = supervisor(tmp_path, FLOOD)
    async with running(watched):
        await until(lambda: "ctserver is down" in str(log_lines))
    assert len([line for line in log_lines if line["event"] == "ctserver says"]) == LINES_A_MINUTE
    (more,) = [line for line in log_lines if line["event"] == "ctserver says more than is logged"]
    assert more["left_out"] == 5000 - LINES_A_MINUTE
    (down,) = [line for line in log_lines if line["event"] == "ctserver is down"]
    assert "its last words: line 4997 / line 4998 / line 4999" in down["error"]


async def test_guard_is_there_and_goes(tmp_path: Path) -> None:
    """Each life has a guard, in nobody's group, with no file of ours open; in order, both end at once."""
    watched = supervisor(tmp_path, GOOD)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert watched.pid is not None
        assert (await asyncio.to_thread(guarded_groups))[watched.pid] == (os.getpid(), False)
        guard = guard_of(watched.pid)
        assert os.getpgid(guard) == os.getsid(guard) == guard
        assert sorted(os.listdir(f"/proc/{guard}/fd")) == ["0", "1", "2"]  # noqa: PTH208 - the kernel's
        assert os.readlink(f"/proc/{guard}/fd/0") == "anon_inode:[pidfd]"  # noqa: PTH115 - no path
    assert not exists(guard)


async def test_guard_that_is_killed_is_replaced(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be ended in order; killed, another one takes its place, and ctserver runs on."""
    monkeypatch.setattr("ctportd.links.supervision.guarding._AGAIN_AFTER", 0.01)
    watched = supervisor(tmp_path, GOOD)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert watched.pid is not None
        guard, pid = guard_of(watched.pid), watched.pid
        os.kill(guard, signal.SIGKILL)
        await gone(guard)
        await until(lambda: bool(running_with("guard.py", f" {pid} ")))
        assert "the guard of ctserver was ended, starting another one" in str(log_lines)
        assert watched.pid == pid
        second = guard_of(pid)
    assert not exists(second)


@pytest.mark.parametrize("at", [0.0, 0.002, 0.004, 0.008, 0.016])
async def test_stopping_at_any_moment_of_the_start(tmp_path: Path, at: float) -> None:
    """A supervisor that is cancelled while the shell, the guard or ctserver begins leaves none of them."""
    script = tmp_path / "program.py"
    watched = supervisor(tmp_path, GOOD)
    async with running(watched):
        await asyncio.sleep(at)
    assert running_with(str(script)) == []
    assert running_with("guard.py", f" {os.getpid()}") == []


async def test_stopping_while_it_stops(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A supervisor that is stopped in the middle of ending a ctserver ends it all the same, and its guard."""
    watched = supervisor(tmp_path, STUBBORN, stop_timeout=0.3)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        pid = watched.pid
        assert pid is not None
        watched.restart("it hangs")
        await until(lambda: not watched._ready.is_set())
    assert not exists(pid)
    assert not exists(said(log_lines, "child"))
    assert running_with("guard.py", f" {pid} ") == []


async def test_no_more_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """What the machine is short of for a while is waited for: the supervisor does not end of it."""
    short = [True, True]

    def pidfd_open(pid: int) -> int:
        if short and short.pop():
            raise OSError(24, "Too many open files")
        return really(pid)

    really = os.pidfd_open
    monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    watched = supervisor(tmp_path, GOOD, max_restart_delay=0.01)
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert running_with("guard.py", f" {os.getpid()}") == [guard_of(watched.pid or 0)]
        assert running_with(str(tmp_path / "program.py")) == [watched.pid]
    assert "Too many open files" in str(log_lines)


@pytest.mark.parametrize(("ended_by", "told"), [("SIGSEGV", "SIGSEGV"), ("SIGRTMIN + 5", "signal 39")])
async def test_signal_that_ended_it_is_named(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]], ended_by: str, told: str
) -> None:
    """Those without a name by their number."""
    watched = supervisor(tmp_path, f"import os, signal; os.kill(os.getpid(), signal.{ended_by})")
    async with running(watched):
        await until(lambda: "ctserver is down" in str(log_lines))
    assert f"did not start: it was ended by {told}" in str(log_lines)
