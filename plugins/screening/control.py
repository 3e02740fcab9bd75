"""What the owner may do by telephone: ``screening:control``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from ctportd import LONGEST_PIN, InvalidArgument, PinLocked, StoreError, speech

from .keys import keyed_in
from .lists import Entry
from .patterns import exactly

if TYPE_CHECKING:
    from ctportd import Call, Daemon

    from .lists import Side
    from .service import Screening

CONTROL = "control"
"""The target of ``screening`` that this is."""

_PIN_TRIES = 3
_PIN_WAIT = 6  # seconds for each key
_SUBJECT = "screening"
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
    with call.secret():
        try:
            for _ in range(_PIN_TRIES):
                await call.play("vm-enter-pin")
                pin = await keyed_in(call, LONGEST_PIN, _PIN_WAIT)
                if pin and await daemon.pins.check(_SUBJECT, call.caller.number, pin, hashed):
                    return True
                await call.clear()
                await call.play("vm-wrong-pin", ignore_keys=True)
        except PinLocked as error:
            log.warning("nobody is let in", error=str(error))
            await call.play("cid-locked", ignore_keys=True)
    return False


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
    if await call.menu("cid-last-caller", *_spoken(seen.number), f"cid-confirm-{side}", keys="1*") != "1":
        return
    match = exactly(seen.number, screening.numbers)
    entry = Entry(match=match, list=side, name=seen.name, by="telephone", added=call.clock.now())
    await screening.memory.keep([entry])
    await screening.memory.forget([f"{'block' if side == 'allow' else 'allow'} {match}"])
    log.info("a caller is put on a list", list=side, number=seen.number)
    call.note("screening", done=side, number=seen.number)
    await call.play("cid-done", ignore_keys=True)


def _spoken(number: str) -> list[str]:
    try:
        return speech.digits(number)
    except InvalidArgument:  # letters of a language that the prompts do not speak
        return ["unknown-number"]
