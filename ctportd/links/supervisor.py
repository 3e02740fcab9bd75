"""Ctserver as a child process: started, watched, started again, stopped in order; or adopted where one runs already."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

import psutil
import structlog
from tenacity import AsyncRetrying, retry_if_exception, wait_exponential

from ctportd.errors import ServerError
from ctportd.links.supervision.child import start
from ctportd.links.supervision.existing import find, replace, tell_to_read, wait_gone
from ctportd.links.supervision.output import STARTED, Output
from ctportd.processes import whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tenacity import RetryCallState

    from ctportd.links.supervision.child import Child
    from ctportd.links.supervision.search import Found, Search

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
READ_TIMEOUT = 5.0
"""Seconds that our own ctserver gets to read the configuration again: it needs some tenths (our figure)."""

PROVEN = 10.0
"""Seconds of a run after which ctserver counts as good: it is started again at once when it dies."""

log = structlog.stdlib.get_logger("ctportd.supervisor")


class _RunsAlreadyError(ServerError):
    """A ctserver runs already when the daemon begins, and that is to be the daemon's end."""


def _passes(error: BaseException) -> bool:
    return isinstance(error, ServerError) and not isinstance(error, _RunsAlreadyError)


class Supervisor:
    """Runs one ctserver and keeps it running.

    Args:
        name: The server's name in the configuration.
        command: Program and arguments.
        start_timeout: Seconds in which it must have said ``Started!``.
        stop_timeout: Seconds between SIGTERM and SIGKILL.
        max_restart_delay: The longest delay before it is started again, in seconds; it doubles up to there.
        search: Finds one that runs already; None: nobody looks.
        existing: What becomes of that one: it is used as it is, or ended, or it is an error.
        late: Whether that error is told, and it is looked for again, even at the very begin.

    Attributes:
        search: As given; it may be replaced.
        end_adopted: Whether one that was adopted, and is known to be ours by its name, is ended with this.
        starts: How often one was started.
        pid: Its process, ours or adopted; None while there is none, or this user cannot see it.
        tell: Told what happens, for those who follow it: its type, and what is known; nobody at first.
        adopted: Whether the one that runs was found running.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        start_timeout: float,
        stop_timeout: float,
        *,
        max_restart_delay: float = LONGEST_DELAY,
        search: Search | None = None,
        existing: Literal["adopt", "replace", "fail"] = "adopt",
        late: bool = False,
    ) -> None:
        self.name = name
        self.starts = 0
        self.pid: int | None = None
        self.adopted = False
        self._command = list(command)
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._max_restart_delay = max_restart_delay
        self.search = search
        self.end_adopted = False
        self._existing = existing
        self._begun = late
        self.tell: Callable[..., None] = lambda _what, **_known: None
        self._told: Callable[[], Awaitable[None]] | None = None
        self._proven = False
        self._ready = asyncio.Event()
        self._restart = asyncio.Event()
        self._restart_reason = ""

    async def wait_ready(self) -> None:
        """Wait until ctserver's ports are open."""
        await self._ready.wait()

    def restart(self, reason: str) -> None:
        """Stop ctserver and start it again, since it is of no use as it is: it hangs.

        Does nothing while that is under way already, or while none runs. One that was adopted is left alone, and
        that is logged.
        """
        if self.adopted:
            log.error("an adopted ctserver is not restarted", ctserver=self.name, pid=self.pid, reason=reason)
        elif self.pid is not None and not self._restart.is_set():
            self._restart_reason = reason
            self._restart.set()

    async def read_again(self) -> None:
        """Have our own ctserver read the configuration again, as soon as it is up, and wait until it has.

        One that was adopted is told, too, if it is ours by its name; what it says is not heard.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_TIMEOUT):
                await self._ready.wait()
                if self._told is not None:
                    await self._told()

    async def run(self) -> None:
        """Keep ctserver running until cancelled; then stop it in order. An adopted one is left running.

        Raises:
            ServerError: One ran already when this began, and that is to be an error.
        """
        retrying = AsyncRetrying(retry=retry_if_exception(_passes), wait=self._delay, before_sleep=self._report)
        await retrying(self._run_once)

    def _delay(self, state: RetryCallState) -> float:
        if self._proven:
            state.attempt_number = 0
            return 0.0
        return wait_exponential(multiplier=FIRST_DELAY, max=self._max_restart_delay)(state)

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        retry_in = state.next_action.sleep if state.next_action else 0.0
        log.error("ctserver is down", ctserver=self.name, error=str(error), retry_in=round(retry_in, 1))
        self.tell("ctserver_died", ctserver=self.name, reason=str(error), retry_in=retry_in)

    async def _run_once(self) -> None:
        """One life of a process, from start to death, which is always a :class:`ServerError`."""
        self._proven = False
        try:
            await self._run_some()
        except (OSError, psutil.Error) as error:  # too many files, no memory: it may be better in a while
            raise ServerError(f"ctserver {self.name}: cannot be watched: {error}") from error

    async def _run_some(self) -> None:
        """Run ours, or watch the one that is there already."""
        at_start, self._begun = not self._begun, True
        if self.search is None:
            await self._run_ours()
            return
        found = await find(self.name, self.search, self._start_timeout)
        if found is None:
            await self._run_ours()
        elif self._existing == "fail":
            told = f"ctserver {self.name}: one runs already: {found}, found {found.how}"
            told += "; end it, or set existing = 'adopt' or 'replace' in [[ctserver]]"
            raise _RunsAlreadyError(told) if at_start else ServerError(told)
        elif self._existing == "replace" and (found.ports or found.listed):  # its name alone proves nothing
            await replace(self.name, self.search, found)
            await self._run_ours()
        elif found.ports:
            await self._run_adopted(self.search, found)
        else:
            told = "another ctserver opens no TCP ports, so it is not waited for"
            log.warning(told, ctserver=self.name, process=str(found), how=found.how)
            await self._run_ours()

    # -- one that was found

    async def _run_adopted(self, search: Search, found: Found) -> None:
        log.info("ctserver is adopted", ctserver=self.name, pid=found.pid, process=str(found), how=found.how)
        self.adopted, self.pid = True, found.pid
        self._told = partial(tell_to_read, found) if found.known else None
        self._ready.set()
        self.tell("ctserver_adopted", ctserver=self.name, pid=found.pid)
        try:
            await wait_gone(search, found)
        except asyncio.CancelledError:
            if self.end_adopted and found.known:
                await replace(self.name, search, found)
            else:
                log.info("leaving the adopted ctserver running", ctserver=self.name, pid=found.pid)
            raise
        finally:
            self._ready.clear()
            self._told = None
            self.adopted, self.pid = False, None
        self._proven = True  # so that ours is started at once
        raise ServerError(f"ctserver {self.name}: the adopted one, {found}, has ended")

    # -- one of ours

    async def _run_ours(self) -> None:
        self._restart.clear()
        child = await start(self.name, self._command, self._stop_timeout)
        self.starts += 1
        self.pid = child.pid
        output = Output(child.terminal, self.name)
        since = asyncio.get_running_loop().time()
        try:
            try:
                problem = await self._live(child, output)
            finally:
                self._ready.clear()
                self._told = None
                lived = asyncio.get_running_loop().time() - since
                await whole(child.end())
                self.pid = None
            words = await output.last_words()
        finally:
            output.close()
        self._proven = lived >= PROVEN and not self._restart.is_set()
        unproved = "" if output.started.is_set() else "did not start: "
        raise ServerError(f"ctserver {self.name}: {problem or unproved + _ended(child.status)}{words}")

    async def _live(self, child: Child, output: Output) -> str:
        """Wait until it is over with a child; returns why, or nothing if it has ended by itself."""
        await _first_of(output.started, child.ended, self._restart, within=self._start_timeout)
        if output.started.is_set():
            self._told = partial(_tell, child, output)
            self._ready.set()
            log.info("ctserver is up", ctserver=self.name, pid=child.pid)
            self.tell("ctserver_started", ctserver=self.name, pid=child.pid)
            await _first_of(child.ended, self._restart)
        if child.ended.is_set():
            return ""
        if self._restart.is_set():
            return f"is started again: {self._restart_reason}"
        return f"did not say {STARTED!r} within {self._start_timeout:g} s"


async def _tell(child: Child, output: Output) -> None:
    """Have ours read the configuration again, and wait for what it says."""
    output.read_again.clear()
    child.read_again()
    await output.read_again.wait()


async def _first_of(*events: asyncio.Event, within: float | None = None) -> None:
    """Wait until one of these is set, or for so many seconds."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _ended(status: int) -> str:
    if status >= 0:
        return f"it ended with exit status {status}"
    try:
        return f"it was ended by {signal.Signals(-status).name}"
    except ValueError:  # one of those for real time, most of which have no name
        return f"it was ended by signal {-status}"
