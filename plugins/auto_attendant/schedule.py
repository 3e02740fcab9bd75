"""Whether somebody is there at a moment, and why: from the hours, the calendar and what was set by telephone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from .week import DAYS, read_dates, read_week

if TYPE_CHECKING:
    from datetime import date

    from .hours import Hours
    from .week import Span

Kind: TypeAlias = Literal["open", "closed", "holiday"]
"""A holiday is closed, too; it is told apart so that it may have a menu of its own."""


COMMAND_LINE = "the command line"
"""Stands for a number where it was no telephone that set it."""


class Override(msgspec.Struct, frozen=True):
    """What was set by telephone, or from the command line, instead of what the hours say.

    Attributes:
        kind: What it is.
        since: When it was set.
        until: When it ends; None: when it is undone.
        by: The number of whoever set it, or :data:`COMMAND_LINE`; may be empty.
    """

    kind: Literal["open", "closed"]
    since: datetime
    until: datetime | None = None
    by: str = ""


class State(msgspec.Struct, frozen=True):
    """What hours say of a moment.

    Attributes:
        kind: ``open``, ``closed`` or ``holiday``.
        why: What led to it, for people.
    """

    kind: Kind
    why: str


def state_at(
    hours: Hours,
    at: datetime,
    event: str | None = None,
    override: Override | None = None,
    *,
    event_before: str | None = None,
) -> State:
    """What hours say of a moment.

    Args:
        hours: The hours.
        at: The moment, with a time zone.
        event: What the calendar calls that which it has at the moment; None where it has nothing.
        override: What was set by telephone, in force or not.
        event_before: As ``event``, at the end of the day before: hours that would have gone on have not begun.
    """
    if override is not None and in_force(override, at):
        return State(override.kind, _told(override, hours))
    local = hours.local(at)
    today = local.date()
    holiday = _holiday(hours, today)
    if holiday:
        return State("holiday", holiday)
    own = _own(hours, today)
    if own is None and event is not None:
        return State("holiday", f"calendar: {event or 'an event without a name'}")
    return _by_spans(hours, local, begun=event_before is None)


def day_before(hours: Hours, at: datetime) -> datetime:
    """The last second of the day before a moment, by the clock of the hours."""
    midnight = datetime.combine(hours.local(at).date(), time(), hours.clock)
    return midnight.astimezone(UTC) - timedelta(seconds=1)


def in_force(override: Override, at: datetime) -> bool:
    """Whether an override holds at a moment."""
    return override.since <= at and (override.until is None or at < override.until)


def _told(override: Override, hours: Hours) -> str:
    until = f"until {hours.local(override.until):%Y-%m-%d %H:%M}" if override.until else "until it is undone"
    how = "set" if override.by == COMMAND_LINE else "set by telephone"
    return f"{how}{f' from {override.by}' if override.by else ''} {until}"


def _holiday(hours: Hours, day: date) -> str:
    """Why it is closed all day; empty where it is not."""
    for days, spans in hours.days_of_their_own():
        if day in days:
            return "" if spans else f"holiday {days}"
    for written in hours.holidays:
        days = read_dates(written)
        if day in days:
            return f"holiday {days}"
    return ""


def _own(hours: Hours, day: date) -> tuple[str, tuple[Span, ...]] | None:
    """The hours of a date that has its own, with what they are called."""
    for days, spans in hours.days_of_their_own():
        if day in days:
            return str(days), spans
    return None


def _spans(hours: Hours, day: date) -> tuple[str, tuple[Span, ...]]:
    """The hours that begin on a day, with what they are called."""
    own = _own(hours, day)
    if own is not None:
        return own
    name = DAYS[day.weekday()]
    return name, () if _holiday(hours, day) else read_week(hours.week)[day.weekday()]


def _by_spans(hours: Hours, local: datetime, *, begun: bool) -> State:
    """``begun``: whether nothing but the hours and their holidays kept those of the day before from going on."""
    minute = local.hour * 60 + local.minute
    before = local.date() - timedelta(days=1)
    for day, passed in ((local.date(), 0), (before, 24 * 60)):
        name, spans = _spans(hours, day)
        if day == before and not begun and _own(hours, day) is None:
            spans = ()
        for span in spans:
            if span.first <= minute + passed < span.end:
                return State("open", f"{name} {span}")
    name, spans = _spans(hours, local.date())
    return State("closed", f"{name} {', '.join(map(str, spans)) or 'closed'}")
