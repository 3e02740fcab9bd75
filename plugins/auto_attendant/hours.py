"""``[plugins.auto_attendant.hours.NAME]``: when somebody is there."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import Meta

from ctportd import PIN_HASH, check_hash

from .week import read_dates, read_spans, read_week

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .week import Days, Span


class Hours(msgspec.Struct, forbid_unknown_fields=True):
    """Opening hours.

    Attributes:
        week: The hours of the days of the week: ``"mon-fri" = "09:00-17:00"``. A day that is named by no key is closed.
        zone: Whose clock they are told by, such as ``Europe/Berlin``; empty: this machine's.
        holidays: Dates on which it is closed all day.
        dates: Dates that have hours of their own, holiday or not.
        calendar: An iCalendar file; while one of its events lasts, it is closed.
        pin: With it the hours are set aside by telephone, as ``ctportd pin`` prints it; empty: the menu has one.
    """

    week: dict[str, str | list[str]] = {}
    zone: str = ""
    holidays: list[str] = []
    dates: dict[str, str | list[str]] = {}
    calendar: str = ""
    pin: Annotated[str, Meta(pattern=f"^$|{PIN_HASH}")] = ""

    def __post_init__(self) -> None:
        """Read everything once, so that a mistake is told at the start."""
        if self.zone:
            _check_zone(self.zone)
        read_week(self.week)
        for index, written in enumerate(self.holidays, 1):
            try:
                read_dates(written)
            except ValueError as error:
                raise ValueError(f"holidays, item {index}: {error}") from None
        dict(self.days_of_their_own())
        if self.pin:
            check_pin(self.pin)

    @property
    def clock(self) -> ZoneInfo | None:
        """The time zone; None: this machine's."""
        return ZoneInfo(self.zone) if self.zone else None

    def local(self, at: datetime) -> datetime:
        """A moment by the clock of these hours."""
        return at.astimezone(self.clock)

    def days_of_their_own(self) -> Iterator[tuple[Days, tuple[Span, ...]]]:
        """Dates with hours of their own. Raises ValueError for what cannot be read."""
        for key, value in self.dates.items():
            try:
                yield read_dates(key), read_spans(value)
            except ValueError as error:
                raise ValueError(f"dates, {key!r}: {error}") from None


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, or what no file can be called
        near = difflib.get_close_matches(zone, available_timezones(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ", expected one like 'Europe/Berlin'"
        raise ValueError(f"zone: there is no time zone {zone!r}{hint}") from None


def check_pin(hashed: str) -> None:
    """Refuse a hash with which no PIN could be compared. Raises ValueError."""
    try:
        check_hash(hashed)
    except ValueError as error:
        raise ValueError(f"pin: it cannot be used: {error}; make it anew with 'ctportd pin'") from None
