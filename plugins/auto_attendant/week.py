"""Days, dates and times of day as people write them: ``mon-fri``, ``12-24``, ``09:00-12:00, 13:00-17:00``."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DAILY = "daily"
"""Every day of the week."""

CLOSED = "closed"
"""No time of day."""

_DAY = 24 * 60
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})")
_LEAP = 2000  # a year that has every day that any year has


class Span(msgspec.Struct, frozen=True):
    """A part of a day, which may go on into the next one.

    Attributes:
        first: The minute of the day with which it begins.
        end: The minute before which it ends; more than a day's 1440 where it ends on the next day.
    """

    first: int
    end: int

    def __str__(self) -> str:
        return f"{_clock(self.first)}-{_clock(self.end if self.end <= _DAY else self.end - _DAY)}"


def read_spans(written: str | Iterable[str]) -> tuple[Span, ...]:
    """``09:00-12:00, 13:00-17:00``, or a list of such; ``closed`` is none.

    Raises:
        ValueError: It is no such thing.
    """
    parts = [
        part.strip() for text in ([written] if isinstance(written, str) else written) for part in text.split(",")
    ]
    if parts == [CLOSED]:
        return ()
    return tuple(_span(part) for part in parts)


def _span(text: str) -> Span:
    first, dash, end = (part.strip() for part in text.partition("-"))
    if not dash:
        raise ValueError(f"found {text!r}, expected hours like '09:00-17:00', or 'closed'")
    begins, ends = _minute(first), _minute(end)
    if begins in (ends, _DAY):
        raise ValueError(f"found {text!r}, which has no end: all day is '00:00-24:00'")
    return Span(begins, ends if ends > begins else ends + _DAY)


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    minute = int(match[1]) * 60 + int(match[2]) if match else _DAY + 1
    if match is None or minute > _DAY or int(match[2]) > 59:
        raise ValueError(f"found {text!r}, expected a time of day from 00:00 to 24:00")
    return minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def read_days(written: str) -> frozenset[int]:
    """``mon``, ``mon-fri``, ``sat-mon``, ``mon, wed``, ``daily``: days of the week, Monday is 0.

    Raises:
        ValueError: It is no such thing.
    """
    if written == DAILY:
        return frozenset(range(7))
    days: set[int] = set()
    for part in written.split(","):
        first, dash, last = part.partition("-")
        begins = _weekday(first)
        ends = _weekday(last) if dash else begins
        days.update((begins + more) % 7 for more in range((ends - begins) % 7 + 1))
    return frozenset(days)


def _weekday(name: str) -> int:
    try:
        return DAYS.index(name.strip().lower())
    except ValueError:
        problem = f"found {name.strip()!r}, expected days like 'mon', 'mon-fri', 'sat, sun' or {DAILY!r}"
        raise ValueError(problem) from None


def read_week(written: Mapping[str, str | list[str]]) -> tuple[tuple[Span, ...], ...]:
    """The hours of each day of the week. Where several keys name a day, the one that names the fewest days counts.

    Raises:
        ValueError: A key or a value cannot be read, or two keys have the same right to a day.
    """
    spans: dict[str, tuple[Span, ...]] = {}
    days: dict[str, frozenset[int]] = {}
    for key, value in written.items():
        try:
            days[key], spans[key] = read_days(key), read_spans(value)
        except ValueError as error:
            raise ValueError(f"week, {key!r}: {error}") from None
    week = []
    for day, name in enumerate(DAYS):
        keys = sorted((key for key in days if day in days[key]), key=lambda key: len(days[key]))
        if len(keys) > 1 and len(days[keys[0]]) == len(days[keys[1]]):
            raise ValueError(
                f"week: both {keys[0]!r} and {keys[1]!r} tell the hours of {name!r}; leave it out of one"
            )
        week.append(spans[keys[0]] if keys else ())
    return tuple(week)


class Days(msgspec.Struct, frozen=True):
    """One day or several in a row: of one year, or of every year.

    Attributes:
        first: The first, as ``2026-12-24``; yearly ones without the year: ``12-24``.
        last: The last.
    """

    first: str
    last: str

    def __contains__(self, day: date) -> bool:
        text = day.isoformat()
        text = text[5:] if len(self.first) == 5 else text
        if self.first <= self.last:
            return self.first <= text <= self.last
        return text >= self.first or text <= self.last  # over New Year

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}/{self.last}"


def read_dates(written: str) -> Days:
    """``2026-12-24``, each year's ``12-24``, or from one to another: ``12-24/01-01``.

    Raises:
        ValueError: It is no such thing.
    """
    first, slash, last = written.partition("/")
    days = Days(_date(first), _date(last if slash else first))
    if len(days.first) != len(days.last):
        raise ValueError(f"found {written!r}, where one date has a year and the other has none")
    if len(days.first) > 5 and days.first > days.last:
        raise ValueError(f"found {written!r}, which ends before it begins")
    return days


def _date(text: str) -> str:
    text = text.strip()
    yearly = _YEARLY.fullmatch(text)
    try:
        day = date(_LEAP, int(yearly[1]), int(yearly[2])) if yearly else date.fromisoformat(text)
    except ValueError:
        problem = f"found {text!r}, expected a date like '2026-12-24', or like '12-24' for one of every year"
        raise ValueError(problem) from None
    return f"{day:%m-%d}" if yearly else day.isoformat()
