"""Asks for a PIN. Who guesses is locked out, across calls and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ctportd import LONGEST_PIN, PinLocked

if TYPE_CHECKING:
    from ctportd import Call, Daemon

TRIES = 3
"""How often a PIN is asked for at a time."""

WAIT = 6
"""Seconds to wait for each digit."""

log = structlog.get_logger("auto_attendant")


async def admitted(call: Call, daemon: Daemon, what: str, hashed: str) -> bool:
    """Whether the caller knows a PIN.

    Args:
        call: The call.
        daemon: Whose guard counts the wrong ones.
        what: What it opens, for the guard and the log: ``menu:boss``.
        hashed: The PIN, as ``ctportd pin`` prints it.
    """
    with call.secret():
        try:
            for _ in range(TRIES):
                await call.play("aa-enter-pin")
                pin = await keyed_in(call)
                if pin and await daemon.pins.check(what, call.caller.number, pin, hashed):
                    return True
                await call.clear()
                await call.play("aa-wrong-pin")
        except PinLocked as error:
            log.warning("nobody is let in", what=what, error=str(error))
            await call.play("aa-locked", ignore_keys=True)
            await call.clear()
    return False


async def keyed_in(call: Call, most: int = LONGEST_PIN) -> str:
    """Keys until ``#``, until no more come, or until there are too many for what is asked."""
    keys = ""
    while (key := await call.collect(1, first=WAIT)) and key != "#" and len(keys) < most:
        keys += key
    return keys
