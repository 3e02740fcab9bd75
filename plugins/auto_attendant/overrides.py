"""What the hours say now, with what was set by telephone: that is kept in the store, under the name of the hours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from ctportd import StoreError

from .schedule import Override, day_before, state_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ctportd import Site

    from .calendars import Calendars
    from .hours import Hours
    from .schedule import State

FAMILY = "auto_attendant.hours"
"""Whose values these are in the store."""

log = structlog.get_logger("auto_attendant")


async def states_at(
    hours: Mapping[str, Hours], at: datetime, site: Site, calendars: Calendars
) -> dict[str, State]:
    """What all hours say of a moment. Where the store cannot be read, as if nothing were set by telephone."""
    if not hours:
        return {}
    kept = await _kept(site)
    return await asyncio.to_thread(_states, hours, at, kept, calendars)


async def _kept(site: Site) -> dict[str, Override]:
    try:
        return await site.store.family(FAMILY, Override)
    except StoreError as error:
        log.warning("what was set by telephone cannot be read: the hours count", error=str(error))
        return {}


def _states(
    hours: Mapping[str, Hours], at: datetime, kept: Mapping[str, Override], calendars: Calendars
) -> dict[str, State]:
    """Looks at the disk: calendars and time zones are files."""
    return {
        name: state_at(
            each,
            at,
            calendars.event_at(each, at),
            kept.get(name),
            event_before=calendars.event_at(each, day_before(each, at)),
        )
        for name, each in hours.items()
    }


async def override(site: Site, name: str, value: Override | None) -> None:
    """Set hours aside, or let them count again. Raises StoreError."""
    if value is None:
        await site.store.remove(FAMILY, name)
    else:
        await site.store.put(FAMILY, name, value)
