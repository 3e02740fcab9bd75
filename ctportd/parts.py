"""What a daemon does all at once: each part a task that is begun, watched, and ended within a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

PART_TIMEOUT = 2.0
"""Seconds that a part of the daemon gets to end when it is told to: it needs milliseconds (our figure)."""

log = structlog.stdlib.get_logger("ctportd")


class Parts:
    """The parts of a daemon. When one of them fails, that is the daemon's end."""

    def __init__(self) -> None:
        self._failed: asyncio.Queue[BaseException] = asyncio.Queue()
        self._within: dict[asyncio.Task[Any], float] = {}

    def begin(self, work: Coroutine[Any, Any, Any], name: str, within: float = PART_TIMEOUT) -> asyncio.Task[Any]:
        """Begin a part, which gets ``within`` seconds to end when it is told to."""
        part = asyncio.create_task(work, name=name)
        self._within[part] = within
        part.add_done_callback(self._done)
        return part

    def _done(self, part: asyncio.Task[Any]) -> None:
        self._within.pop(part, None)
        error = None if part.cancelled() else part.exception()
        if error is not None:
            self._failed.put_nowait(error)

    async def end(self, *parts: asyncio.Task[Any]) -> None:
        """Have parts end; one that does not is left behind."""
        within = max((self._within.get(part, 0.0) for part in parts), default=0.0)
        for part in parts:
            part.cancel()
        if not parts:
            return
        _, late = await asyncio.wait(parts, timeout=within)
        for part in late:
            log.error("a part of the daemon does not come to an end, and is left behind", part=part.get_name())

    async def fail(self) -> None:
        """Wait until a part fails, and raise what it has raised."""
        raise await self._failed.get()

    @asynccontextmanager
    async def running(self, work: Coroutine[Any, Any, Any], name: str) -> AsyncIterator[None]:
        """Have a part as long as the block lasts."""
        part = self.begin(work, name)
        try:
            yield
        finally:
            await self.end(part)
