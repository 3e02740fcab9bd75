"""Ctserver as a child process: started, watched, started again, stopped in order.

Ctserver is a C program with buffered output: on a pipe its ``Started!`` would not arrive before its buffer is
full. So it is given a pseudo-terminal to print on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
from collections import deque
from typing import TYPE_CHECKING, Self

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from ctportd.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenacity import RetryCallState

STARTED = "Started!"
GIVING_UP = "Giving up"

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
PROVEN = 10.0
"""Seconds of a run after which ctserver counts as good: it is started again at once when it dies."""

_SHOWN_LINES = 3  # of its last words, in the error

log = structlog.stdlib.get_logger("ctportd.supervisor")


class Supervisor:
    """Runs one ctserver and keeps it running.

    Args:
        name: The server's name in the configuration.
        command: Program and arguments.
        start_timeout: Seconds in which it must have said ``Started!``.
        stop_timeout: Seconds between SIGTERM and SIGKILL.
    """

    def __init__(self, name: str, command: Sequence[str], start_timeout: float, stop_timeout: float) -> None:
        self.name = name
        self.starts = 0
        self.pid: int | None = None
        self._command = list(command)
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._proven = False
        self._ready = asyncio.Event()

    async def wait_ready(self) -> None:
        """Wait until ctserver's ports are open."""
        await self._ready.wait()

    async def run(self) -> None:
        """Keep ctserver running until cancelled; then stop it in order."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(ServerError), wait=self._delay, before_sleep=self._report
        )
        await retrying(self._run_once)

    def _delay(self, state: RetryCallState) -> float:
        if self._proven:
            state.attempt_number = 0
            return 0.0
        return wait_exponential(multiplier=FIRST_DELAY, max=LONGEST_DELAY)(state)

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        retry_in = state.next_action.sleep if state.next_action else 0.0
        log.error("ctserver is down", ctserver=self.name, error=str(error), retry_in=round(retry_in, 1))

    async def _run_once(self) -> None:
        """One life of the process, from start to death, which is always a :class:`ServerError`."""
        self._proven = False
        loop = asyncio.get_running_loop()
        terminal, process = await self._start()
        since = loop.time()
        output = _Output(terminal, self.name)
        try:
            async with output:
                await self._wait_started(process, output)
                log.info("ctserver is up", ctserver=self.name, pid=process.pid)
                status = await process.wait()
            self._proven = loop.time() - since >= PROVEN
            raise ServerError(f"ctserver {self.name}: {_ended(status)}{output.last_words()}")
        finally:
            self._ready.clear()
            await self._stop(process)
            self.pid = None

    async def _start(self) -> tuple[int, asyncio.subprocess.Process]:
        terminal, theirs = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        except OSError as error:
            os.close(terminal)
            problem = f"cannot run {self._command[0]}: {error.strerror}"
            raise ServerError(f"ctserver {self.name}: {problem}; check [[ctserver]] program") from error
        finally:
            os.close(theirs)
        self.starts += 1
        self.pid = process.pid
        return terminal, process

    async def _wait_started(self, process: asyncio.subprocess.Process, output: _Output) -> None:
        died = asyncio.create_task(process.wait())
        started = asyncio.create_task(output.started.wait())
        try:
            await asyncio.wait((died, started), timeout=self._start_timeout, return_when=asyncio.FIRST_COMPLETED)
            if output.started.is_set():
                self._ready.set()
            elif died.done():
                await output.drained.wait()
                raise ServerError(
                    f"ctserver {self.name}: did not start: {_ended(died.result())}{output.last_words()}"
                )
            else:
                problem = f"did not say {STARTED!r} within {self._start_timeout:g} s"
                raise ServerError(f"ctserver {self.name}: {problem}{output.last_words()}")
        finally:
            died.cancel()
            started.cancel()

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        """SIGTERM is ctserver's orderly end; what does not heed it is killed with its whole group."""
        if process.returncode is not None:
            return
        log.info("stopping ctserver", ctserver=self.name, pid=process.pid)
        self._signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_timeout):
                await process.wait()
        except TimeoutError:
            log.warning("ctserver does not stop, killing it", ctserver=self.name, pid=process.pid)
            self._signal(process, signal.SIGKILL)
            await process.wait()

    @staticmethod
    def _signal(process: asyncio.subprocess.Process, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it may die by itself at this very moment
            os.killpg(process.pid, which)


def _ended(status: int) -> str:
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended with exit status {status}"


class _Output(asyncio.Protocol):
    """What ctserver prints on its terminal, line by line into the log."""

    def __init__(self, terminal: int, name: str) -> None:
        self.started = asyncio.Event()
        self.drained = asyncio.Event()
        self._terminal = os.fdopen(terminal, "rb", buffering=0)
        self._name = name
        self._pending = b""
        self._last: deque[str] = deque(maxlen=_SHOWN_LINES)
        self._transport: asyncio.BaseTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.connect_read_pipe(lambda: self, self._terminal)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def last_words(self) -> str:
        """What it printed last, for the error."""
        return f"; its last words: {' / '.join(self._last)}" if self._last else ""

    def data_received(self, data: bytes) -> None:
        """Log each whole line."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").strip("\r\0 "))

    def _line(self, line: str) -> None:
        if line == STARTED:
            self.started.set()
        elif line:
            self._last.append(line)
            told = log.warning if GIVING_UP in line or "Address already in use" in line else log.info
            told("ctserver says", ctserver=self._name, line=line)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The terminal closed: reading it raises EIO once the last process that holds it is gone."""
        self.drained.set()
