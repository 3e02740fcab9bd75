"""Calls that work together: they hear each other, and send each other messages."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.leg import Leg
from ctportd.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = structlog.stdlib.get_logger("ctportd.call")


class Joined(Leg):
    """What a call does together with those on other ports, and what it begins and has to end."""

    @asynccontextmanager
    async def tone(self, name: str) -> AsyncIterator[None]:
        """Play a tone as long as the block lasts: ``dial``, ``dialx`` (which stutters), ``ringback`` or ``busy``."""
        await self._request("play_tone", name)
        try:
            yield
        finally:
            await self._undo("stop_tone")

    @asynccontextmanager
    async def bridged(self, port: int) -> AsyncIterator[None]:
        """Connect the call with another port, as long as the block lasts: the two hear each other."""
        await self._request("bridge", port)
        try:
            with self.secret(), self.timeline.during("bridged", {"port": port}):  # keys are for the far end
                yield
        finally:
            await self._undo("unbridge", port)

    @asynccontextmanager
    async def in_conference(self, port: int) -> AsyncIterator[None]:
        """Take part in the conference of a port, as long as the block lasts."""
        await self._request("join_conference", port)
        try:
            with self.secret(), self.timeline.during("in conference", {"port": port}):
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
