"""Opening hours: weeks, dates, zones, changes of the clocks, holidays, overrides."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.auto_attendant.hours import Hours
from plugins.auto_attendant.schedule import Override, day_before, state_at
from plugins.auto_attendant.week import Span, read_dates, read_days, read_spans, read_week

BERLIN = "Europe/Berlin"
OFFICE = Hours(
    week={"mon-fri": "09:00-12:00, 13:00-17:00", "fri": ["09:00-15:00"], "sat": "22:00-02:00"},
    zone=BERLIN,
    holidays=["12-25", "2026-11-26", "2026-12-28/2026-12-30", "12-31/01-01"],
    dates={"12-24": "09:00-12:00", "2026-12-05": "closed"},
)

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - it says UTC
ZONES = st.sampled_from(
    ["", "UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
)


def state(local: str, hours: Hours = OFFICE, **more: object) -> tuple[str, str]:
    """What the hours say of a moment by their own clock."""
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(hours.zone))
    found = state_at(hours, at.astimezone(UTC), **more)  # type: ignore[arg-type]  # as the test has it
    return found.kind, found.why


@pytest.mark.parametrize(
    ("local", "kind", "why"),
    [
        ("2026-11-24 08:59", "closed", "tue 09:00-12:00, 13:00-17:00"),
        ("2026-11-24 09:00", "open", "tue 09:00-12:00"),
        ("2026-11-24 12:00", "closed", "tue 09:00-12:00, 13:00-17:00"),
        ("2026-11-24 16:59", "open", "tue 13:00-17:00"),
        ("2026-11-27 14:59", "open", "fri 09:00-15:00"),
        ("2026-11-27 16:00", "closed", "fri 09:00-15:00"),
        ("2026-11-28 21:59", "closed", "sat 22:00-02:00"),
        ("2026-11-29 01:59", "open", "sat 22:00-02:00"),  # begun on Saturday
        ("2026-11-29 02:00", "closed", "sun closed"),
        ("2026-11-26 10:00", "holiday", "holiday 2026-11-26"),
        ("2027-11-26 10:00", "open", "fri 09:00-15:00"),
        ("2030-12-25 10:00", "holiday", "holiday 12-25"),
        ("2026-12-29 10:00", "holiday", "holiday 2026-12-28/2026-12-30"),
        ("2027-01-01 00:00", "holiday", "holiday 12-31/01-01"),
        ("2027-01-02 00:00", "closed", "sat 22:00-02:00"),
        ("2026-12-24 11:59", "open", "12-24 09:00-12:00"),
        ("2026-12-24 12:00", "closed", "12-24 09:00-12:00"),
        ("2026-12-05 23:00", "holiday", "holiday 2026-12-05"),
        ("2026-12-06 01:00", "closed", "sun closed"),  # what would have gone on began on a holiday
    ],
)
def test_office_hours(local: str, kind: str, why: str) -> None:
    """What is said of each moment, and which rule says it."""
    assert state(local) == (kind, why)


def test_calendar_closes_and_a_date_of_its_own_opens() -> None:
    """An event is a holiday; hours that are given for the very date count more."""
    assert state("2026-11-24 10:00", event="Staff outing") == ("holiday", "calendar: Staff outing")
    assert state("2026-11-24 10:00", event="") == ("holiday", "calendar: an event without a name")
    assert state("2026-12-24 10:00", event="Christmas Eve") == ("open", "12-24 09:00-12:00")
    assert state("2026-11-29 01:59", event_before="Party") == ("closed", "sun closed")  # nobody came on Saturday
    own = Hours(zone=BERLIN, dates={"2026-11-28": "22:00-02:00"})
    assert state("2026-11-29 01:59", own, event_before="Party") == ("open", "2026-11-28 22:00-02:00")
    for local, eve in (("2026-03-29 12:00", "2026-03-28 23:59:59"), ("2026-11-29 00:00", "2026-11-28 23:59:59")):
        at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(BERLIN))
        assert f"{own.local(day_before(own, at.astimezone(UTC))):%Y-%m-%d %H:%M:%S}" == eve


def test_override_counts_until_its_end() -> None:
    """More than all else, from when it was set to its end, or until it is undone."""
    set_at = datetime(2026, 12, 25, 9, tzinfo=UTC)
    lasting = Override("open", set_at, set_at + timedelta(hours=2), "5550100")
    assert state("2026-12-25 09:59", override=lasting)[0] == "holiday"
    assert state("2026-12-25 10:00", override=lasting) == (
        "open", "set by telephone from 5550100 until 2026-12-25 12:00",
    )  # fmt: skip
    assert state("2026-12-25 12:00", override=lasting)[0] == "holiday"
    undone = Override("closed", set_at)
    assert state("2030-11-25 10:00", override=undone) == ("closed", "set by telephone until it is undone")


def test_clocks_that_change() -> None:
    """Hours are those on the wall: the hour that comes twice is open twice, the one that is left out never comes."""
    night = Hours(week={"daily": "02:15-02:45"}, zone=BERLIN)

    def minutes(day: datetime) -> int:
        return sum(state_at(night, day + timedelta(minutes=minute)).kind == "open" for minute in range(24 * 60))

    assert minutes(datetime(2026, 3, 28, 12, tzinfo=UTC)) == 0
    assert minutes(datetime(2026, 10, 24, 12, tzinfo=UTC)) == 60
    assert minutes(datetime(2026, 6, 1, 12, tzinfo=UTC)) == 30
    shift = Hours(week={"sat": "22:00-06:00"}, zone=BERLIN)  # eight hours on the wall, seven or nine of life
    for day, open_minutes in (
        (datetime(2026, 3, 28, tzinfo=UTC), 7 * 60),
        (datetime(2026, 10, 24, tzinfo=UTC), 9 * 60),
    ):
        minutes_open = (
            state_at(shift, day + timedelta(minutes=minute)).kind == "open" for minute in range(48 * 60)
        )
        assert sum(minutes_open) == open_minutes


@settings(deadline=None)  # a busy machine takes its time
@given(MOMENTS, ZONES, st.integers(0, 1439), st.integers(0, 1439))
def test_span_over_midnight_is_its_two_parts(at: datetime, zone: str, first: int, end: int) -> None:
    """Every day from evening to morning is every day from midnight to morning, and from evening to midnight."""
    first, end = max(first, end), min(first, end)
    if first == end:
        return
    whole = Hours(week={"daily": str(Span(first, end + 1440))}, zone=zone)
    parts = [str(Span(first, 1440)), *([str(Span(0, end))] if end else [])]
    assert state_at(whole, at).kind == state_at(Hours(week={"daily": parts}, zone=zone), at).kind
    local = whole.local(at)
    minute = local.hour * 60 + local.minute
    assert (state_at(whole, at).kind == "open") == (minute >= first or minute < end)


@settings(deadline=None)  # a busy machine takes its time
@given(MOMENTS, ZONES, st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_holiday_is_a_day_of_its_zone(at: datetime, zone: str, day: date) -> None:
    """From midnight to midnight where the hours are, whatever the date is elsewhere; each year's as one year's."""
    once = Hours(week={"daily": "00:00-24:00"}, zone=zone, holidays=[day.isoformat()])
    assert (state_at(once, at).kind == "holiday") == (once.local(at).date() == day)
    yearly = Hours(week={"daily": "00:00-24:00"}, zone=zone, holidays=[f"{day:%m-%d}"])
    local = yearly.local(at)
    assert (state_at(yearly, at).kind == "holiday") == ((local.month, local.day) == (day.month, day.day))


def test_days_and_dates_are_read() -> None:
    """As people write them."""
    assert read_days("mon-wed, sat") == {0, 1, 2, 5}
    assert read_days("sat-mon") == {5, 6, 0}
    assert read_days("daily") == set(range(7))
    assert read_spans("closed") == ()
    assert read_spans("22:00-06:00") == (Span(1320, 1800),)
    assert str(read_spans(["9:00-24:00"])[0]) == "09:00-24:00"
    week = read_week({"daily": "10:00-12:00", "mon-fri": "09:00-17:00", "wed": "closed"})
    assert [len(spans) for spans in week] == [1, 1, 0, 1, 1, 1, 1]
    assert date(2028, 2, 29) in read_dates("02-29")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"zone": "Europe/Berln"}, "zone: there is no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        ({"zone": "x"}, "expected one like 'Europe/Berlin'"),
        ({"zone": "../etc/passwd"}, "there is no time zone"),
        ({"week": {"mon-fry": "09:00-17:00"}}, "week, 'mon-fry': found 'fry', expected days like"),
        ({"week": {"mon": "9-17"}}, "week, 'mon': found '9', expected a time of day"),
        ({"week": {"mon": "09:00-25:00"}}, "found '25:00', expected a time of day from 00:00 to 24:00"),
        ({"week": {"mon": "09:00"}}, "expected hours like '09:00-17:00', or 'closed'"),
        ({"week": {"mon": "09:00-09:00"}}, "which has no end: all day is '00:00-24:00'"),
        ({"week": {"mon-wed": "09:00-17:00", "wed-fri": "closed"}}, "both 'mon-wed' and 'wed-fri' tell the hours of"),
        ({"holidays": ["12-25", "12-32"]}, "holidays, item 2: found '12-32', expected a date like"),
        ({"holidays": ["2026-12-24/01-01"]}, "one date has a year and the other has none"),
        ({"holidays": ["2027-01-01/2026-12-24"]}, "ends before it begins"),
        ({"dates": {"12-24": "9"}}, "dates, '12-24': found '9', expected hours"),
        ({"pin": "scrypt:99999999:8:1:aaaaaaaa:aaaaaaaaaaaaaaaa"}, "pin: cannot be used"),
    ],
)  # fmt: skip
def test_mistakes_are_told(table: dict[str, object], told: str) -> None:
    """Each with its key, and what was expected."""
    with pytest.raises(ValueError, match=re.escape(told)):
        Hours(**table)  # type: ignore[arg-type]  # as a file may have it
