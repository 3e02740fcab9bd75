"""A call that we make: from dialling to its end, and whoever follows it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.calls.offering import hang_up, offer
from ctportd.calls.progress import ANSWERED, BUSY
from ctportd.errors import CallEnded, CtportdError, RequestFailed
from ctportd.status import CallStage

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.calls.offering import Give

DIALLING, RINGING, GIVEN, ENDED = "dialling", "ringing", "given", "ended"
"""How far a call has come, beside its outcome: it ends in any case."""

NO_DIAL_TONE = "no dial tone"
FAILED = "failed"
"""Outcomes beside ``answered``, ``busy`` and ``no answer``."""

BY_COMMAND = "ended by command"
"""Why a call ended that somebody has hung up by a command."""

COLLISION = "rings"
"""Why a call ended that somebody else's has met with on the line."""

log = structlog.stdlib.get_logger("ctportd.calls")


class Order(msgspec.Struct, frozen=True):
    """What call is to be made.

    Attributes:
        number: What is dialled; on a station port, the number that its set shows.
        handler: Who has the call when it is answered, such as ``voicemail:100``; empty: nobody, or the prompts.
        prompts: What is played then, before the call is hung up.
        within: Seconds of the line to wait for an answer.
    """

    number: str
    handler: str = ""
    prompts: tuple[str, ...] = ()
    within: float = 45.0


class OutgoingCall:
    """A call that we make.

    Attributes:
        call: The call itself.
        order: What was wanted.
        outcome: ``answered``, ``busy``, ``no answer``, ``no dial tone`` or ``failed``; empty until that is known.
        stages: How far it has come, step by step.
    """

    def __init__(self, call: Call, order: Order) -> None:
        self.call = call
        self.order = order
        self.outcome = ""
        self.stages: list[CallStage] = []
        self._began = call.clock.time()
        self._changed = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the call is over and its line free."""
        return bool(self.stages) and self.stages[-1].what == ENDED

    async def wait_outcome(self) -> str:
        """Wait until it is known what has become of it; returns :attr:`outcome`."""
        while not self.outcome:
            await self.wait_stage(len(self.stages))
        return self.outcome

    async def wait_ended(self) -> None:
        """Wait until it is over, and its line free."""
        while not self.ended:
            await self.wait_stage(len(self.stages))

    async def wait_stage(self, seen: int) -> None:
        """Wait until it has come further than ``seen`` stages; one that is over comes no further."""
        while len(self.stages) <= seen and not self.ended:
            self._changed.clear()
            await self._changed.wait()

    def tell(self, what: str, why: str = "") -> None:
        """It has come so far."""
        after = round(self.call.clock.time() - self._began, 3)
        self.stages.append(CallStage(what, why, after))
        self._changed.set()

    def settle(self, outcome: str, why: str = "") -> None:
        """It is known what has become of it; the first word stands."""
        if not self.outcome:
            self.outcome = outcome
            self.tell(outcome, why)


async def make(placed: OutgoingCall, give: Give) -> None:
    """Make the call, and let its handler have it. Raises CallEnded where it is over before that is done.

    Args:
        placed: The call, on a line that is idle.
        give: Lets a plugin have a call.
    """
    call, order = placed.call, placed.order
    placed.tell(DIALLING, order.number)
    try:
        call.check()
        outcome = await _reached(placed)
    except CallEnded as ended:
        placed.settle(*_cut_short(ended.reason))
        raise
    except CtportdError as error:
        log.warning("a call could not be made", error=str(error))
        placed.settle(FAILED, str(error))
        call.end("failed" if call.port.connected else "disconnected")
        return
    if outcome != ANSWERED:
        placed.settle(outcome)
        call.end(outcome)
        return
    call.mark_answered()
    placed.settle(outcome)
    await _answered(placed, give)


async def _answered(placed: OutgoingCall, give: Give) -> None:
    call, order = placed.call, placed.order
    if order.handler:
        placed.tell(GIVEN, order.handler)
        await offer(call, [order.handler], give)
        return
    try:
        await call.play(*order.prompts, ignore_keys=True)
    except CtportdError as error:
        log.warning("what was to be played on a call could not be", error=str(error))
        call.note("failed", error=str(error))
    await hang_up(call)


async def _reached(placed: OutgoingCall) -> str:
    """What becomes of it until somebody answers."""
    call, order = placed.call, placed.order
    if call.port.kind == "station":
        return await call.ring_own_set(order.within, lambda: placed.tell(RINGING))
    await call.seize()
    try:
        await call.wait_dial_tone()
    except RequestFailed:
        return NO_DIAL_TONE
    await call.dial(order.number)
    return await call.hear_answer(order.within, lambda: placed.tell(RINGING))


def _cut_short(reason: str) -> tuple[str, str]:
    """The outcome of a call that was over before anybody had answered it, and why."""
    if reason in ("hangup", "loopdrop"):
        return BUSY, "the exchange has hung up"
    if reason == COLLISION:
        return FAILED, "somebody has called on this line in the same moment; try again"
    return FAILED, reason
