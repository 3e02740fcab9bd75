"""The last things that were told, and readers that follow them each at its own pace.

Nothing is kept for a reader: all read what the ring has. One that is slow finds that some are gone, and is told how
many.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

T = TypeVar("T")

_DIGITS = 15  # of a serial; nobody has told so much

BATCH = 200
"""How many a reader is given at once: others get their turn in between (our figure)."""


class Batch(msgspec.Struct, Generic[T], frozen=True):
    """What a reader is given.

    Attributes:
        lost: How many are gone that it has not seen; None: nobody knows.
        items: What came next, each with its id.
    """

    lost: int | None
    items: list[tuple[str, T]]


class Ring(Generic[T]):
    """The last things that were told. Any thread may add to it; readers are of one event loop.

    An id is ``RUN-SERIAL``: the serials of one run go up by one, and a new run begins with each new ring.

    Args:
        most: How many are kept.

    Attributes:
        most: As given.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._items: deque[T] = deque(maxlen=most)
        self._first = 1  # the serial of the oldest
        self._run = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._wakers: set[_Waker] = set()

    @property
    def reading(self) -> bool:
        """Whether somebody follows."""
        return bool(self._wakers)

    @property
    def here(self) -> str:
        """The id of the last one that was told; who follows from it misses nothing."""
        with self._lock:
            return f"{self._run}-{self._first + len(self._items) - 1}"

    def add(self, item: T) -> None:
        """Tell all readers."""
        with self._lock:
            if len(self._items) == self._items.maxlen:
                self._first += 1
            self._items.append(item)
        for waker in tuple(self._wakers):
            waker.wake()

    def clear(self) -> None:
        """Forget all, and begin a new run: what happens meanwhile is not told, and nobody knows how much it was."""
        with self._lock:
            self._first, self._run = 1, secrets.token_hex(4)
            self._items.clear()

    def last(self, number: int) -> list[tuple[str, T]]:
        """The last so many, the oldest first."""
        with self._lock:
            start = max(len(self._items) - number, 0)
            return self._from(self._first + start, number)

    async def follow(self, since: str = "") -> AsyncGenerator[Batch[T], None]:
        """What comes after one that was seen, as soon as it is there, without end.

        Args:
            since: The id of that one. Empty: what comes from now on.
        """
        waker = _Waker()
        self._wakers.add(waker)
        try:
            run, serial = self._place_of(since)
            while True:
                waker.clear()
                batch, run, serial = self._next(run, serial)
                if batch.items or batch.lost != 0:
                    yield batch
                else:
                    await waker.wait()
        finally:
            self._wakers.discard(waker)

    def _place_of(self, since: str) -> tuple[str, int]:
        """The run, and the serial of what comes next."""
        run, _, serial = since.partition("-")
        if since:
            return run, int(serial) + 1 if _is_serial(serial) else 0
        with self._lock:
            return self._run, self._first + len(self._items)

    def _next(self, run: str, serial: int) -> tuple[Batch[T], str, int]:
        with self._lock:
            end = self._first + len(self._items)
            lost: int | None = 0
            if run != self._run or serial > end:  # of another run: all that there is may be new
                lost, serial = None, self._first
            elif serial < self._first:
                lost, serial = self._first - serial, self._first
            items = self._from(serial, BATCH)
            return Batch(lost, items), self._run, serial + len(items)

    def _from(self, serial: int, number: int) -> list[tuple[str, T]]:
        start = serial - self._first
        chosen = range(start, min(start + number, len(self._items)))
        return [(f"{self._run}-{self._first + place}", self._items[place]) for place in chosen]


def _is_serial(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


class _Waker:
    """Wakes a reader, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._event = asyncio.Event()

    def wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._event.set()
        elif not self._event.is_set():
            self._loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        self._event.clear()

    async def wait(self) -> None:
        await self._event.wait()
