"""Time that passes only when nothing else is to do, on the event loop that is there.

A line's time is the event loop's. Here that stands still while anything happens (a callback is due, bytes wait in a
socket, a thread works for the loop), and then goes at once to the next moment at which something is due. So a call of
a minute takes as long as its work takes, and runs alike on any machine, however much else that has to do.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import aiosqlite.core

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from selectors import BaseSelector

THREADS_PATIENCE = 2.0
"""Real seconds that time waits for a thread; one that takes longer may itself wait for time to pass (our figure)."""

_times: WeakKeyDictionary[asyncio.AbstractEventLoop, LeapingTime] = WeakKeyDictionary()


class LeapingTime:
    """The time of one event loop, while any ``with`` block of :meth:`running` lasts; after that it is the clock's again.

    Attributes:
        now: Seconds, as ``loop.time()`` gives them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Any = loop
        self._users = 0
        self._working = 0  # threads that work for the loop, and uses of the database
        self._hanging = 0  # of these, those that have taken too long to be waited for
        self._real = 0  # blocks in which time goes as it does in life
        self.now = 0.0

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> LeapingTime:
        """That of a loop.

        Raises:
            RuntimeError: The loop is none of asyncio's own.
        """
        if not hasattr(loop, "_selector"):
            raise RuntimeError(
                f"the event loop is {type(loop).__module__}'s, whose time cannot leap; use asyncio's own in tests"
            )
        if loop not in _times:
            _times[loop] = cls(loop)
        return _times[loop]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let time leap as long as the block lasts, or any other one."""
        self._users += 1
        if self._users == 1:
            self._begin()
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                self._end()

    def _begin(self) -> None:
        loop = self._loop
        self.now = loop.time()
        self._selector, self._executing = loop._selector, loop.run_in_executor  # noqa: SLF001 - a loop has no other way to be waited with
        loop._selector = _Selector(self._selector, self)  # noqa: SLF001 - as above
        loop.time = lambda: self.now
        loop.run_in_executor = self._execute

    def _end(self) -> None:
        """Leave the loop as it was; its time goes on from where it is, since a loop's never goes back."""
        loop = self._loop
        loop._selector = self._selector  # noqa: SLF001 - as above
        loop.run_in_executor = self._executing
        ahead = self.now - time.monotonic()
        loop.time = lambda: time.monotonic() + ahead

    # -- what time waits for

    def hold(self, future: asyncio.Future[Any]) -> None:
        """Let time stand still until a thread has set this future."""
        self._working += 1
        future.add_done_callback(self._done)

    def _done(self, _: asyncio.Future[Any]) -> None:
        self._working -= 1
        self._hanging = min(self._hanging, self._working)

    def _execute(self, executor: Any, function: Any, *arguments: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._executing(executor, function, *arguments)
        self.hold(future)
        return future

    @contextmanager
    def real(self) -> Iterator[None]:
        """Let time go as it does in life as long as the block lasts."""
        self._real += 1
        try:
            yield
        finally:
            self._real -= 1

    # -- what the loop waits with

    def wait(self, selector: BaseSelector, seconds: float) -> list[Any]:
        """What is ready, as ``selector.select`` has it; where nothing is, ``seconds`` have passed."""
        if self._real:
            began = time.monotonic()
            ready = selector.select(seconds)
            self.now += min(time.monotonic() - began, seconds) if ready else seconds
            return ready
        ready = selector.select(THREADS_PATIENCE if self._working > self._hanging else 0)
        if not ready:
            self._hanging = self._working
            self.now += seconds
        return ready


class _Selector:
    """The loop's selector; when nothing is ready, time leaps to the next moment at which something is due."""

    def __init__(self, selector: BaseSelector, time: LeapingTime) -> None:
        self._selector = selector
        self._time = time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout <= 0:
            return self._selector.select(timeout)
        return self._time.wait(self._selector, timeout)


class _Counted(SimpleQueue[Any]):
    """What a database's thread has to do: time stands still until it is done."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Any]) -> None:
        """Have the thread do something, for who waits for the future."""
        future, _ = item
        if future is not None and future.get_loop() in _times:
            _times[future.get_loop()].hold(future)
        super().put_nowait(item)


@contextmanager
def database_counted() -> Iterator[None]:
    """Know what databases have to do that are opened in this block: their threads are no executor's."""
    module: Any = aiosqlite.core
    before, module.SimpleQueue = module.SimpleQueue, _Counted
    try:
        yield
    finally:
        module.SimpleQueue = before
