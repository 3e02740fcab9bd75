"""How long the event loop has been held, and by whom."""

from __future__ import annotations

AGAIN = 1.0
"""Seconds after which a plugin that has caught its interruption is interrupted again (our figure)."""


class Hold:
    """One time after the other that the event loop does not turn.

    Args:
        limit: Seconds after which that is told (0: never).
        kill: Seconds of one plugin's after which it is interrupted (0: never).

    Attributes:
        seconds: How long the loop has been held.
    """

    def __init__(self, limit: float, kill: float) -> None:
        self.seconds = 0.0
        self._limit = limit
        self._kill = self._kill_at = kill
        self._told = False
        self._culprit: str | None = None
        self._culprits_seconds = 0.0

    def turned(self) -> float | None:
        """The loop has turned. Returns how long it was held, if that was told."""
        held = self.seconds if self._told else None
        self.seconds, self._told, self._culprit = 0.0, False, None
        return held

    def lasts(self, seconds: float, culprit: str | None) -> bool:
        """It has been held for so much longer, now by this plugin's code. Returns whether that is to be told, once."""
        self.seconds += seconds
        if culprit is None or culprit != self._culprit:
            self._culprit, self._culprits_seconds, self._kill_at = culprit, 0.0, self._kill
        self._culprits_seconds += seconds
        if self._told or not self._limit or self.seconds < self._limit:
            return False
        self._told = True
        return True

    def kills(self) -> bool:
        """Whether the plugin that holds it now is to be interrupted."""
        if not self._kill or self._culprit is None or self._culprits_seconds < self._kill_at:
            return False
        self._kill_at = self._culprits_seconds + AGAIN
        return True
