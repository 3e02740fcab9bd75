"""Calls that ring telephone sets on station ports, and that dial on other lines."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.acceptance import DECLINED, accepts, announcement_of
from ctportd.calls.health import NO_DIAL_TONE
from ctportd.calls.joined import Joined
from ctportd.calls.progress import ANSWERED, BUSY, NO_ANSWER
from ctportd.errors import CallEnded, CtportdError, LinkError, RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from ctportd.calls.call import Call

CALLER_AFTER = 2.5
"""Seconds from the first ring to caller ID, which most sets expect in the rest that follows it (our figure)."""

FIRST_SOUND = 20.0
"""Seconds that an exchange may take to put a number through without a sound (our figure)."""

_WORDS = 8  # of a name: those that the request can carry

log = structlog.stdlib.get_logger("ctportd.call")


class Stations(Joined):
    """Connects the call with a telephone set, or with somebody on another line."""

    async def ring_station(
        self, address: str, within: float = 30.0, *, screen: bool = False, announce: Sequence[str] = ()
    ) -> str:
        """Ring the set on a station port, and connect it until one of the two hangs up.

        The set is sent the caller's number and name. A caller who was answered hears ring-back tone meanwhile; one who
        was not goes on ringing, and is answered when the set is. Keys that were pressed until then are forgotten.

        Args:
            address: The port's, such as ``main:3``; its number alone will do where only one ctserver has it.
            within: Seconds of the line to ring.
            screen: Ask whoever lifts the set whether to take the call: key 1 does.
            announce: With ``screen``, the prompts that say who calls; by default the caller's number is said.

        Returns:
            ``answered``: they have talked, and the set was put down. ``busy``: the set is off hook, or is being rung.
            ``no answer``: it was not lifted, or its port cannot be reached. ``declined``: with ``screen``, it was
            refused, no key came, or the set was put down.

        Raises:
            InvalidArgument: There is no such port, or it is no station port, or one of another ctserver.
        """
        outcome = BUSY
        async with self._leg(address, "station") as leg:
            with self.timeline.during("set rung", {"port": address}) as step:
                if leg is not None:
                    outcome = await self._reach(
                        leg, within, list(announce) or announcement_of(self.caller), screen=screen
                    )
                step["outcome"] = outcome
            if leg is not None and outcome == ANSWERED:
                await self._talk(leg)
        if self.answered:
            await self.clear()
        return outcome

    async def ring_own_set(self, within: float, ringing: Callable[[], object]) -> str:
        """Ring the set of the call's own station port, for a call that we make to it.

        Args:
            within: Seconds of the line to ring.
            ringing: Told when it rings.

        Returns:
            ``answered``: it was lifted. ``busy``: it is off hook, and nobody has told us so. ``no answer``.

        Raises:
            LinkError: Ctserver cannot be reached, or does not ring it.
        """
        with self.timeline.during("set rung", {"port": self.port.address}) as step:
            outcome = step["outcome"] = await self._ring_own_set(within, ringing)
        return outcome

    async def _ring_own_set(self, within: float, ringing: Callable[[], object]) -> str:
        try:
            await self.port.start_ring()
        except RequestFailed:
            return BUSY
        ringing()
        if await _is_lifted(self, min(within, CALLER_AFTER)):
            return ANSWERED
        await self._show_caller(self)
        return ANSWERED if await _is_lifted(self, max(0.0, within - CALLER_AFTER)) else NO_ANSWER

    async def _reach(self, leg: Call, within: float, announcement: list[str], *, screen: bool) -> str:
        """Ring a set, and ask who lifts it."""
        async with self._ringback():
            outcome = await self._ring(leg, within)
            if outcome == ANSWERED and screen:
                outcome = await self._screen(leg, announcement)
        return outcome

    async def call_out(self, address: str, number: str) -> str:
        """Dial a number on another line, and connect it until one of the two hangs up.

        They are connected as soon as the exchange lets something be heard, ring-back tone say: before that, keys of
        this call could become part of the number.

        Args:
            address: The trunk port's, such as ``main:1``.
            number: What is dialled, as for :meth:`~ctportd.calls.leg.Leg.dial`.

        Returns:
            ``answered``: they were connected, and the line has come to its end; only who listened knows whether anybody
            was there. ``busy``: the line is in use, or cannot be reached. ``no dial tone``: it is dead.

        Raises:
            InvalidArgument: There is no such port, or it is no trunk port, or one of another ctserver.
        """
        outcome = BUSY
        async with self._leg(address, "trunk") as leg:
            told = {"port": address, "number": self.timeline.hidden(number)}
            with self.timeline.during("line dialled on", told) as step:
                outcome = BUSY if leg is None else await self._dial_on(leg, number)
                step["outcome"] = outcome
            if leg is not None and outcome == ANSWERED:
                await self._talk(leg)
        await self.clear()
        return outcome

    @asynccontextmanager
    async def _leg(self, address: str, kind: str) -> AsyncIterator[Call | None]:
        """A call on another port, as long as the block lasts; None where that one is in a call."""
        await self._check_and_yield()
        leg = self._desk.take(address, kind)
        if leg is None:
            yield None
            return
        self._legs.add(leg)
        try:
            yield leg
        finally:
            self._legs.discard(leg)
            leg.end("finished", grace=0.0)
        await leg.left.wait()

    def _ringback(self) -> AbstractAsyncContextManager[None]:
        """What the caller hears meanwhile, where that is not the exchange's ring-back tone already."""
        return self.tone("ringback") if self.answered else nullcontext()

    async def _ring(self, leg: Call, within: float) -> str:
        """Ring a set until it is lifted. What goes wrong on its port is no fault of this call."""
        try:
            await leg.port.start_ring()
            if await _is_lifted(leg, min(within, CALLER_AFTER)):
                return ANSWERED
            await self._show_caller(leg)
            if await _is_lifted(leg, max(0.0, within - CALLER_AFTER)):
                return ANSWERED
        except CallEnded:
            self.check()
        except LinkError as error:
            log.warning("a set cannot be rung", port=str(leg.port), error=str(error))
            if isinstance(error, RequestFailed):
                return BUSY  # it is off hook, and nobody has told us so
        leg.end("finished")  # at once: a set that is lifted from now on is no answer
        return NO_ANSWER

    async def _show_caller(self, leg: Stations) -> None:
        """Send caller ID to a set; one that shows none rings all the same."""
        words = self.caller.name.split()[:_WORDS]
        try:
            await leg.port.send_cid(self.caller.number, " ".join(words))
        except CtportdError as error:
            log.info("no caller ID is sent to a set", port=str(leg.port), error=str(error))

    async def _screen(self, leg: Call, announcement: list[str]) -> str:
        try:
            return ANSWERED if await accepts(leg, announcement) else DECLINED
        except CallEnded:
            self.check()
        except LinkError as error:
            log.warning("a set cannot be asked", port=str(leg.port), error=str(error))
        return DECLINED

    async def _dial_on(self, leg: Call, number: str) -> str:
        """Dial on another line, until something is heard. What goes wrong there is no fault of this call."""
        try:
            await leg.answer()
            await leg.wait_dial_tone()
            await leg.dial(number)
            await leg.wait_sound(FIRST_SOUND)
        except CallEnded:
            self.check()
        except LinkError as error:
            log.warning("a line cannot be dialled on", port=str(leg.port), error=str(error))
            if isinstance(error, RequestFailed) and error.request == "ctwaitfordial":
                return NO_DIAL_TONE
        else:
            return ANSWERED
        return BUSY

    async def _talk(self, leg: Call) -> None:
        """Connect the two until one hangs up."""
        await self.answer()
        try:
            async with self.bridged(leg.port.number):
                await leg.wait_ended()
        except RequestFailed:
            if not leg.ended:
                raise
        self.check()


async def _is_lifted(leg: Stations, within: float) -> bool:
    """Wait until a set is lifted, for so many seconds of the line."""
    try:
        async with leg.clock.timeout(within):
            await leg.wait_answered()
    except TimeoutError:
        return leg.answered
    return True
