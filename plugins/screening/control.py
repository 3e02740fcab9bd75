"""What the owner may do by telephone: ``screening:control``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from ctportd import StoreError, speech

from .lists import Entry
from .patterns import exactly

if TYPE_CHECKING:
    from ctportd import Call, Daemon

    from .lists import Side
    from .service import Screening

CONTROL = "control"
"""The target of ``screening`` that this is."""

_SUBJECT = "screening:control"
"""What is locked where somebody guesses at the PIN, as a mailbox would be."""

log = structlog.stdlib.get_logger("screening")


async def control(call: Call, screening: Screening, daemon: Daemon) -> None:
    """Ask for the PIN, and do what the owner says: let the next caller through, allow or block the last one."""
    await call.answer()
    if not await _knows_pin(call, screening.settings.pin, daemon):
        await call.play("goodbye")
        return
    while key := await call.menu("cid-control", keys="123#"):
        if key == "#":
            break
        try:
            await _do(key, call, screening)
        except StoreError as error:
            log.error("what the owner said cannot be kept", error=str(error))  # noqa: TRY400 - it says all
            await call.play("error", ignore_keys=True)
    await call.play("goodbye")


async def _knows_pin(call: Call, hashed: str, daemon: Daemon) -> bool:
    if not hashed:
        log.error("nobody is let in: [plugins.screening] pin is missing")
        return False
    told = {"enter": "vm-enter-pin", "wrong": "vm-wrong-pin", "locked": "cid-locked"}
    return await daemon.pins.admits(call, _SUBJECT, hashed, **told)


async def _do(key: str, call: Call, screening: Screening) -> None:
    if key == "1":
        minutes = screening.settings.permit_minutes
        await screening.memory.permit_next(call.clock.now() + timedelta(minutes=minutes))
        log.info("the next call is let through", minutes=minutes)
        call.note("screening", done="permit next call")
        await call.play("cid-next-permitted", ignore_keys=True)
    else:
        await _judge_last(call, "allow" if key == "2" else "block", screening)


async def _judge_last(call: Call, side: Side, screening: Screening) -> None:
    """Put the last caller on a list, and off the other one, once the owner has heard who that is."""
    seen = await screening.last_caller(but=call)
    if seen is None:
        await call.play("cid-no-caller", ignore_keys=True)
        return
    if (
        await call.menu("cid-last-caller", *speech.caller_number(seen.number), f"cid-confirm-{side}", keys="1*")
        != "1"
    ):
        return
    match = exactly(seen.number, screening.numbers)
    entry = Entry(match=match, list=side, name=seen.name, by="telephone", added=call.clock.now())
    await screening.memory.keep([entry])
    await screening.memory.forget([f"{'block' if side == 'allow' else 'allow'} {match}"])
    log.info("a caller is put on a list", list=side, number=seen.number)
    call.note("screening", done=side, number=seen.number)
    await call.play("cid-done", ignore_keys=True)
