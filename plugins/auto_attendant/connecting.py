"""Connects the caller with a telephone: of the exchange, by hook flash, or of a station port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ctportd import CtportdError, LinkError

if TYPE_CHECKING:
    from ctportd import Call

    from .actions import Action
    from .ways import Way

CONNECTING = "transferring"
"""The prompt before it, if no other is said."""

_TOLD = {"busy": "busy", "no answer": "no-answer", "declined": "aa-declined"}
"""What the caller hears where it came to nothing."""

log = structlog.get_logger("auto_attendant")


async def connected(call: Call, action: Action, way: Way, ring: int, *, rescued: bool) -> bool:
    """Connect the caller. Returns whether that was so: the call is over then.

    Args:
        call: The call.
        action: ``transfer:NUMBER`` or ``station:PORT``.
        way: What more is said about it.
        ring: Seconds until nobody has answered.
        rescued: Whether there is something to be done where nobody answers. Without it a transfer is not waited for.
    """
    await call.play(CONNECTING if way.say is None else way.say, ignore_keys=True)
    if action.verb == "transfer" and not (rescued or way.screen):
        await call.transfer(action.what)
        return True
    try:
        outcome = await _outcome(call, action, way, ring)
    except CtportdError as error:
        if isinstance(error, LinkError) and not call.port.connected:
            raise
        log.error("nobody can be rung", action=str(action), error=str(error))  # noqa: TRY400 - it says all
        outcome = "no answer"
    log.info("rung", action=str(action), outcome=outcome)
    if outcome == "answered":
        await call.hangup()
        return True
    await call.play(_TOLD[outcome], ignore_keys=True)
    return False


async def _outcome(call: Call, action: Action, way: Way, ring: int) -> str:
    if action.verb == "station":
        return await call.ring_station(action.what, within=ring, screen=way.screen)
    return await call.try_transfer(action.what, within=ring, screen=way.screen)
