"""Time as a telephone line knows it.

On a virtual line with ``speed`` 20 a second of the line is 50 ms on the clock. Whatever waits for the line
(rings, pauses, keys) takes its time from here, so that a call of a minute is tested in seconds.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context


def utc_now() -> datetime:
    """The date and time of day of this machine, in UTC."""
    return datetime.now(UTC)


class Clock:
    """The line's time. All seconds here are those of the line."""

    def __init__(self, speed: float = 1.0, now: Callable[[], datetime] = utc_now) -> None:
        """``now`` tells the date and time of day, in UTC."""
        self.speed = speed
        self._now = now

    def time(self) -> float:
        """Seconds since some moment in the past, as the event loop counts them; never goes back."""
        return asyncio.get_running_loop().time() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds / self.speed)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """As :func:`asyncio.timeout`: raises ``TimeoutError`` in its block after these seconds."""
        return asyncio.timeout(None if seconds is None else seconds / self.speed)

    def later(
        self, seconds: float, callback: Callable[[], object], context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something after these seconds; in this context, or else in that of now."""
        return asyncio.get_running_loop().call_later(seconds / self.speed, callback, context=context)

    def now(self) -> datetime:
        """The date and time of day, in UTC."""
        return self._now()

    @staticmethod
    def later_than_now(seconds: float) -> datetime:
        """The date and time of day that it will be in so many seconds of the clock, in UTC."""
        return utc_now() + timedelta(seconds=seconds)
