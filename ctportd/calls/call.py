"""A call, as a plugin holds it: from the ring to the hang-up, everything awaited.

A plugin reads from top to bottom. When the far end is gone, whatever it awaits raises
:class:`~ctportd.errors.CallEnded`, and the plugin puts its things in order in ``finally``.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog

from ctportd.calls import recordings, speech
from ctportd.calls.leg import Leg
from ctportd.calls.progress import NO_ANSWER, CallProgress
from ctportd.errors import LinkError
from ctportd.wire.events import Grunt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from datetime import date, time, timedelta
    from decimal import Decimal
    from pathlib import Path

    from ctportd.calls.caller import Recording

FLASH_PAUSE = ","
"""Between a hook flash and the number: one second in which the exchange brings its dial tone."""

log = structlog.stdlib.get_logger("ctportd.call")


class Call(Leg):
    """One call on one port, with what people build of its requests.

    What is played may be cut short by a key, which waits to be collected; each method that plays returns the keys that
    wait, as :meth:`~ctportd.calls.leg.Leg.play` does.
    """

    # -- speaking

    async def say_number(self, value: int) -> str:
        """Say any whole number."""
        return await self.play(*speech.number(value))

    async def say_digits(self, text: str) -> str:
        """Say letters and digits one by one. Raises InvalidArgument for a character that cannot be said."""
        return await self.play(*speech.digits(text))

    async def say_date(self, value: date, today: date | None = None) -> str:
        """Say a date; with ``today``, yesterday, today and tomorrow are called so."""
        return await self.play(*speech.day(value, today))

    async def say_time(self, value: time, *, hours24: bool = False) -> str:
        """Say a time of day."""
        return await self.play(*speech.clock(value, hours24=hours24))

    async def say_money(self, amount: Decimal | int | str, currency: str = "USD") -> str:
        """Say an amount of USD, EUR or GBP. Raises InvalidArgument for another currency, or what is no number."""
        return await self.play(*speech.money(amount, currency))

    async def say_duration(self, value: timedelta | float) -> str:
        """Say how long something lasted; a number is seconds."""
        return await self.play(*speech.duration(value))

    # -- asking

    async def ask(
        self,
        *prompts: str,
        digits: int,
        accept: Callable[[str], bool] = bool,
        first: int = 6,
        between: int = 3,
        tries: int = 3,
        invalid: str = "invalid-key",
        no_key: str = "no-key",
        secret: bool = False,
    ) -> str:
        """Play prompts and collect keys, again if need be.

        Args:
            prompts: What is asked.
            digits: How many keys at most.
            accept: Whether an answer will do; by default any key does.
            first: Seconds to wait for the first key.
            between: Seconds to wait for each further one.
            tries: How often it is asked, all in all.
            invalid: The prompt after an answer that will not do; empty for none.
            no_key: The prompt after no answer; empty for none.
            secret: Whether the answer may be a PIN: see :meth:`~ctportd.calls.leg.Leg.secret`.

        Returns:
            The answer; empty when none that would do was given.
        """
        with self.secret() if secret else nullcontext():
            for _ in range(tries):
                await self.play(*prompts)
                answer = await self.collect(digits, first, between)
                if answer and accept(answer):
                    return answer
                await self.play(invalid if answer else no_key)
        return ""

    async def menu(self, *prompts: str, keys: Collection[str], first: int = 6, tries: int = 3) -> str:
        """Play a menu until one of its keys is pressed.

        Args:
            prompts: The menu.
            keys: What may be chosen: single keys.
            first: Seconds to wait for a key after the prompt.
            tries: How often the menu is played, all in all.

        Returns:
            The key; empty when none of the menu's was pressed.
        """
        return await self.ask(*prompts, digits=1, accept=lambda key: key in keys, first=first, tries=tries)

    async def record_reviewed(
        self,
        path: str | Path,
        *,
        limit: int = 180,
        silence: int = 0,
        prompt: str = "beep",
        review: str = "vm-review",
    ) -> Recording:
        """Record, and let the caller keep it (1), hear it (2) or speak it again (3).

        Who presses none of these, or hangs up, keeps what was recorded: then ``CallEnded`` is raised by what comes
        next, and the file is there.

        Args:
            path: As for :meth:`~ctportd.calls.leg.Leg.record`; speaking again replaces what this has recorded there.
            limit: The longest that it may take, in seconds.
            silence: Seconds of silence that end it (0: none do).
            prompt: Played before each recording.
            review: The prompt that tells the keys.
        """
        recording: Recording | None = None
        while True:
            await self.play(prompt, ignore_keys=True)
            if recording is not None:  # not before: who hangs up until then keeps what was recorded
                await recordings.discard(recording.path)  # for ctserver writes over nothing
            recording = await self.record(path, limit=limit, silence=silence)
            if self.ended:
                return recording
            key = await self.menu(review, keys="123")
            while key == "2":
                await self.play(str(recording.path))
                key = await self.menu(review, keys="123")
            if key != "3":
                return recording

    # -- other telephones

    async def transfer(self, number: str) -> None:
        """Give the call to another number of the exchange: hook flash, number, on hook."""
        self.note("transfer", number=number)
        await self.dial(f"&{FLASH_PAUSE}{number}")
        await self.hangup()

    async def wait_answer(self, within: float = 45.0) -> str:
        """After :meth:`~ctportd.calls.leg.Leg.dial`: wait until somebody answers, told by ear.

        Args:
            within: Seconds of the line to wait.

        Returns:
            ``answered``: a voice is heard. ``busy``: busy tone, of one second or so a beat. ``no answer``: neither
            within the time.

        Raises:
            RequestFailed: This ctserver tells nothing of sound (``grunt_on``).
        """
        with self.timeline.during("listening", {}) as step:
            step["heard"] = await self._listen(within)
        return str(step["heard"])

    async def _listen(self, within: float) -> str:
        progress = CallProgress()
        deadline = self.clock.time() + within
        await self._request("grunt_on")
        try:
            while await self.next_event(Grunt, within=max(0.0, deadline - self.clock.time())):
                verdict = progress.heard(self.clock.time())
                if verdict:
                    return verdict
            return NO_ANSWER
        finally:
            await self._undo("grunt_off")

    @asynccontextmanager
    async def bridged(self, port: int) -> AsyncIterator[None]:
        """Connect the call with another port, as long as the block lasts: the two hear each other."""
        await self._request("bridge", port)
        try:
            with self.timeline.during("bridged", {"port": port}):
                yield
        finally:
            await self._undo("unbridge", port)

    @asynccontextmanager
    async def in_conference(self, port: int) -> AsyncIterator[None]:
        """Take part in the conference of a port, as long as the block lasts."""
        await self._request("join_conference", port)
        try:
            with self.timeline.during("in conference", {"port": port}):
                yield
        finally:
            await self._undo("leave_conference", port)

    async def send(self, port: int, *words: str) -> None:
        """Send a message of one to nine words to the call on another port, which gets it from ``next_event``."""
        await self._request("send_event", port, *words)

    @asynccontextmanager
    async def timer(self, seconds: int) -> AsyncIterator[None]:
        """Run the port's timer in the block: when it runs out, ``next_event`` gets a ``TimerExpired``.

        It cuts short whatever request is under way, so a prompt or a recording ends with it.
        """
        await self._request("start_timer", seconds)
        try:
            yield
        finally:
            await self._undo("stop_timer")

    async def _undo(self, name: str, *values: object) -> None:
        """End what a block began, also when the call is over; a connection that is gone has ended it already."""
        try:
            await self.port.request(name, *values)
        except LinkError as error:
            log.info("not undone", request=name, error=str(error))
