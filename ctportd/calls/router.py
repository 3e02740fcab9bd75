"""Which plugin answers a call.

One call at a time on a port. It begins with a ring (or a set that is picked up), caller ID is taken from between the
rings, and then the port's handlers are offered the call in their order. Who returns without having answered has let
it pass.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import structlog

from ctportd.calls.call import Call, handler_parts
from ctportd.calls.caller import Caller
from ctportd.errors import CallEnded, CtportdError, LinkError
from ctportd.wire.events import CallerId, Dtmf, Hangup, LoopDrop, Pickup, Ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.calls.files import Prompts
    from ctportd.clock import Clock
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

CID_WAIT = 3.0
"""Seconds of the line to wait for the ``cid`` event after it was asked for (our figure: decoding takes no time)."""

APOLOGY = "error"
"""The prompt that a caller hears whose plugin has failed."""

log = structlog.stdlib.get_logger("ctportd.calls")


class Handlers(Protocol):
    """The plugins, as the router sees them. The calls that only tell never wait and never raise."""

    def call_started(self, call: Call) -> None:
        """A call has begun, and who calls is known as far as it will be."""

    def call_answered(self, call: Call) -> None:
        """It was answered."""

    def call_ended(self, call: Call) -> None:
        """It is over."""

    async def caller_name(self, number: str) -> str:
        """The name that a plugin knows for a number; empty where none does."""

    async def answer_call(self, plugin: str, call: Call, target: str) -> None:
        """Let a plugin have the call. Raises CallEnded, CtportdError, or whatever the plugin raises."""


class Routing:
    """How calls on a port are routed.

    Attributes:
        handlers: Who is offered a call, in order, such as ``auto_attendant`` or ``voicemail:100``.
        caller_id: Whether to take caller ID from between the first two rings.
        ring_timeout: Seconds without a ring after which the caller has given up.
    """

    def __init__(self, handlers: Sequence[str], *, caller_id: bool = True, ring_timeout: float = 8.0) -> None:
        self.handlers = list(handlers)
        self.caller_id = caller_id
        self.ring_timeout = ring_timeout


class _Line:
    """A port's call, its task, and the alarm for rings that stop."""

    def __init__(self, port: Port, routing: Routing) -> None:
        self.port = port
        self.routing = routing
        self.call: Call | None = None
        self.task: asyncio.Task[None] | None = None
        self.alarm: asyncio.TimerHandle | None = None
        self.rang_again = False

    def disarm(self) -> None:
        """Rings matter no more."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None


class Router:
    """Makes calls out of events, and gives each to the plugin that wants it."""

    def __init__(self, clock: Clock, prompts: Prompts, handlers: Handlers) -> None:
        self.clock = clock
        self.prompts = prompts
        self._handlers = handlers
        self._lines: dict[int, _Line] = {}
        self._stopping = False

    def add_port(self, port: Port, routing: Routing) -> None:
        """Answer calls on this port from now on."""
        self._lines[port.number] = _Line(port, routing)

    def call_on(self, port: int) -> Call | None:
        """The call under way on a port."""
        return self._lines[port].call

    def handlers_of(self, port: int) -> list[str]:
        """Who is offered the calls of a port."""
        return self._lines[port].routing.handlers

    @property
    def calls(self) -> list[Call]:
        """The calls under way."""
        return [line.call for line in self._lines.values() if line.call is not None]

    # -- events

    def event(self, event: Event) -> None:
        """Take an event of a port."""
        line = self._lines[event.port]
        if isinstance(event, Ring):
            self._ring(line)
        elif isinstance(event, Pickup):
            if line.call is None:
                self._begin(line, picked_up=True)
        elif line.call is not None:
            self._tell(line.call, event)

    def lost(self, port: int) -> None:
        """The connection of a port is gone, and its call with it."""
        call = self._lines[port].call
        if call is not None:
            call.end("disconnected")

    @staticmethod
    def _tell(call: Call, event: Event) -> None:
        match event:
            case Hangup() | LoopDrop():
                call.end(event.name)
            case CallerId():
                call.identify(Caller(event.number, event.caller_name))
            case Dtmf():
                call.key()

    def _ring(self, line: _Line) -> None:
        if line.call is None:
            self._begin(line, picked_up=False)
        call = line.call
        if call is None:
            return
        if call.ended:
            line.rang_again = True  # the next caller is quicker than we are with the last one
        if call.ended or call.answered:
            return
        call.ring()
        line.disarm()
        line.alarm = self.clock.later(line.routing.ring_timeout, lambda: self._rings_stopped(line))

    @staticmethod
    def _rings_stopped(line: _Line) -> None:
        if line.call is not None and not line.call.answered:
            line.call.end("rings stopped")

    def _begin(self, line: _Line, *, picked_up: bool) -> None:
        if self._stopping:
            return
        call = Call(line.port, self)
        line.call = call
        line.task = asyncio.create_task(self._run(line, call, picked_up=picked_up), name=str(call))

    # -- a call from its first ring to its end

    async def _run(self, line: _Line, call: Call, *, picked_up: bool) -> None:
        with structlog.contextvars.bound_contextvars(port=line.port.number, call=call.id):
            try:
                with suppress(CallEnded):
                    if line.routing.caller_id and not picked_up:
                        await self._identify(call)
                self._handlers.call_started(call)
                log.info("call", caller=str(call.caller), rings=call.rings)
                with suppress(CallEnded):
                    call.check()
                    if picked_up:
                        call.mark_answered()
                    await self._offer(line, call)
            finally:
                await self._release(line, call)

    async def _identify(self, call: Call) -> None:
        """Caller ID comes between the first and the second ring: listen after the one, read after the other."""
        try:
            await call.port.listen_for_cid()
            await call.wait_rings(2)
            await call.port.read_cid()
            async with self.clock.timeout(CID_WAIT):
                await call.wait_caller()
        except TimeoutError:
            log.info("no caller ID came")
        except LinkError as error:
            log.warning("cannot read caller ID", error=str(error))
        known = await self._handlers.caller_name(call.caller.number) if call.caller.number else ""
        if known:
            call.identify(Caller(call.caller.number, known))

    async def _offer(self, line: _Line, call: Call) -> None:
        for handler in line.routing.handlers:
            await self._let_answer(call, handler)
            if call.answered:
                await call.hangup()
                return
        log.info("nobody answers this call", handlers=line.routing.handlers)
        await call.wait_ended()

    async def _let_answer(self, call: Call, handler: str) -> None:
        """Offer the call to one plugin. One that fails before it answered has let the call pass."""
        try:
            await self.hand_over(call, handler)
        except CallEnded:
            raise
        except LinkError as error:
            log.warning("the call was cut", handler=handler, error=str(error))
            call.end("disconnected" if not call.port.connected else "failed")
            raise CallEnded(call.end_reason) from error
        except Exception:
            log.exception("a plugin failed on a call", handler=handler)
            if call.answered:
                await self._apologise(call)

    async def _apologise(self, call: Call) -> None:
        """A caller whose plugin failed hears so; the line is never left off hook."""
        try:
            await call.play(APOLOGY, ignore_keys=True)
        except CtportdError as error:
            log.warning("cannot apologise to the caller", error=str(error))
        call.end("failed")
        call.check()

    async def _release(self, line: _Line, call: Call) -> None:
        line.disarm()
        call.end("finished")
        try:
            await call.release()
        except LinkError as error:
            log.warning("cannot put the line on hook", error=str(error))
        finally:
            line.call = line.task = None
            if line.rang_again:
                line.rang_again = False
                self._ring(line)
            self._handlers.call_ended(call)
            log.info("call ended", reason=call.end_reason, answered=call.answered)

    # -- the desk of its calls

    def answered(self, call: Call) -> None:
        """A call was answered."""
        self._handlers.call_answered(call)

    async def hand_over(self, call: Call, handler: str) -> None:
        """Let a plugin have the call until it is done with it."""
        plugin, target = handler_parts(handler)
        await self._handlers.answer_call(plugin, call, target)

    # -- the end

    async def stop(self, within: float) -> None:
        """End all calls politely, and take no more.

        A plugin is told by :class:`~ctportd.errors.CallEnded` out of what it awaits, and has ``within`` seconds
        of the clock to put its things in order; then it is cancelled.
        """
        self._stopping = True
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for call in self.calls:
            call.end("stopping", grace=0.0)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=within)
        for task in late:
            log.warning("a plugin did not end its call in time", task=task.get_name())
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
