"""Lets somebody with the PIN set hours aside by telephone, for some hours or until that is undone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from ctportd import StoreError

from .admitting import admitted
from .overrides import override, states_at
from .schedule import Override

if TYPE_CHECKING:
    from ctportd import Call, Daemon

    from .calendars import Calendars
    from .hours import Hours

OPEN, CLOSED, BY_HOURS, LEAVE = "1", "2", "3", "*"
"""The keys."""

_DIGITS_OF_HOURS = 3

log = structlog.get_logger("auto_attendant")


async def set_hours(call: Call, name: str, hours: Hours, daemon: Daemon, calendars: Calendars) -> None:
    """Say whether it is open, and let the caller change that. Hours without a PIN are behind that of the menu.

    Args:
        call: The call.
        name: The hours' name.
        hours: The hours.
        daemon: The daemon.
        calendars: The holidays.
    """
    if hours.pin and not await admitted(call, daemon, f"hours:{name}", hours.pin):
        return
    while True:
        state = (await states_at({name: hours}, daemon.clock.now(), daemon, calendars))[name]
        await call.play(f"aa-now-{state.kind}")
        key = await call.menu("aa-override", keys=OPEN + CLOSED + BY_HOURS + LEAVE)
        if key in ("", LEAVE):
            return
        wanted = None if key == BY_HOURS else await _wanted(call, daemon, key)
        try:
            await override(daemon, name, wanted)
        except StoreError as error:
            log.error("hours cannot be set now", hours=name, error=str(error))  # noqa: TRY400 - it says all
            await call.play("error", ignore_keys=True)
            return
        call.note("hours set", hours=name, to=wanted.kind if wanted else "by hours")
        log.warning("hours were set by telephone", hours=name, to=wanted.kind if wanted else "by hours")


async def _wanted(call: Call, daemon: Daemon, key: str) -> Override:
    """Ask for how long."""
    await call.play("aa-how-long")
    digits = "".join(filter(str.isdigit, await call.keyed_in(_DIGITS_OF_HOURS)))
    now = daemon.clock.now()
    until = now + timedelta(hours=int(digits)) if int(digits or 0) else None
    return Override("open" if key == OPEN else "closed", now, until, call.caller.number)
