"""So many lines of one kind a minute: what others can make us log must not fill the disk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE = 60.0


class Ration:
    """Lets through so many a minute, and counts the others.

    Args:
        lines: How many.
        clock: Tells the time, in seconds.
    """

    def __init__(self, lines: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = lines
        self._clock = clock
        self._since = clock()
        self._taken = 0

    def take(self) -> tuple[bool, int]:
        """Whether one may be logged now, and how many were left out in the minutes before, which is told once."""
        left_out = self._begin_anew() if self._clock() >= self._since + _MINUTE else 0
        self._taken += 1
        return self._taken <= self._lines, left_out

    def left_out(self) -> int:
        """How many were left out that :meth:`take` has not told of; for the end."""
        return self._begin_anew()

    def _begin_anew(self) -> int:
        left_out = max(self._taken - self._lines, 0)
        self._since, self._taken = self._clock(), 0
        return left_out
