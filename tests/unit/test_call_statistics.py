"""Calls counted by days and hours, wherever that is, and the day of the report."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ctportd.records import CallCount
from plugins.caller_id_log.report import last_monday
from plugins.caller_id_log.statistics import Day, count

MONDAY = date(2026, 11, 23)


def counted(at: str, verdict: str = "", calls: int = 1, answered: int = 0, seconds: float = 0.0) -> CallCount:
    """Calls of a quarter of an hour."""
    return CallCount(datetime.fromisoformat(at).replace(tzinfo=UTC), verdict, calls, answered, seconds)


def test_hours_and_days_are_those_of_the_zone() -> None:
    """Kathmandu is five hours and three quarters ahead: the last quarter of 18 o'clock in UTC is its next day."""
    found = count(
        [counted("2026-11-23 18:00", "blocked", 2), counted("2026-11-23 18:15", "screened", 3, 2, 62.5)],
        [],
        MONDAY,
        date(2026, 11, 25),
        ZoneInfo("Asia/Kathmandu"),
    )
    assert (found.calls, found.answered, found.missed, found.mean_seconds) == (5, 2, 3, 31.2)
    assert {hour: calls for hour, calls in enumerate(found.hours) if calls} == {23: 2, 0: 3}
    assert found.days == [Day(MONDAY, 2, 0), Day(date(2026, 11, 24), 3, 2), Day(date(2026, 11, 25), 0, 0)]
    assert found.verdicts == {"screened": 3, "blocked": 2}


def test_nothing_is_counted_where_nobody_called() -> None:
    """No call, no mean."""
    found = count([], [], MONDAY, MONDAY, UTC)
    assert (found.calls, found.mean_seconds, found.verdicts, found.days) == (0, 0.0, {}, [Day(MONDAY, 0, 0)])
    assert count([counted("2026-11-23 12:00")], [], MONDAY, MONDAY, UTC).verdicts == {"unjudged": 1}


@pytest.mark.parametrize(
    ("now", "monday"),
    [("2026-11-30 06:59", "2026-11-23"), ("2026-11-30 07:00", "2026-11-30"), ("2026-12-06 23:59", "2026-11-30")],
)
def test_report_is_due_on_monday_at_seven(now: str, monday: str) -> None:
    """Before that, last week's was."""
    assert last_monday(datetime.fromisoformat(now).replace(tzinfo=UTC)) == date.fromisoformat(monday)
