"""The date and time of day in a test's house: settable, and going on with the line's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd.testing.time import LeapingTime


class HouseClock:
    """What ``daemon.clock.now()`` tells. It begins with this machine's date and time, and goes with the line's."""

    def __init__(self, leaping: LeapingTime) -> None:
        self._leaping = leaping
        self._set, self._at = datetime.now(UTC), leaping.now

    def now(self) -> datetime:
        """The date and time of day, in UTC."""
        return self._set + timedelta(seconds=self._leaping.now - self._at)

    def set(self, moment: datetime | str) -> None:
        """Make it this moment; nothing else happens by that.

        Args:
            moment: With its time zone, or in UTC; as text, such as ``2026-12-25 10:00`` or
                ``2026-12-25T10:00+01:00``.
        """
        moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        self._set, self._at = zoned.astimezone(UTC), self._leaping.now
