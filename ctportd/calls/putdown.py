"""Puts a line without a call on hook, however often that is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.health import STUCK
from ctportd.errors import Disconnected, LinkError, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.calls.health import Health
    from ctportd.links.port import Port

PUT_DOWN_AGAIN = 5.0
"""Seconds after which a line is put down again whose ctserver has refused to (our figure)."""

log = structlog.stdlib.get_logger("ctportd.calls")


class PutDown:
    """Sees to it that one line is on hook while it has no call.

    Attributes:
        needed: Whether the line may be off hook, though nothing could be done about that yet.
    """

    def __init__(self, port: Port, in_call: Callable[[], bool], health: Health) -> None:
        """``in_call`` tells whether the line has a call; ``health`` is told when it is stuck."""
        self.needed = False
        self._port = port
        self._in_call = in_call
        self._health = health
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Put it on hook, until that has succeeded. Once at a time, however often it is told."""
        if self._task is None or self._task.done():
            self.needed = False
            self._task = asyncio.create_task(self._put_down())

    def if_needed(self) -> None:
        """Try again, if there is a reason to and nothing in the way."""
        if self.needed and not self._in_call() and self._port.connected:
            self.begin()

    async def _put_down(self) -> None:
        try:
            await self._port.on_hook()
        except LinkError as error:
            self.needed = True
            log.warning("the line may not be free", port=str(self._port), error=str(error))
            if not isinstance(error, Disconnected):
                self._health.found(STUCK)
            if isinstance(error, RequestFailed):
                self._again = asyncio.get_running_loop().call_later(PUT_DOWN_AGAIN, self.if_needed)
            elif not self._in_call():
                self._port.reconnect()  # it stands and is of no use; the next one begins with putting the line down
        else:
            self._health.over(STUCK)
