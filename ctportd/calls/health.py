"""What is known to be wrong with one line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ctportd.clock import Clock
    from ctportd.links.port import Port

NO_DIAL_TONE = "no dial tone"
"""The exchange gave none when it was waited for: the line is dead, or unplugged."""

STUCK = "stuck"
"""Ctserver does not put the line on hook: whoever calls hears busy tone."""

UNREACHED = "disconnected"
"""Ctserver has not been reached for :data:`LOST_FOR` seconds: nobody answers the line."""

LOST_FOR = 60.0
"""Seconds without a connection before that is told: a ctserver that is started again is back sooner (our figure)."""

log = structlog.stdlib.get_logger("ctportd.calls")


class Health:
    """What is wrong with a line, and who is told when that changes.

    Args:
        port: The line's port.
        tell: Told the port and the problem; an empty one when there is none any more.

    Attributes:
        problem: What is wrong, such as ``no dial tone``; empty where nothing is known to be.
    """

    def __init__(self, port: Port, tell: Callable[[Port, str], None]) -> None:
        self.problem = ""
        self._lost: asyncio.TimerHandle | None = None
        self._port = port
        self._tell = tell

    def lost(self, clock: Clock) -> None:
        """There is no connection: that is a problem if it stays so."""
        if self._lost is None:
            self._lost = clock.later(LOST_FOR, partial(self.found, UNREACHED))

    def back(self) -> None:
        """There is one again."""
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None
        self.over(UNREACHED)

    def forget(self) -> None:
        """The line is no more: what is wrong with it is nobody's business."""
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None

    def found(self, problem: str) -> None:
        """Something is wrong; it is told once."""
        if problem != self.problem:
            self.problem = problem
            log.error("a line is in trouble", port=str(self._port), problem=problem)
            self._tell(self._port, problem)

    def over(self, problem: str = "") -> None:
        """A problem is over, or, where none is named, whatever there was."""
        if self.problem and problem in ("", self.problem):
            log.warning("a line is well again", port=str(self._port), problem=self.problem)
            self.problem = ""
            self._tell(self._port, "")
