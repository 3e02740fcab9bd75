"""One life of a ctserver of ours: its process and its group, its guard, its terminal.

Ctserver is a C program with buffered output: on a pipe its ``Started!`` would not arrive before its buffer is
full. So it is given a pseudo-terminal to print on.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd.errors import ServerError
from ctportd.links.supervision.guarding import Guard
from ctportd.processes import HeldProcess, members, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

GATE = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")
"""A shell that becomes ctserver when it is told to: by then the guard knows its group. If the daemon dies before
that, the pipe that it reads ends, and so does it."""

_KILL_TIMEOUT = 1.0
"""Seconds after which what was killed with ctserver is no longer waited for: a driver may hold it (our figure)."""

log = structlog.stdlib.get_logger("ctportd.supervisor")


class Child:
    """A ctserver of ours, started by :func:`start`.

    Attributes:
        pid: Its pid, which is the number of its process group too; nobody else's before :meth:`end` is done.
        ended: Set as soon as it has ended, whatever is left of its group.
        terminal: Our side of what it prints on, which the caller closes.
        status: Its exit status, or minus the signal that ended it; once :meth:`end` is done.
    """

    def __init__(self, name: str, launch: _Launch) -> None:
        self.pid = launch.process.pid
        self.terminal = launch.terminal
        self.status = 0
        self._name = name
        self._process = launch.process
        self._stop_timeout = launch.stop_timeout
        self._guard = launch.guard
        self._held = HeldProcess(self.pid)
        self._guard.keep()
        self.ended = self._held.ended

    def read_again(self) -> None:
        """SIGHUP has our own ctserver read the configuration again."""
        self._held.send(signal.SIGHUP)

    async def end(self) -> None:
        """SIGTERM is ctserver's orderly end; what of its group does not heed it is killed."""
        if not self.ended.is_set():
            log.info("stopping ctserver", ctserver=self._name, pid=self.pid)
        try:
            async with asyncio.timeout(self._stop_timeout):
                self._signal(signal.SIGTERM)
                await self._wait_all_ended()
        except TimeoutError:
            log.warning("ctserver does not stop, killing it", ctserver=self._name, pid=self.pid)
            self._signal(signal.SIGKILL)
            await self.ended.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KILL_TIMEOUT):
                    await self._wait_all_ended()
        await self._guard.dismiss()
        self._held.close()
        self.status = self._process.wait()  # which it is for only now, so that nobody else got its number

    def _signal(self, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, which)

    async def _wait_all_ended(self) -> None:
        await self.ended.wait()
        while left := await asyncio.to_thread(members, self.pid):
            self._signal(signal.SIGTERM)  # again: a child that it began at that very moment did not get the first
            for pid in left:
                with contextlib.suppress(ProcessLookupError), HeldProcess(pid) as held:
                    await held.ended.wait()


async def start(name: str, command: Sequence[str], stop_timeout: float) -> Child:
    """Start ctserver, guarded.

    Args:
        name: The server's name in the configuration.
        command: Program and arguments.
        stop_timeout: Seconds between SIGTERM and SIGKILL.

    Raises:
        ServerError: It cannot be run.
    """
    launch = _Launch(name, command, stop_timeout)
    try:
        await whole(asyncio.to_thread(launch.start))
        child = Child(name, launch)
    except OSError as error:
        launch.abandon()
        told = f"cannot run {command[0]}: {error.strerror}"
        raise ServerError(f"ctserver {name}: {told}; check [[ctserver]] program") from error
    except asyncio.CancelledError:
        launch.abandon()
        raise
    launch.open_gate()
    return child


class _Launch:
    """What there is of a child before it is one: a shell that waits at the gate, and the guard."""

    process: subprocess.Popen[bytes]
    terminal: int

    def __init__(self, name: str, command: Sequence[str], stop_timeout: float) -> None:
        self.stop_timeout = stop_timeout
        self.guard = Guard(name, stop_timeout)
        self._command = command
        self._opener = -1
        self._kept = contextlib.ExitStack()  # what is undone if there will be no child

    def start(self) -> None:
        """The process first, since the guard must know it; for a thread.

        Raises:
            OSError: It cannot be run.
        """
        problem = _why_not(self._command[0])
        if problem:
            raise OSError(problem, os.strerror(problem))
        with contextlib.ExitStack() as theirs:
            gate, self._opener = os.pipe()
            theirs.callback(os.close, gate)
            self._kept.callback(os.close, self._opener)
            self.terminal, terminal = pty.openpty()
            theirs.callback(os.close, terminal)
            self._kept.callback(os.close, self.terminal)
            self.process = subprocess.Popen(  # noqa: S603 - the operator's own program
                [*GATE, *self._command], stdin=gate, stdout=terminal, stderr=terminal, start_new_session=True
            )
            self._kept.callback(self.process.wait)
            self._kept.callback(self.process.kill)
            self.guard.start(self.process.pid)
            self._kept.callback(self.guard.drop)

    def open_gate(self) -> None:
        """Let the process become ctserver."""
        self._kept.pop_all()
        os.set_blocking(self._opener, False)
        with contextlib.suppress(BrokenPipeError):  # it was ended already, which is told soon enough
            os.write(self._opener, b"\n")
        os.close(self._opener)

    def abandon(self) -> None:
        """Leave nothing of it."""
        self._kept.close()


def _why_not(program: str) -> int:
    """Why a program cannot be run, as an error's number; 0: it can."""
    if shutil.which(program) is not None:
        return 0
    return errno.EACCES if Path(program).exists() else errno.ENOENT
