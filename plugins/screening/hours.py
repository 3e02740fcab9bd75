"""The times of day at which a rule applies."""

from __future__ import annotations

from datetime import time


def read_hours(text: str) -> tuple[time, time] | None:
    """``22:00-07:00`` as two times; None where it is empty.

    Raises:
        ValueError: It is no such thing.
    """
    if not text.strip():
        return None
    first, dash, last = text.partition("-")
    try:
        hours = time.fromisoformat(first.strip()), time.fromisoformat(last.strip())
    except ValueError:
        dash = ""
    if not dash or hours[0] == hours[1] or any(part.tzinfo for part in hours):
        raise ValueError(f"hours: found {text!r}, expected two times of day, such as '22:00-07:00'")
    return hours


def within(hours: tuple[time, time] | None, now: time) -> bool:
    """Whether a time of day is in these hours, the first moment included; they may go past midnight."""
    if hours is None:
        return True
    first, last = hours
    return first <= now < last if first < last else now >= first or now < last
