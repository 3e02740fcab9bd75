"""A caller: one for each line, who calls it again and again, each time with something else in mind."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ctportd.errors import PhoneError
from ctportd.phone.client import Phone
from ctportd.phone.happenings import Answered
from soak.manners import MANNERS, REST_AFTER_RINGING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from ctportd.phone.happenings import Happening
    from soak.ledger import Entry, Ledger

PATIENCE = 45.0
"""Seconds of the clock after which a caller whose call leads nowhere gives up."""

_BUSY_PAUSE = 0.5  # seconds of the clock before a line that did not answer is called again


class Caller:
    """Whoever calls one line.

    Args:
        line: The port.
        manners: What callers of this line may have in mind.
        url: The exchange.
        ledger: Where each call is entered.
        random: Decides what they do; its seed makes a run's calls again.
        pause: The longest pause between two calls, in seconds of the clock.

    Attributes:
        free: Set while there is no call.
    """

    def __init__(
        self, line: int, manners: Sequence[str], url: str, ledger: Ledger, *, random: Random, pause: float
    ) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self._line = line
        self._manners = manners
        self._url = url
        self._ledger = ledger
        self._random = random
        self._pause = pause

    async def run(self, may_call: asyncio.Event) -> None:
        """Call whenever it is allowed, until cancelled."""
        while True:
            await may_call.wait()
            entry = await self.call(self._random.choice(self._manners))
            await asyncio.sleep(self._rest_after(entry))

    def _rest_after(self, entry: Entry) -> float:
        if entry.answered_at:
            return self._random.uniform(0, self._pause)
        # the daemon takes the next ring for the last caller's until it has noticed that there is none
        return REST_AFTER_RINGING if entry.end == "done" else _BUSY_PAUSE

    async def call(self, manner: str) -> Entry:
        """Place one call."""
        self.free.clear()
        entry = self._ledger.offer(self._line, manner)
        phone: Phone | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                phone = await self._dial(entry)
                await MANNERS[manner](phone, entry, self._random)
                entry.end = "done"
        except PhoneError as problem:
            busy = phone is not None and phone.end is not None and phone.end.reason == "busy"
            entry.end = "busy" if busy else str(problem)
        except TimeoutError:
            entry.end = f"nothing happened for {PATIENCE:g} s"
        finally:
            if phone is not None:
                await phone.close()
            self._close(entry)
        return entry

    async def _dial(self, entry: Entry) -> Phone:
        def listen(happening: Happening) -> None:
            if isinstance(happening, Answered):
                entry.answered_at = time.time()

        return await Phone.dial(
            self._url, self._line, number=entry.caller, name="Soak Test", rings=None, listen=listen
        )

    def _close(self, entry: Entry) -> None:
        entry.ended_at = time.time()
        for spoken in entry.spoken:
            spoken.over = entry.ended_at
        self.free.set()
