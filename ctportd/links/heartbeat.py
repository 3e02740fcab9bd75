"""Whether a ctserver still answers: a connection may stand for days on a process, or a machine, that is dead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import LinkError, RequestTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.links.manager import Manager


class Heartbeat:
    """Asks a ctserver for its version again and again; one that does not answer is taken for dead.

    Args:
        manager: Its manager connection, which answers whatever its ports do.
        interval: Seconds between an answer and the next question.
        patience: Seconds in which it must answer.
        dead: Called with the reason when it does not; then questions go on.

    Attributes:
        missed: How often it did not answer.
    """

    def __init__(self, manager: Manager, interval: float, patience: float, dead: Callable[[str], None]) -> None:
        self.missed = 0
        self._manager = manager
        self._interval = interval
        self._patience = patience
        self._dead = dead

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._manager.wait_connected()
            await asyncio.sleep(self._interval)
            if self._manager.connected and not await self._answers():
                self.missed += 1
                self._dead(f"no answer within {self._patience:g} s")

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                await self._manager.server_version()
        except (TimeoutError, RequestTimedOut):
            return False
        except LinkError:
            return True  # it refuses, which is an answer too, or the connection is lost, which tells of itself
        return True
