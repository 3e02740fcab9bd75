"""``[plugins.auto_attendant.hours.NAME]``: when somebody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd import PinHash, check_pin, read_zone

from .week import read_dates, read_spans, read_week

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

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
    pin: PinHash = ""

    def __post_init__(self) -> None:
        """Read everything once, so that a mistake is told at the start."""
        read_zone(self.zone)
        read_week(self.week)
        for index, written in enumerate(self.holidays, 1):
            try:
                read_dates(written)
            except ValueError as error:
                raise ValueError(f"holidays, item {index}: {error}") from None
        dict(self.days_of_their_own())
        check_pin(self.pin)

    @property
    def clock(self) -> tzinfo | None:
        """The time zone; None: this machine's."""
        return read_zone(self.zone)

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
