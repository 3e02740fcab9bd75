"""Which plugin answers a call: events of all ports become calls, and each goes to the handlers of its port."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.draining import Draining
from ctportd.calls.line import Line
from ctportd.calls.outgoing import BY_COMMAND
from ctportd.errors import CallRefused
from ctportd.wire.events import Pickup, Ring

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.calls.files import Prompts
    from ctportd.calls.outgoing import Order, OutgoingCall
    from ctportd.calls.routing import Company, Keep, Routing
    from ctportd.clock import Clock
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

HASTE = 1.0
"""Seconds that a plugin gets to put its things in order when the daemon is told twice to stop (our figure)."""

LAST_GRACE = 2.0
"""Seconds that a plugin gets after it was cancelled: one that heeds not even that is left behind (our figure)."""

_FOLLOWED = 100  # calls that we made, and of which can be told how far they have come (our figure)

log = structlog.stdlib.get_logger("ctportd.calls")


class Router:
    """All lines, and the calls on them.

    Args:
        prompts: Finds files to play.
        company: The plugins.
        keep: Who keeps what happened on each call.

    Attributes:
        drained: The ports that take no new calls.
    """

    def __init__(self, prompts: Prompts, company: Company, keep: Keep) -> None:
        self._prompts = prompts
        self._company = company
        self._keep = keep
        self._lines: dict[Port, Line] = {}
        self.drained = Draining()
        self._placed: deque[OutgoingCall] = deque(maxlen=_FOLLOWED)

    def add_port(self, port: Port, routing: Routing, clock: Clock) -> None:
        """Answer calls on this port from now on; ``clock`` is its line's time."""
        self._lines[port] = Line(
            port,
            routing,
            clock,
            self._prompts,
            self._company,
            self._lines,
            keep=self._keep,
            drained=self.drained,
        )

    def place(self, port: Port, order: Order) -> OutgoingCall:
        """Begin to make a call on a port. Raises CallRefused where none can be made on it now."""
        line = self._lines.get(port)
        if line is None:
            raise CallRefused(f"{port} cannot make a call: it is out of service; ctportd status shows the ports")
        placed = line.place(order)
        self._placed.append(placed)
        return placed

    def placed(self, call: str) -> OutgoingCall | None:
        """A call that was made lately, by its id."""
        return next((placed for placed in self._placed if placed.call.id == call), None)

    async def hang_up(self, port: Port) -> Call:
        """End the call on a port politely, as at a stop; returns it when the line is free.

        Raises:
            CallRefused: There is none.
        """
        call = self.call_on(port)
        if call is None:
            raise CallRefused(f"{port} has no call; ctportd status shows which port has one")
        call.end(BY_COMMAND, grace=0.0)
        await call.left.wait()
        return call

    def remove_port(self, port: Port) -> None:
        """Know nothing of this port any more; its connection is closed, and its call is over."""
        self._lines.pop(port).leave()

    def line(self, port: Port) -> Line:
        """The line of a port."""
        return self._lines[port]

    def speak_with(self, prompts: Prompts) -> None:
        """Have the next calls find their prompts here."""
        self._prompts = prompts
        for line in self._lines.values():
            line.next_prompts = prompts

    async def see_off(self, port: Port, within: float, grace: float) -> None:
        """Take no more calls on a port, and wait for the end of the one under way.

        Args:
            port: The port.
            within: Seconds after which that call is ended, politely.
            grace: Seconds that its plugin has then before it is cancelled.
        """
        line = self._lines[port]
        line.leave()
        never = asyncio.Event()
        if line.task is not None and await _wait([line.task], within, never):
            log.warning("a call is ended: its port is taken out of service", port=str(port))
            await self._end([line], grace, never)

    def call_on(self, port: Port) -> Call | None:
        """The call under way on a port; one that is out of service has none, whoever holds it still."""
        line = self._lines.get(port)
        return None if line is None else line.call

    async def wait_idle(self, port: Port) -> None:
        """Wait until there is no call on a port."""
        await self._lines[port].idle.wait()

    def begun_within(self, port: Port, seconds: float) -> int:
        """How many calls to a port began within so many seconds of the line."""
        line = self._lines[port]
        since = line.clock.time() - seconds
        return sum(began >= since for began in line.begun)

    def trouble_of(self, port: Port) -> str:
        """What is wrong with the line of a port, ``no dial tone`` or ``stuck``; empty where nothing is known to be."""
        return self._lines[port].health.problem

    def handlers_of(self, port: Port) -> list[str]:
        """Who is offered the calls of a port."""
        return self._lines[port].routing.handlers

    @property
    def calls(self) -> list[Call]:
        """The calls under way."""
        return [line.call for line in self._lines.values() if line.call is not None]

    def event(self, port: Port, event: Event) -> None:
        """Take an event of a port."""
        line = self._lines[port]
        if not isinstance(event, Ring | Pickup):
            line.event(event)
        elif isinstance(event, Ring):
            line.ring(event.count)
        else:
            line.picked_up()

    def connected(self, port: Port) -> None:
        """The connection of a port is there."""
        self._lines[port].connected()

    def lost(self, port: Port) -> None:
        """There is no connection of a port, be it gone or not to be had; its call is over."""
        self._lines[port].lost()

    async def drain(self, within: float, hurry: asyncio.Event) -> None:
        """Take no more calls, and let those under way come to their ends, for so many seconds or until ``hurry``."""
        for line in self._lines.values():
            line.closed = True
        await _wait(self._tasks, within, hurry)

    async def stop(self, within: float, hurry: asyncio.Event) -> None:
        """End all calls politely, and take no more.

        A plugin is told by :class:`~ctportd.errors.CallEnded` out of what it awaits, and has ``within`` seconds of
        the clock to put its things in order; in a hurry :data:`HASTE` must do. Then it is cancelled.
        """
        for line in self._lines.values():
            line.closed = True
        await self._end(list(self._lines.values()), within, hurry)

    @staticmethod
    async def _end(lines: list[Line], within: float, hurry: asyncio.Event) -> None:
        for line in lines:
            if line.call is not None:
                line.call.end("stopping", grace=0.0)
        late = await _wait([line.task for line in lines if line.task is not None], within, hurry)
        if hurry.is_set():
            late = await _wait(late, min(HASTE, within), asyncio.Event())
        for task in late:
            log.warning("a plugin did not end its call in time", task=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_GRACE)

    @property
    def _tasks(self) -> list[asyncio.Task[None]]:
        return [line.task for line in self._lines.values() if line.task is not None]


async def _wait(tasks: list[asyncio.Task[None]], within: float, hurry: asyncio.Event) -> list[asyncio.Task[None]]:
    """Wait until all are done, the time is up, or somebody hurries; returns those that are not done."""
    if tasks:
        done = asyncio.ensure_future(asyncio.wait(tasks))
        hurried = asyncio.ensure_future(hurry.wait())
        try:
            await asyncio.wait((done, hurried), timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()
            hurried.cancel()
    return [task for task in tasks if not task.done()]
