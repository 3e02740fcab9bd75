"""Transfers over the caller's own line: hook flash, number, and what is heard then."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from ctportd.calls.acceptance import DECLINED, accepts, announcement_of
from ctportd.calls.joined import Joined
from ctportd.calls.progress import ANSWERED, BUSY, NO_ANSWER, CallProgress
from ctportd.errors import CallEnded, CtportdError, RequestTimedOut
from ctportd.wire.events import Grunt, Hangup, LoopDrop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

FLASH_PAUSE = ","
"""Between a hook flash and the number: one second in which the exchange brings its dial tone."""


class Transfers(Joined):
    """Gives the caller to another number of the exchange."""

    async def transfer(self, number: str) -> None:
        """Give the call to another number of the exchange, whatever becomes of it: hook flash, number, on hook."""
        self.note("transfer", number=self.timeline.hidden(number))
        await self.dial(f"&{FLASH_PAUSE}{number}")
        await self.hangup()

    async def try_transfer(
        self, number: str, within: float = 30.0, *, screen: bool = False, announce: Sequence[str] = ()
    ) -> str:
        """Give the call to another number if somebody answers there, else have the caller back.

        Hook flash and number, while the exchange holds the caller. When somebody answers, the line goes on hook and the
        exchange connects the two: the call is over for us. Else another flash returns to the caller. What is heard is
        all that an analog line tells of it, as for :meth:`wait_answer`; of a caller who hangs up meanwhile it tells
        nothing until then.

        Args:
            number: What is dialled.
            within: Seconds of the line to wait for an answer.
            screen: Ask whoever answers whether to take the call: key 1 does.
            announce: With ``screen``, the prompts that say who calls; by default the caller's number is said.

        Returns:
            ``answered``, ``busy``, ``no answer``, or with ``screen`` ``declined``: refused, or no key came.

        Raises:
            RequestFailed: This ctserver tells nothing of sound (``grunt_on``); the caller is back. So it is after any
                other error but the end of the call, and where the wait for it is cancelled.
        """
        with self._enquiry(), self.timeline.during("transfer", {"number": self.timeline.hidden(number)}) as step:
            async with self._returning(RequestTimedOut):  # what is refused has not flashed
                await self.dial(f"&{FLASH_PAUSE}{number}")
            async with self._returning(CtportdError):
                outcome = await self._enquire(
                    within, list(announce) or announcement_of(self.caller), screen=screen
                )
            if outcome == ANSWERED:
                await self.hangup()
            else:
                await self._return_to_caller()
            step["outcome"] = outcome
        return outcome

    async def _enquire(self, within: float, announcement: list[str], *, screen: bool) -> str:
        outcome = await self.wait_answer(within)
        if outcome == ANSWERED and screen and not await accepts(self, announcement):
            return DECLINED
        return outcome

    @contextmanager
    def _enquiry(self) -> Iterator[None]:
        """As long as it lasts, a far end that hangs up is whoever was dialled, and not the caller, who is held."""
        self._enquiring = True
        try:
            yield
        finally:
            self._enquiring = False
            self._forget(Hangup, LoopDrop, Grunt)

    @asynccontextmanager
    async def _returning(self, *errors: type[Exception]) -> AsyncIterator[None]:
        """Return to the caller where the block fails so, or is cancelled."""
        try:
            yield
        except errors:
            await self._return_to_caller()
            raise
        except asyncio.CancelledError:  # by a plugin that has lost patience, and goes on with the caller
            with suppress(CallEnded, CtportdError):
                await self._return_to_caller()
            raise

    async def _return_to_caller(self) -> None:
        """Flash back; what is told of a far end from now on is told of the caller."""
        self._enquiring = False
        await self.dial("&")
        await self.clear()  # keys of whoever was asked

    async def wait_answer(self, within: float = 45.0) -> str:
        """After :meth:`~ctportd.calls.leg.Leg.dial`: wait until somebody answers, told by ear.

        Args:
            within: Seconds of the line to wait.

        Returns:
            ``answered``: a voice is heard, or it rings no more and there is no busy tone. ``busy``: busy tone, of one
            second or so a beat; in :meth:`try_transfer` a ctserver that tells of a hang-up means that, too. ``no
            answer``: none of these within the time.

        Raises:
            RequestFailed: This ctserver tells nothing of sound (``grunt_on``).
        """
        return await self.hear_answer(within, lambda: None)

    async def hear_answer(self, within: float, ringing: Callable[[], object]) -> str:
        """As :meth:`wait_answer`; ``ringing`` is told once when it is certain that it rings at the other end."""
        with self.timeline.during("listening", {}) as step:
            outcome = step["heard"] = await self._listen(within, ringing)
        return outcome

    async def _listen(self, within: float, ringing: Callable[[], object]) -> str:
        progress = CallProgress()
        deadline = self.clock.time() + within
        self._forget(Grunt)  # of an earlier wait: they say nothing of this one
        await self._request("grunt_on")
        try:
            while True:
                until = min(deadline, progress.silent_at or deadline)
                event = await self.next_event(Grunt, Hangup, LoopDrop, within=max(0.0, until - self.clock.time()))
                if event is None:
                    return NO_ANSWER if until == deadline else ANSWERED
                rang = progress.rings
                verdict = progress.heard(self.clock.time()) if isinstance(event, Grunt) else BUSY
                if verdict:
                    return verdict
                if progress.rings and not rang:
                    ringing()
        finally:
            await self._undo("grunt_off")

    async def wait_sound(self, within: float) -> bool:
        """Wait until the line is silent no more: ring-back, busy tone, a voice. Returns whether anything was heard.

        Raises:
            RequestFailed: As for :meth:`wait_answer`.
        """
        self._forget(Grunt)
        await self._request("grunt_on")
        try:
            return await self.next_event(Grunt, within=within) is not None
        finally:
            await self._undo("grunt_off")
