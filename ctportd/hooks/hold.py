"""How long the event loop has been held, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

AGAIN = 1.0
"""Seconds after which a plugin that has caught its interruption is interrupted again (our figure)."""


class Hold:
    """One time after the other that the event loop does not turn.

    Args:
        limit: Seconds after which that is told (0: never).
        kill: Seconds of one plugin's after which it is interrupted (0: never).

    Attributes:
        seconds: How long the loop has been held.
        culprits_seconds: How long of that, without a break, by the plugin that holds it now.
    """

    def __init__(self, limit: float, kill: float) -> None:
        self.seconds = 0.0
        self._limit = limit
        self._kill = self._kill_at = kill
        self._told: set[Hashable] = set()
        self._culprit: Hashable = None
        self.culprits_seconds = 0.0

    def turned(self) -> float | None:
        """The loop has turned. Returns how long it was held, if that was told."""
        held = self.seconds if self._told else None
        self.seconds, self._culprit = 0.0, None
        self._told.clear()
        return held

    def lasts(self, seconds: float, culprit: Hashable) -> bool:
        """It has been held for so much longer, now by this plugin's code. Returns whether that is to be told.

        Once, and once more of each other plugin that then holds it for as long before it turns.
        """
        self.seconds += seconds
        if culprit is None or culprit != self._culprit:
            self._culprit, self.culprits_seconds, self._kill_at = culprit, 0.0, self._kill
        self.culprits_seconds += seconds
        held = self.culprits_seconds if self._told else self.seconds
        if culprit in self._told or not self._limit or held < self._limit:
            return False
        self._told.add(culprit)
        return True

    def kills(self) -> bool:
        """Whether the plugin that holds it now is to be interrupted."""
        if not self._kill or self._culprit is None or self.culprits_seconds < self._kill_at:
            return False
        self._kill_at = self.culprits_seconds + AGAIN
        return True
