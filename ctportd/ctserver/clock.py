"""The one clock of all lines: a tick every 20 ms of line time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.ctserver.g711 import FRAMES_A_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

_LATE = 0.020
"""Seconds after its time from which a tick is late: a frame's length, which a telephone's buffer hides."""

_LOST = 1.0
"""Seconds behind after which the clock does not catch up: the machine slept, or cannot keep this pace."""


class LineClock:
    """Calls ``tick`` every 20 ms of line time, at fixed times: what is late is caught up, nothing drifts.

    Attributes:
        ticks: How often it has called.
        late: How many of these calls were 20 ms of real time late, or more.
        lost: Seconds of real time that were given up, for the clock was too far behind.
    """

    def __init__(self, tick: Callable[[], None], speed: float = 1.0) -> None:
        """``speed``: seconds of the line in one real second."""
        self._tick = tick
        self._period = 1 / (FRAMES_A_SECOND * speed)
        self.ticks = 0
        self.late = 0
        self.lost = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._period
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            behind = loop.time() - due
            if behind > _LOST:
                self.lost += behind
                due += behind
            while due <= loop.time():
                self._one(loop.time() - due)
                due += self._period
                # what the tick woke runs before the next one, however far behind the clock is
                await asyncio.sleep(0)

    def _one(self, behind: float) -> None:
        self.ticks += 1
        if behind >= _LATE:
            self.late += 1
        self._tick()
