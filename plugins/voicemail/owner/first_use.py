"""What an owner does before anything else who has a mailbox that nobody has set up yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..boxes import NAME
from ..changes import UNAVAILABLE
from .options import change_pin, record_greeting

if TYPE_CHECKING:
    from .visit import Visit

TRIES = 3
"""How often a name or a greeting is asked for."""


async def set_up(visit: Visit, pin: str) -> bool:
    """Have the owner choose a PIN, and speak name and greeting; returns whether all that is done.

    What is done already stands, so who hangs up in between begins where he left off only with what is missing.

    Args:
        visit: The owner.
        pin: The PIN with which he came in, which must not stay.
    """
    await visit.call.play("vm-first-use")
    if not await change_pin(visit, pin):
        return False
    for kind in (NAME, UNAVAILABLE):
        if not await visit.greeting(kind) and not await _recorded(visit, kind):
            return False
    await visit.box.mark_set_up()
    await visit.call.play("vm-set-up")
    return True


async def _recorded(visit: Visit, kind: str) -> bool:
    for _ in range(TRIES):
        if await record_greeting(visit, kind):
            return True
    return False
