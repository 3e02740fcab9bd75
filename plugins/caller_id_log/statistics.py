"""What the log of calls says in numbers: pure counting over what the store has counted by quarters of an hour."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from ctportd import CallerCount

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from ctportd import CallCount

HOURS = range(24)


class Day(msgspec.Struct, frozen=True):
    """The calls of one day."""

    day: date
    calls: int
    answered: int


class Statistics(msgspec.Struct, frozen=True):
    """The calls of some time, counted.

    Attributes:
        since: The first day.
        until: The last day.
        calls: How many there were.
        answered: How many were answered.
        missed: How many were not.
        mean_seconds: How long those that were answered lasted on average; 0 where none was.
        verdicts: How many there were of each class of callers; those whom nobody judged under ``unjudged``.
        hours: How many there were in each hour of the day.
        days: How many there were on each day, those without a call among them.
        callers: Who called most.
    """

    since: date
    until: date
    calls: int
    answered: int
    missed: int
    mean_seconds: float
    verdicts: dict[str, int]
    hours: list[int]
    days: list[Day]
    callers: list[CallerCount]


def count(
    counts: Iterable[CallCount], callers: list[CallerCount], since: date, until: date, zone: tzinfo | None
) -> Statistics:
    """Count.

    Args:
        counts: As the store has counted.
        callers: Who called most, as the store says.
        since: The first day.
        until: The last day.
        zone: Whose hours and days are meant; None: the machine's.
    """
    hours: Counter[int] = Counter()
    days: Counter[date] = Counter()
    answered: Counter[date] = Counter()
    verdicts: Counter[str] = Counter()
    seconds = 0.0
    for each in counts:
        local = each.at.astimezone(zone)
        hours[local.hour] += each.calls
        days[local.date()] += each.calls
        answered[local.date()] += each.answered
        verdicts[each.verdict or "unjudged"] += each.calls
        seconds += each.seconds
    calls, taken = days.total(), answered.total()
    return Statistics(
        since=since,
        until=until,
        calls=calls,
        answered=taken,
        missed=calls - taken,
        mean_seconds=round(seconds / taken, 1) if taken else 0.0,
        verdicts=dict(verdicts.most_common()),
        hours=[hours[hour] for hour in HOURS],
        days=[Day(day, days[day], answered[day]) for day in days_between(since, until)],
        callers=callers,
    )


def days_between(first: date, last: date) -> list[date]:
    """Every day, both among them."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When a day begins; ``zone`` as for :func:`count`."""
    return datetime.combine(day, time(), zone).astimezone()
