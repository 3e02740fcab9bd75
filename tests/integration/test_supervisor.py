"""Ctserver as a child process: any program, on a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.links.supervisor import Supervisor

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
    tmp_path: Path, program: str, start_timeout: float = 20.0, stop_timeout: float = 20.0
) -> Supervisor:
    """A supervisor of a Python program."""
    script = tmp_path / "program.py"
    script.write_text(program)
    return Supervisor("main", [sys.executable, str(script)], start_timeout, stop_timeout)


def exists(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - the kernel's file, not one of ours
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    """Wait until a process that is no child of ours is gone."""
    async with asyncio.timeout(20):
        while exists(pid):  # noqa: ASYNC110 - nothing tells of another process's end
            await asyncio.sleep(0.01)


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
    (child,) = [
        int(line["line"].split()[1]) for line in log_lines if str(line.get("line", "")).startswith("child")
    ]
    assert pid is not None
    await gone(child)
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
    async with running(watched):
        async with asyncio.timeout(20):
            while not log_lines:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert "No such file or directory; check [[ctserver]] program" in log_lines[0]["error"]


@pytest.mark.parametrize("program", [GOOD, BUSY])
async def test_stopping_while_it_starts(tmp_path: Path, program: str) -> None:
    """A supervisor that is stopped at once leaves no process."""
    watched = supervisor(tmp_path, program)
    async with running(watched):
        while watched.pid is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        pid = watched.pid
    assert not exists(pid)
