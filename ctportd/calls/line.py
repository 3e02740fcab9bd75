"""The calls of one port, one at a time, each from its first ring to the moment the line is free again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.calls.call import Call
from ctportd.calls.caller import Caller
from ctportd.calls.leg import handler_parts
from ctportd.errors import CallEnded, CtportdError, LinkError, PluginError, RequestFailed
from ctportd.wire.events import CallerId, Dtmf, Hangup, LoopDrop

if TYPE_CHECKING:
    from ctportd.calls.files import Prompts
    from ctportd.calls.routing import Handlers, Keep, Routing
    from ctportd.calls.verdict import Verdict
    from ctportd.clock import Clock
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

CID_WAIT = 3.0
"""Seconds of the line to wait for the ``cid`` event after it was asked for (our figure: decoding takes no time)."""

LONGEST_NUMBER = 64
LONGEST_NAME = 128
"""Characters of what an exchange says of a caller that are kept, as the database does; real ones send 15 to 20."""

PUT_DOWN_AGAIN = 5.0
"""Seconds after which a line is put down again whose ctserver has refused to (our figure)."""

APOLOGY = "error"
"""The prompt that a caller hears whose plugin has failed."""

log = structlog.stdlib.get_logger("ctportd.calls")


class Line:
    """One port, its routing and its call.

    Attributes:
        port: The port.
        routing: How its calls are routed.
        call: The call under way, if there is one.
        idle: Set while there is none.
        task: What runs it.
        closed: Whether no more calls are taken.
    """

    def __init__(
        self, port: Port, routing: Routing, clock: Clock, prompts: Prompts, handlers: Handlers, *, keep: Keep
    ) -> None:
        self.port = port
        self.routing = routing
        self.clock = clock
        self.prompts = prompts
        self.call: Call | None = None
        self.idle = asyncio.Event()
        self.idle.set()
        self.task: asyncio.Task[None] | None = None
        self._handlers = handlers
        self._keep = keep
        self.closed = False
        self._alarm: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._rang_again: float | None = None
        self._counts = False  # whether this ctserver counts the rings of a call: not each does
        self._lifted_again = False
        self._left_off_hook = False
        self._tidying: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None

    # -- what happens on the port

    def ring(self, count: int | None = None) -> None:
        """It rings: a call begins, or goes on ringing. ``count``: which ring of the call it is, if ctserver says so."""
        if self.closed:
            return
        self._counts = self._counts or (count is not None and count > 1)
        call = self.call or self._begin(picked_up=False)
        if self._counts and count == 1 and call.rings and not call.answered:
            call.end("rings stopped")  # that caller has given up, and this is the next one
        if call.ended:
            self._rang_again = self.clock.time()  # the next caller is quicker than we are with the last one
        if call.ended or call.answered:
            return
        call.ring()
        self._disarm()
        self._alarm = self.clock.later(self.routing.ring_timeout, self._rings_stopped)

    def picked_up(self) -> None:
        """A station's set was lifted: that is a call, unless it answers one."""
        if self.closed:
            return
        if self.call is None:
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
                self.put_down()
            return
        match event:
            case Hangup() | LoopDrop():
                call.end(event.name)
            case CallerId():
                call.identify(Caller(event.number[:LONGEST_NUMBER], event.caller_name[:LONGEST_NAME]))
            case Dtmf():
                call.key(event.key)
            case _:
                call.take(event)

    def connected(self) -> None:
        """The connection is there again: a line that could not be put on hook is put there now."""
        self._put_down_if_free()

    def put_down(self) -> None:
        """Put a line without a call on hook, until that has succeeded. Once at a time, however often it is told."""
        if self._tidying is None or self._tidying.done():
            self._left_off_hook = False
            self._tidying = asyncio.create_task(self._put_down())

    async def _put_down(self) -> None:
        try:
            await self.port.on_hook()
        except LinkError as error:
            self._left_off_hook = True
            log.warning("the line may not be free", port=str(self.port), error=str(error))
            if isinstance(error, RequestFailed):
                self._again = asyncio.get_running_loop().call_later(PUT_DOWN_AGAIN, self._put_down_if_free)
            elif self.call is None:
                self.port.reconnect()  # it stands and is of no use; the next one begins with putting the line down

    def _put_down_if_free(self) -> None:
        if self._left_off_hook and self.call is None and self.port.connected:
            self.put_down()

    def _rings_stopped(self) -> None:
        if self.call is not None and not self.call.answered:
            self.call.end("rings stopped")

    def _too_long(self) -> None:
        if self.call is not None:
            log.warning("a call is ended: it has reached the port's call_limit", call=self.call.id)
            self.call.end("too long")

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    # -- a call from its first ring to its end

    def _begin(self, *, picked_up: bool) -> Call:
        call = Call(self.port, self)
        if picked_up:
            call.note("set lifted")
        self.call = call
        self.idle.clear()
        self.task = asyncio.create_task(self._run(call, picked_up=picked_up), name=str(call))
        return call

    async def _run(self, call: Call, *, picked_up: bool) -> None:
        with structlog.contextvars.bound_contextvars(port=str(self.port), call=call.id):
            try:
                with suppress(CallEnded):
                    if self.routing.caller_id and not picked_up:
                        await self._read_caller_id(call)
                await self._judge_caller(call)
                await self._name_caller(call)
                self._handlers.call_started(call)
                log.info("call", caller=str(call.caller), rings=call.rings, **_judged(call.verdict))
                with suppress(CallEnded):
                    call.check()
                    if picked_up:
                        call.mark_answered()
                    await self._offer(call)
            finally:
                await self._release(call)

    async def _read_caller_id(self, call: Call) -> None:
        """Caller ID comes between the first and the second ring: listen after the one, read after the other."""
        try:
            await call.port.listen_for_cid()
            await call.wait_rings(2)
            await call.port.read_cid()
            async with self.clock.timeout(CID_WAIT):
                await call.wait_caller()
        except TimeoutError:
            call.note("no caller ID")
            log.info("no caller ID came")
        except LinkError as error:
            log.warning("cannot read caller ID", error=str(error))

    async def _judge_caller(self, call: Call) -> None:
        """What the plugins think of the caller is known before anybody is asked to answer."""
        call.verdict = await self._handlers.screen_caller(call.caller, self.port.address, call.began)
        call.note("verdict", **{key: said for key, said in msgspec.structs.asdict(call.verdict).items() if said})

    async def _name_caller(self, call: Call) -> None:
        """A plugin that knows the number is believed more than the exchange."""
        known = await self._handlers.caller_name(call.caller.number) if call.caller.number else ""
        if known:
            call.identify(Caller(call.caller.number, known))

    async def _offer(self, call: Call) -> None:
        """Offer the call to one plugin after the other, until one is done with it.

        One that fails has let the call pass, though it be answered already: the caller is still there.
        """
        failed = False
        for handler in self.routing.handlers:
            call.taken = False
            call.note("offered", handler=handler)
            if not await self._goes_well(call, handler):
                failed = True
            elif call.taken or (
                call.answered and not failed
            ):  # a set that was lifted is answered from the beginning
                await self._hang_up(call)
                return
            else:
                call.note("passed", handler=handler)
        if call.answered:
            await self._apologise(call)
        call.note("nobody answers")
        log.info("nobody answers this call", handlers=self.routing.handlers)
        await call.wait_ended()

    async def _goes_well(self, call: Call, handler: str) -> bool:
        """Let one plugin have the call; returns whether it came to its own end, and did not fail."""
        try:
            await self._give(call, handler)
        except CallEnded:
            raise
        except PluginError as error:
            call.note("failed", handler=handler, error=str(error))
            log.error("a plugin cannot have the call", handler=handler, error=str(error))  # noqa: TRY400 - it says all
        except LinkError as error:
            call.note("failed", handler=handler, error=str(error))
            log.warning("ctserver failed a plugin", handler=handler, error=str(error))
            if not call.port.connected:
                call.end("disconnected")
                raise CallEnded(call.end_reason) from error
        except Exception as error:
            call.note("failed", handler=handler, error=type(error).__name__)  # its text may hold anything: a PIN
            log.exception("a plugin failed on a call", handler=handler)
        else:
            return True
        return False

    @staticmethod
    async def _hang_up(call: Call) -> None:
        try:
            await call.hangup()
        except LinkError as error:
            log.warning("the call could not be hung up", error=str(error))
            call.end("failed" if call.port.connected else "disconnected")

    async def _apologise(self, call: Call) -> None:
        """A caller whose plugin failed hears so; the line is never left off hook."""
        try:
            await call.play(APOLOGY, ignore_keys=True)
        except CtportdError as error:
            log.warning("cannot apologise to the caller", error=str(error))
        call.end("failed")
        call.check()

    async def _release(self, call: Call) -> None:
        self._disarm()
        call.end("finished")
        for timer in (self._deadline, self._limit):
            if timer is not None:
                timer.cancel()
        try:
            await call.release()
        finally:
            self._left_off_hook = call.off_hook
            self.call = self.task = None
            self.idle.set()
            self._handlers.call_ended(call)
            self._keep(call.id, call.timeline.close(lambda late: self._keep(call.id, late)))
            log.info("call ended", reason=call.end_reason, answered=call.answered)
            self._put_down_if_free()  # it was refused, or the connection came back meanwhile
            self._take_next()

    def _take_next(self) -> None:
        """Begin the call that rang while the last one was put down, unless its caller has given up since."""
        rang, self._rang_again = self._rang_again, None
        lifted, self._lifted_again = self._lifted_again, False
        if lifted:
            self.picked_up()
        elif rang is not None and self.clock.time() - rang < self.routing.ring_timeout:
            self.ring()

    def _give_up(self, task: asyncio.Task[None]) -> None:
        log.error(
            "a plugin does not come to an end, though its call is over: it is cancelled", task=task.get_name()
        )
        task.cancel()

    # -- ctportd.calls.leg.Desk

    def answered(self) -> None:
        """The call was answered."""
        if self.call is not None:
            if self.routing.call_limit is not None:
                self._limit = self.clock.later(self.routing.call_limit, self._too_long)
            self._handlers.call_answered(self.call)

    def ended(self) -> None:
        """The call is over: its plugin has some time to put its things in order."""
        if self.task is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self.routing.end_timeout, self._give_up, self.task)

    async def hand_over(self, handler: str) -> None:
        """Let a plugin have the call until it is done with it."""
        if self.call is not None:
            self.call.note("handed over", handler=handler)
            await self._give(self.call, handler)
            self.call.note("came back", handler=handler)

    async def _give(self, call: Call, handler: str) -> None:
        plugin, target = handler_parts(handler)
        await self._handlers.answer_call(plugin, call, target)


def _judged(verdict: Verdict) -> dict[str, str]:
    """What the log tells of a verdict."""
    return {"verdict": verdict.kind, "rule": verdict.rule, "by": verdict.by} if verdict.by else {}
