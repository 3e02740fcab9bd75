"""Dates and times as people and programs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_DATE = len("2026-11-24")


def read_moment(text: str, *, ends: bool = False) -> datetime:
    """A date, or a date and a time of day, as ISO 8601 has them; in the machine's time zone unless it names one.

    Args:
        text: ``2026-11-24``, ``2026-11-24 10:00`` or ``2026-11-24T10:00:00+01:00``.
        ends: Whether a date alone means the end of that day.

    Raises:
        ValueError: It is none; the error says what one looks like.
    """
    try:
        moment = datetime.fromisoformat(text)
        if ends and len(text) <= _DATE:
            moment += timedelta(days=1)
        moment.astimezone(UTC)  # the first and the last day of all are none everywhere
        return moment.astimezone()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no date such as 2026-11-24 or '2026-11-24 10:00'") from None
