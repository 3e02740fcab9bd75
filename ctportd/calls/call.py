"""A call, as a plugin holds it: from the ring to the hang-up, everything awaited.

A plugin reads from top to bottom. When the far end is gone, whatever it awaits raises
:class:`~ctportd.errors.CallEnded`, and the plugin puts its things in order in ``finally``.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from ctportd.calls import recordings, speech
from ctportd.calls.stations import Stations
from ctportd.calls.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date, time, timedelta
    from decimal import Decimal
    from pathlib import Path

    from ctportd.calls.caller import Recording


class Call(Transfers, Stations):
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

    async def keyed_in(self, most: int, *, wait: int = 6, cancel: str = "") -> str:
        """Collect keys until ``#``, or until no more come, as a number is keyed in.

        Args:
            most: How many count. Those after them are taken, too: they answer nothing that is asked next.
            wait: Seconds to wait for each.
            cancel: The key that ends it at once, and is all that is returned then; empty: none does.
        """
        keys = ""
        while (key := await self.collect(1, first=wait)) and key != "#":
            if key == cancel:
                return cancel
            keys += key
        return keys[:most]

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
