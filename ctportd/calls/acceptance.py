"""Whoever is called is told who calls, and may take the call or refuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.calls import speech

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.calls.caller import Caller
    from ctportd.calls.leg import Leg

DECLINED = "declined"
"""What became of a call that was not taken."""

ACCEPT, REFUSE = "1", "2"

_TRIES = 3
_WAIT = 6  # seconds for a key after it was asked for (our figure)


async def accepts(leg: Leg, announcement: Sequence[str]) -> bool:
    """Ask whoever is at the far end of a leg; only the key :data:`ACCEPT` takes the call, silence does not."""
    for _ in range(_TRIES):
        await leg.clear()
        await leg.play("call-for-you", *announcement, "call-accept")
        key = await leg.collect(1, _WAIT)
        if key in (ACCEPT, REFUSE):
            return key == ACCEPT
    return False


def announcement_of(caller: Caller) -> list[str]:
    """The prompts that say who calls, where nothing better is known: the number, digit by digit."""
    return ["from", *speech.caller_number(caller.number)]
