"""When a plugin that fails again and again is taken out, and when it is tried again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 3600.0
"""Seconds after which a plugin is tried again at the latest, however often it has failed (our figure)."""


class Breaker:
    """Takes a plugin out after some faults within some time, each time for longer.

    Args:
        clock: Seconds since some moment in the past; never goes back.
        faults: How many faults take it out.
        window: Seconds within which they count, and without a fault after which a plugin on trial is trusted again.
        rest: Seconds that it is out for the first time.

    Attributes:
        open: Whether the plugin is out. It stays so until :meth:`try_again`.
        trial: Whether it is tried again, and has not been trusted since.
        until: When it may be tried again, by the clock.
    """

    def __init__(self, clock: Callable[[], float], faults: int, window: float, rest: float) -> None:
        self.open = False
        self.trial = False
        self.until = 0.0
        self._clock = clock
        self._limit = faults
        self._window = window
        self._first_rest = self._rest = rest
        self._recent: deque[float] = deque(maxlen=faults)

    def limit(self, faults: int, window: float, rest: float) -> None:
        """Take other figures from now on; what has happened stays."""
        self._limit, self._window = faults, window
        self._recent = deque(self._recent, faults)
        if rest != self._first_rest:
            self._first_rest = self._rest = rest

    @property
    def remaining(self) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self.until - self._clock())

    def fault(self) -> bool:
        """Count a fault. Returns whether it takes the plugin out; those of one that is out already do not count."""
        if self.open:
            return False
        now = self._clock()
        self._recent.append(now)
        if not self.trial and (len(self._recent) < self._limit or now - self._recent[0] > self._window):
            return False
        if self.trial:
            self._rest = min(2 * self._rest, max(LONGEST, self._first_rest))
        self.open, self.trial = True, False
        self.until = now + self._rest
        self._recent.clear()
        return True

    def try_again(self) -> bool:
        """Let the plugin in on trial, if it has been out for long enough. Returns whether it is in."""
        if self.open and self._clock() >= self.until:
            self.open, self.trial = False, True
            self.until = self._clock() + self._window
        return not self.open

    def trust(self) -> bool:
        """Trust a plugin that has been on trial for long enough. Returns whether it is trusted from now on."""
        if not self.trial or self._clock() < self.until:
            return False
        self.trial = False
        self._rest = self._first_rest
        return True
