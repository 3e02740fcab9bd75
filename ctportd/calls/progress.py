"""What became of a number that was dialled, told by ear.

An analog line says nothing when the far end answers. ctserver tells of sound after silence (``grunt``), and when
sounds begin tells them apart: ring-back comes at the exchange's slow beat, busy tone at a quick one, a voice at none.
"""

from __future__ import annotations

_QUICK = 1.6
"""Seconds: a shorter beat is busy tone (1 s or less everywhere), a longer one ring-back (3 to 6 s)."""

_SLOWEST = 7.0
"""Seconds: no exchange rests longer between two rings, so what comes later is no ring-back."""

_LATE = 3.0
"""Seconds by which the next ring may be late, before its silence says that somebody has answered and says nothing."""

_EVEN = 0.1
"""By what part two periods of a tone may differ: exchanges keep time, voices do not."""

_BUSY_PERIODS = 3
"""Even quick periods that make a busy tone: two may be a voice's chance."""

ANSWERED, BUSY, NO_ANSWER = "answered", "busy", "no answer"


class CallProgress:
    """Listens to when sounds begin, in seconds of the line.

    Whoever begins to listen in the middle of a tone takes that for its beginning: so the first period may be too short.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._quick: list[float] = []
        self._beat: float | None = None
        self._cut_short = False  # of the only period so far nobody knows whether it was

    @property
    def silent_at(self) -> float | None:
        """When silence will have lasted for so long that whatever was heard rings no more; None before any sound."""
        if self._last is None:
            return None
        return self._last + (self._beat or _SLOWEST) + _LATE

    @property
    def rings(self) -> bool:
        """Whether ring-back was heard: two sounds at its beat."""
        return self._beat is not None

    def heard(self, at: float) -> str:
        """A sound began; returns :data:`ANSWERED` or :data:`BUSY` when that settles it, else an empty text."""
        last, self._last = self._last, at
        if last is None:
            return ""
        period = at - last
        first = not self._quick and self._beat is None
        verdict = self._quick_period(period) if period <= _QUICK else self._slow_period(period)
        self._cut_short = first
        return verdict

    def _quick_period(self, period: float) -> str:
        if self._quick and not _even(period, self._quick[-1]):
            if not (self._cut_short and period > self._quick[0]):
                return ANSWERED
            self._quick = []
        self._quick.append(period)
        return BUSY if len(self._quick) >= _BUSY_PERIODS else ""

    def _slow_period(self, period: float) -> str:
        if self._quick or period > _SLOWEST:
            return ANSWERED
        if (
            self._beat is not None
            and not _even(period, self._beat)
            and not (self._cut_short and period > self._beat)
        ):
            return ANSWERED
        self._beat = period
        return ""


def _even(one: float, other: float) -> bool:
    return abs(one - other) <= _EVEN * other
