"""The calls of one port, one at a time, each from its first ring to the moment the line is free again."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.call import Call
from ctportd.calls.called import Called, neighbour
from ctportd.calls.caller import Caller
from ctportd.calls.finding import find_caller, judged, name_called
from ctportd.calls.health import NO_DIAL_TONE, Health
from ctportd.calls.leg import handler_parts
from ctportd.calls.offering import offer
from ctportd.calls.outgoing import COLLISION, ENDED, OutgoingCall, make
from ctportd.calls.putdown import PutDown
from ctportd.errors import CallEnded, CallRefused
from ctportd.wire.events import CallerId, Dtmf, Hangup, LoopDrop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ctportd.calls.draining import Draining
    from ctportd.calls.files import Prompts
    from ctportd.calls.outgoing import Order
    from ctportd.calls.routing import Company, Handlers, Keep, Routing
    from ctportd.clock import Clock
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

LONGEST_NUMBER = 64
LONGEST_NAME = 128
"""Characters of what an exchange says of a caller that are kept, as the database does; real ones send 15 to 20."""

MOST_BEGUN = 1000
"""Calls whose beginnings are remembered: more than one line has in an hour."""

log = structlog.stdlib.get_logger("ctportd.calls")


class Line:
    """One port, its routing and its call.

    Attributes:
        port: The port.
        routing: How its next call is routed.
        prompts: What finds the prompts of the call under way.
        next_prompts: What finds those of the next one.
        call: The call under way, if there is one.
        begun: When the last calls began that were made to us, by the line's time.
        idle: Set while there is none.
        task: What runs it.
        closed: Whether no more calls are taken.
        health: What is known to be wrong with the line.
    """

    def __init__(
        self,
        port: Port,
        routing: Routing,
        clock: Clock,
        prompts: Prompts,
        company: Company,
        lines: Mapping[Port, Line],
        *,
        keep: Keep,
        drained: Draining,
    ) -> None:
        """``lines``: every line of the router, this one among them; ``drained``: which of them take no new calls."""
        self._lines = lines
        self._drained = drained
        self.health = Health(port, company.line_trouble)
        self.port = port
        self.routing = self._by = routing  # by which the call under way goes: it keeps what it began with
        self.clock = clock
        self.prompts = self.next_prompts = prompts
        self.call: Call | None = None
        self.begun: deque[float] = deque(maxlen=MOST_BEGUN)
        self.idle = asyncio.Event()
        self.idle.set()
        self.task: asyncio.Task[None] | None = None
        self._company = company
        self._keep = keep
        self.closed = False
        self._leaving = False
        self._context = (
            copy_context()
        )  # of no hook: a timer that is cancelled is kept, with its own, until it is due
        self._alarm: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._rang_again: float | None = None
        self._counts = False  # whether this ctserver counts the rings of a call: not each does
        self._lifted_again = False
        self._putting_down = PutDown(port, lambda: self.call is not None, self.health)

    @property
    def draining(self) -> bool:
        """Whether no new calls are taken, because somebody has said so; that under way goes on."""
        return self._drained.covers(self.port.address)

    @property
    def _handlers(self) -> Handlers:
        """The plugins of the call under way."""
        return self._company.crew_of(self.port)

    # -- what happens on the port

    def ring(self, count: int | None = None) -> None:
        """It rings: a call begins, or goes on ringing. ``count``: which ring of the call it is, if ctserver says so."""
        self.health.over()
        call = self.call
        if call is None and (self.closed or self.draining):
            return
        if call is not None and call.outgoing and (call.lent or not call.answered):
            self._rang_again = self.clock.time()  # both ends have taken the line: the caller goes first
            call.end(COLLISION, grace=0.0)
            return
        self._counts = self._counts or (count is not None and count > 1)
        call = call or self._begin(picked_up=False)
        if self._counts and count == 1 and call.rings and not call.answered:
            call.end("rings stopped")  # that caller has given up, and this is the next one
        if call.ended:
            self._rang_again = self.clock.time()  # the next caller is quicker than we are with the last one
        if call.ended or call.answered:
            return
        call.ring()
        self._disarm()
        self._alarm = self.clock.later(self._by.ring_timeout, self._rings_stopped)

    def picked_up(self) -> None:
        """A station's set was lifted: that is a call, unless it answers one."""
        if self.call is not None and self.call.outgoing and not self.call.ended:
            if not self.call.answered:
                self.call.mark_answered()
        elif self.closed or (self.draining and (self.call is None or self.call.ended)):
            return
        elif self.call is None:
            self._begin(picked_up=True)
        elif self.call.ended:
            self._lifted_again = True  # the next call is quicker than we are with the last one

    def event(self, event: Event) -> None:
        """Something happened in the call."""
        call = self.call
        over = isinstance(event, Hangup | LoopDrop)
        if over:
            self._lifted_again = False
        if call is None:
            if over:  # a call that nobody told us of, or whose line we could not reach
                self._putting_down.begin()
            return
        match event:
            case Hangup() | LoopDrop():
                call.far_end_gone(event)
            case CallerId():
                call.identify(Caller(event.number[:LONGEST_NUMBER], event.caller_name[:LONGEST_NAME]))
            case Dtmf():
                call.key(event.key)
            case _:
                call.take(event)

    def connected(self) -> None:
        """The connection is there again: a line that could not be put on hook is put there now."""
        self.health.back()
        self._putting_down.if_needed()

    def lost(self) -> None:
        """There is no connection, and so no call."""
        if not self.closed:
            self.health.lost(self.clock)
        if self.call is not None:
            self.call.end("disconnected")

    def _rings_stopped(self) -> None:
        if self.call is not None and not self.call.answered:
            self.call.end("rings stopped")

    def _too_long(self) -> None:
        if self.call is not None:
            log.warning(
                "a call is ended: it has reached the port's call_limit", port=str(self.port), call=self.call.id
            )
            self.call.end("too long")

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def leave(self) -> None:
        """Take no more calls, not even for those on other lines: the port is taken out of service."""
        self.closed = self._leaving = True
        self.health.forget()

    # -- a call from its first ring to its end

    def _renew(self) -> None:
        """Go by what is configured now."""
        self._by, self.prompts = self.routing, self.next_prompts

    def _begin(self, *, picked_up: bool) -> Call:
        self._renew()
        call = Call(self.port, self)
        self._company.begin(self.port)
        if picked_up:
            call.note("set lifted")
        self.call = call
        self.begun.append(self.clock.time())
        self.idle.clear()
        self.task = asyncio.create_task(self._run(call, picked_up=picked_up), name=str(call))
        return call

    async def _run(self, call: Call, *, picked_up: bool) -> None:
        with structlog.contextvars.bound_contextvars(port=str(self.port), call=call.id):
            try:
                await find_caller(call, self._handlers, ask_line=self._by.caller_id and not picked_up)
                self._handlers.call_started(call)
                log.info("call", caller=str(call.caller), rings=call.rings, **judged(call.verdict))
                with suppress(CallEnded):
                    call.check()
                    if picked_up:
                        call.mark_answered()
                    await offer(call, self._by.handlers, self._give)
            finally:
                await self._release(call)

    async def _release(self, call: Call) -> None:
        self._disarm()
        call.end("finished")
        for timer in (self._deadline, self._limit):
            if timer is not None:
                timer.cancel()
        self._deadline = self._limit = None
        try:
            await call.release()
        finally:
            self._putting_down.needed = call.off_hook
            self.call = self.task = None
            self.idle.set()
            call.left.set()
            if not call.lent:
                self._handlers.call_ended(call)
                self._keep(call.id, call.timeline.close(lambda late: self._keep(call.id, late)))
            self._company.end(self.port)
            log.info("call ended", reason=call.end_reason, answered=call.answered)
            self._putting_down.if_needed()  # it was refused, or the connection came back meanwhile
            self._take_next()

    def _take_next(self) -> None:
        """Begin the call that rang while the last one was put down, unless its caller has given up since."""
        rang, self._rang_again = self._rang_again, None
        lifted, self._lifted_again = self._lifted_again, False
        if self.draining:
            return
        if lifted:
            self.picked_up()
        elif rang is not None and self.clock.time() - rang < self.routing.ring_timeout:
            self.ring()

    def _give_up(self, task: asyncio.Task[None]) -> None:
        log.error(
            "a plugin does not come to an end, though its call is over: it is cancelled", task=task.get_name()
        )
        task.cancel()

    # -- a call that we make

    def place(self, order: Order) -> OutgoingCall:
        """Begin to make a call.

        Raises:
            CallRefused: None can be made on this line now.
        """
        problem = self._in_the_way()
        if problem:
            raise CallRefused(f"{self.port} cannot make a call: {problem}")
        self._renew()
        call = Call(self.port, self, outgoing=True)
        self._company.begin(self.port)
        self.call = call
        self.idle.clear()
        placed = OutgoingCall(call, order)
        # whatever becomes of the plugin that has asked for it
        self.task = asyncio.create_task(self._run_placed(placed), name=str(call), context=Context())
        return placed

    def _in_the_way(self) -> str:
        """Why no call can be made, and what to do; empty where one can."""
        here = self.port.address
        problems = (
            (self._leaving, "the configuration has it no more, or another way; ctportd status shows the ports"),
            (self.closed, "the daemon is stopping"),
            (not self.port.connected, "its ctserver cannot be reached; ctportd status tells of it"),
            (self.draining, f"it takes no new calls; ctportd drain --off {here} changes that"),
            (self.call is not None, f"it has {self.call} already; wait for its end, or ctportd hangup {here}"),
            (
                self.port.dialect == "classic",
                "the classic dialect of its ctserver does not tell whether anybody answers; use the keyed one",
            ),
        )
        return next((problem for there, problem in problems if there), "")

    async def _run_placed(self, placed: OutgoingCall) -> None:
        call = placed.call
        with structlog.contextvars.bound_contextvars(port=str(self.port), call=call.id):
            try:
                await name_called(call, placed.order.number, self._handlers)
                self._handlers.call_started(call)
                log.info("calling", called=str(call.caller), handler=placed.order.handler)
                with suppress(CallEnded):
                    await make(placed, self._give)
                if self.port.kind == "station" and not call.answered:
                    await call.stop_ringing()
            finally:
                await self._release(call)
                placed.settle("failed", call.end_reason)
                placed.tell(ENDED, call.end_reason)

    # -- a call that is made for another one

    def lend(self, home: Line) -> Call | None:
        """Begin a call on this line for the one on another; None: it has one already, or takes no new ones.

        What is under way on a line that is drained goes on, on others that are, too.
        """
        if self.call is not None or self._leaving or (self.draining and not home.draining):
            return None
        self._renew()
        call = Call(self.port, Called(self, home), outgoing=True, lent=True)
        self._company.begin(self.port, home.port)
        if home.call is not None:
            call.identify(home.call.caller)
            call.language = home.call.language
        self.call = call
        self.idle.clear()
        # whatever becomes of the plugin that has asked for it
        self.task = asyncio.create_task(self._hold(call), name=str(call), context=Context())
        return call

    async def _hold(self, call: Call) -> None:
        with structlog.contextvars.bound_contextvars(port=str(self.port), call=call.id):
            try:
                await call.wait_ended()
                if self.port.kind == "station" and not call.answered:
                    await call.stop_ringing()
            finally:
                await self._release(call)

    # -- ctportd.calls.desk.Desk

    def take(self, address: str, kind: str) -> Call | None:
        """Begin a call on another line for the one on this; None: there is one already."""
        return self._lines[neighbour(self.port, address, kind, self._lines)].lend(self)

    def dialled(self, number: str) -> None:
        """A number was dialled on the call, or for it."""
        if self.call is not None:
            self._handlers.number_dialled(self.call, number)

    def dial_tone(self, *, heard: bool) -> None:
        """The line has dial tone, or has none."""
        if heard:
            self.health.over(NO_DIAL_TONE)
        else:
            self.health.found(NO_DIAL_TONE)

    def answered(self) -> None:
        """The call was answered."""
        if self.call is not None:
            if self._by.call_limit is not None:
                self._limit = self.clock.later(self._by.call_limit, self._too_long, self._context)
            self._handlers.call_answered(self.call)

    def ended(self) -> None:
        """The call is over: its plugin has some time to put its things in order."""
        if self.task is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._by.end_timeout, self._give_up, self.task, context=self._context)

    async def hand_over(self, handler: str) -> None:
        """Let a plugin have the call until it is done with it."""
        if self.call is not None:
            self.call.note("handed over", handler=handler)
            await self._give(self.call, handler)
            self.call.note("came back", handler=handler)

    async def _give(self, call: Call, handler: str) -> None:
        plugin, target = handler_parts(handler)
        before, call.handler = call.handler, handler
        try:
            await self._handlers.answer_call(plugin, call, target)
        finally:
            call.handler = before
