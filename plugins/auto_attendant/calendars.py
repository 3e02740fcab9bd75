"""Holidays from iCalendar files: read again when they change; the last good one counts until a broken one is mended."""

from __future__ import annotations

import threading
import time as clock
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd import reading

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from icalendar import Event
    from recurring_ical_events import CalendarQuery

    from .hours import Hours

_CANCELLED = "CANCELLED"
_TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
_TIMES_OF_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")

_LONGEST_FILE = 4 * 1024 * 1024
"""Bytes of a file: ten thousand events (our figure)."""

_MOST_VALUES = 62
"""Values of one part of a rule: as many as days of a month have numbers, from the first and from the last."""

_LONGEST_SEARCH = 3.0
"""Seconds of computing that it may take to find what there is on a day: a caller waits for it (our figure)."""

_FAR = datetime(2050, 1, 1, tzinfo=UTC)
"""A day to which all rules are followed to see how long that takes: before it, it takes no longer (our figure)."""

log = structlog.get_logger("auto_attendant")


class CalendarError(Exception):
    """A calendar that cannot be read; the text says why."""


class Holidays:
    """The events of one iCalendar file. Takes whatever the file holds, and raises CalendarError for what it cannot."""

    def __init__(self, content: bytes) -> None:
        import recurring_ical_events  # noqa: PLC0415 - heavy, and not for whoever has no calendar
        from icalendar import Calendar  # noqa: PLC0415 - as above

        try:
            calendar = Calendar.from_ical(content)
            for event in calendar.events:
                _check(event)
            self._query: CalendarQuery = recurring_ical_events.of(calendar, skip_bad_series=False)
            _check_search(self._query)
            self.event_at(_FAR, UTC)
        except Exception as error:  # whatever a library raises for whatever a file holds
            raise CalendarError(" ".join(str(error).split()) or type(error).__name__) from error

    def event_at(self, at: datetime, zone: tzinfo | None) -> str | None:
        """The name of an event that lasts at a moment; None where there is none.

        Args:
            at: The moment.
            zone: Whose clock tells days, and times that say no zone; None: this machine's.
        """
        around = timedelta(days=1)  # zones are less than a day apart
        for event in self._query.between(at - around, at + around):
            if event.get("STATUS") == _CANCELLED:
                continue
            if _moment(event.start, zone) <= at < _moment(event.end, zone):
                return str(event.get("SUMMARY", ""))
        return None


def _check(event: Event) -> None:
    """Refuse times that are none, and rules that would take hours to follow: no holiday comes every second."""
    if _moment(event.end, UTC) < _moment(event.start, UTC):
        raise ValueError("an event ends before it begins")
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        often = [how for how in rule.get("FREQ", []) if str(how).upper() in _TOO_OFTEN]
        if often:
            raise ValueError(f"an event recurs {often[0]}: at most DAILY is followed")
        if any(step < 1 for step in rule.get("INTERVAL", [])):
            raise ValueError("an event recurs with an INTERVAL of less than 1")
        for part, values in rule.items():
            if part.upper() in _TIMES_OF_DAY and len(values) > 1:
                raise ValueError(f"an event recurs several times a day, by its {part}: at most DAILY is followed")
            if len(values) > _MOST_VALUES:
                raise ValueError(
                    f"an event recurs by {len(values)} values of {part}, expected {_MOST_VALUES} at most"
                )


def _check_search(query: CalendarQuery) -> None:
    """Refuse rules that are each harmless, and too many together."""
    began = clock.thread_time()
    for series in query.series:
        list(series.between(_FAR, _FAR + timedelta(days=1)))
        if clock.thread_time() - began > _LONGEST_SEARCH:
            raise ValueError(f"its events recur so often that finding one takes more than {_LONGEST_SEARCH:g} s")


def _moment(value: date, zone: tzinfo | None) -> datetime:
    """When a day begins, or what moment a time is that says no zone."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()


def read(path: Path) -> Holidays:
    """Read a file. Looks at the disk. Raises CalendarError."""
    try:
        content = reading.read_bounded(path, _LONGEST_FILE)
    except OSError as error:
        raise CalendarError(error.strerror or str(error)) from error
    return Holidays(content)


class Calendars:
    """The calendars of all hours, each as it was when it was good last."""

    def __init__(self) -> None:
        self._good: dict[Path, Holidays] = {}
        self._stamps: dict[Path, reading.Stamp | None] = {}
        self._turn = threading.Lock()  # calls ask from threads, and the libraries remember what they have found

    def event_at(self, hours: Hours, at: datetime) -> str | None:
        """What the calendar of these hours has at a moment; None where nothing, or no calendar. Looks at the disk."""
        if not hours.calendar:
            return None
        path = Path(hours.calendar).absolute()
        with self._turn:
            self._refresh(path)
            holidays = self._good.get(path)
            return holidays.event_at(at, hours.clock) if holidays is not None else None

    def _refresh(self, path: Path) -> None:
        stamp = reading.stamp_of(path)
        if path in self._stamps and self._stamps[path] == stamp:
            return
        self._stamps[path] = stamp
        try:
            self._good[path] = read(path)
        except CalendarError as error:
            what = "the last good one is in force" if path in self._good else "none of its holidays are known"
            log.error("a calendar cannot be read", calendar=str(path), error=str(error), so=what)  # noqa: TRY400
        else:
            log.info("calendar read", calendar=str(path))
