"""Tells systemd, again and again, that the daemon is well, and what it does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

import structlog

from ctportd.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.control.server import ControlServer
    from ctportd.systemd import Systemd

STEP = 5.0
"""Seconds between two looks, at most (our figure)."""

log = structlog.stdlib.get_logger("ctportd")


class KeepAlive:
    """The signs of life that systemd's watchdog expects, while the daemon is well.

    It is well if its event loop turns, without which nothing of this runs, and if its control socket takes
    connections, without which nobody could operate it; one that is gone is made again first.

    Args:
        systemd: Who is told.
        control: The control interface.
        state: What the daemon does, in one line.
    """

    def __init__(self, systemd: Systemd, control: ControlServer, state: Callable[[], str]) -> None:
        self._systemd = systemd
        self._control = control
        self._state = state
        self._well = True
        within = systemd.watchdog / 2  # as sd_watchdog_enabled(3) recommends
        self._step = min(STEP, within) if within else STEP

    async def run(self) -> NoReturn:
        """Go on for ever; where nobody is to be told, there is nothing to do."""
        if not self._systemd.listens:
            await asyncio.Event().wait()
        while True:
            await self.look()
            await asyncio.sleep(self._step)

    async def look(self) -> None:
        """Look once, and tell."""
        self._systemd.status(self._state())
        try:
            async with asyncio.timeout(self._step):
                await self._control.look_after()
        except (ControlError, OSError) as error:  # TimeoutError is one, and so is that no descriptor is left
            if self._well:
                log.error("the control socket takes no connections: systemd is told of no life", error=str(error))  # noqa: TRY400
            self._well = False
        else:
            self._well = True
            if self._systemd.watchdog:
                self._systemd.alive()
