"""An owner calls somebody by way of the mailbox: back, or any number that may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import RequestFailed, speech

from .asking import CANCEL, choose, keyed_in
from .keys import CALLING, Action
from .visit import log

if TYPE_CHECKING:
    from collections.abc import Collection

    from .visit import Visit

RINGING = 30
"""Seconds that somebody has to answer."""

_WRITTEN = str.maketrans("", "", "-() .")
"""What callers' numbers are written with, and nobody dials."""

_SAID = {"busy": "busy", "no answer": "no-answer"}


def refused(number: str, longest: int, prefixes: Collection[str]) -> str:
    """The prompt that says why a number is not dialled; empty where it is.

    Args:
        number: What is to be dialled.
        longest: Digits that it may have.
        prefixes: What it has to begin with; none: anything will do.
    """
    if not (number.isascii() and number.isdecimal()) or len(number) > longest:
        return "vm-bad-number"
    if prefixes and not number.startswith(tuple(prefixes)):
        return "vm-number-barred"
    return ""


async def call_back(visit: Visit) -> None:
    """Call whoever left the message."""
    message = visit.reading.current
    if message is None or not message.number:
        await visit.call.play("vm-cannot-call-back")
        return
    await _call(visit, message.number.translate(_WRITTEN))


async def dial_out(visit: Visit) -> None:
    """Ask for a number, and call it."""
    if not visit.may_dial:
        await visit.call.play("vm-no-dialling")
        return
    number = await keyed_in(visit.call, visit.box.rules.dial_longest + 1, "vm-which-number")
    if number and number != CANCEL:
        await _call(visit, number)


async def _call(visit: Visit, number: str) -> None:
    """Say the number, and call it if the owner says so. Who is connected has left the mailbox."""
    call, rules = visit.call, visit.box.rules
    if not visit.may_dial:
        await call.play("vm-no-dialling")
        return
    problem = refused(number, rules.dial_longest, rules.dial_prefixes)
    if problem:
        await call.play(problem)
        return
    if await choose(call, CALLING, "number", *speech.digits(number)) is Action.BACK:
        return
    log.info("an owner calls out", mailbox=visit.box.number, number=number)
    await call.play("transferring")
    try:
        outcome = await call.try_transfer(number, within=RINGING)
    except RequestFailed:  # this ctserver cannot tell who answers
        await call.transfer(number)
        return
    if outcome in _SAID:  # else the owner is connected, and the call is over
        await call.play(_SAID[outcome])
