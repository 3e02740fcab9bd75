"""One call's hold on its line: the state of the call, requests that end with it, and a line that is left free."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.calls.caller import Caller
from ctportd.calls.timeline import ENDED, Timeline
from ctportd.calls.verdict import Verdict
from ctportd.errors import CallEnded, LinkError, NotSupported, RequestFailed, RequestTimedOut

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from ctportd.calls.desk import Desk
    from ctportd.clock import Clock
    from ctportd.links.port import Port
    from ctportd.links.reply import Reply
    from ctportd.wire.events import Event

GRACE = 2.0
"""Seconds of the line that ctserver gets to end a blocking request by itself when the caller has gone."""

UNBLOCK_TIMEOUT = 2.0
"""Seconds that the manager gets, when a line is put down, to stop what blocks it (our figure)."""

_LONGEST_EVENT = 4096  # characters: nine words of 255 and all the rest have room (our figure)
_MOST_KEYS = 256  # that wait to be collected (our figure; people type ahead a dozen)
_INBOX = 1000  # events that wait for a plugin that asks for none; the oldest go first (our figure)

log = structlog.stdlib.get_logger("ctportd.call")


class Hold:
    """One call on one port; :class:`~ctportd.calls.call.Call` is what plugins hold.

    Attributes:
        id: Names the call in the log and in the store: date, time, port and six random characters.
        port: The port; every request of ctserver is a method of it.
        caller: Who calls.
        verdict: What the plugins think of the caller.
        timeline: What has happened in the call so far.
        rings: How often the line has rung so far.
        began: When the first ring came, in UTC.
        answered_at: When it was answered, or None.
        ended_at: When it was over, or None.
        end_reason: Why: ``hangup`` (the far end's), ``loopdrop``, ``rings stopped``, ``finished`` (by us),
            ``stopping`` (the daemon), ``disconnected`` (from ctserver), ``failed`` (a plugin), ``too long`` (the port's
            ``call_limit``), ``ended by command``; where we called, what became of that: ``busy``, ``no answer``, ``no
            dial tone``. Empty before.
        taken: Whether the plugin that the call was offered to last has answered it, or gone on with it.
        passed_on: Whether it has let the next handler go on with it, answered or not.
        handler: Who has it now, such as ``voicemail:100``; empty while nobody has.
        outgoing: Whether nobody called: we did. The caller is whoever was called, then.
        lent: Whether it was made for a call on another port, of which alone plugins are told.
        left: Set when the line is free again.
    """

    def __init__(self, port: Port, desk: Desk, *, outgoing: bool = False, lent: bool = False) -> None:
        self.port = port
        self.caller = Caller()
        self.verdict = Verdict()
        self.rings = 0
        self.began: datetime = desk.clock.now()
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.end_reason = ""
        self.taken = self.passed_on = False
        self.handler = ""
        self.outgoing = outgoing
        self.lent = lent
        self.left = asyncio.Event()
        self.timeline = Timeline(desk.clock, self.began)
        self.id = f"{self.began:%Y%m%d-%H%M%S}-{port.number}-{secrets.token_hex(3)}"
        self._desk = desk
        self._changed = asyncio.Event()
        self._requests = 0
        self._interrupter: asyncio.Task[None] | None = None
        self._keys = ""
        self._language: str | None = None
        self._identified = False
        self._abandoned = False
        self._off_hook = False
        self._inbox: deque[Event] = deque(maxlen=_INBOX)
        self._legs: set[Hold] = set()  # calls on other ports that are made for this one, and end with it
        self._enquiring = False  # the far end is held, and whoever was dialled since is on the line

    def __str__(self) -> str:
        return f"call {self.id}"

    @property
    def clock(self) -> Clock:
        """The line's time."""
        return self._desk.clock

    @property
    def answered(self) -> bool:
        """Whether the call was answered."""
        return self.answered_at is not None

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return bool(self.end_reason)

    @property
    def spoke(self) -> float:
        """Seconds from the answer to the end; 0 where it was not answered, or is not over."""
        if self.answered_at is None or self.ended_at is None:
            return 0.0
        return (self.ended_at - self.answered_at).total_seconds()

    async def wait_ended(self) -> None:
        """Wait until the call is over. Raises nothing."""
        while not self.ended:
            self._changed.clear()
            await self._changed.wait()

    def check(self) -> None:
        """Raise :class:`~ctportd.errors.CallEnded` if the call is over."""
        if self.ended:
            raise CallEnded(self.end_reason)

    def note(self, kind: str, /, **details: Any) -> None:
        """Add a step to the call's timeline.

        Args:
            kind: What has happened, in a word or two: ``menu``, ``message``.
            details: What more is known of it: text, numbers, lists of them.
        """
        self.timeline.add(kind, details)

    # -- what the router tells it

    def mark_answered(self) -> None:
        """The line is off hook."""
        self.timeline.add("answered", {})
        self.answered_at = self._desk.clock.now()
        self._off_hook = True
        self._changed.set()
        self._desk.answered()

    def ring(self) -> None:
        """The line rang once more."""
        self.rings += 1
        # the classic dialect tells of one ring, however often it has rung
        self.timeline.add("ring", {} if self.port.dialect == "classic" else {"count": self.rings})
        self._changed.set()

    def key(self, key: str) -> None:
        """A key was pressed, and waits to be collected; one too many is lost, as in ctserver's own buffer."""
        self.timeline.pressed(key)
        if len(self._keys) < _MOST_KEYS:
            self._keys += key

    def take(self, event: Event) -> None:
        """An event for :meth:`next_event`; one that is longer than any message of a plugin's is left out."""
        if len(event.raw) > _LONGEST_EVENT:
            log.warning("an event is too long, and is left out", call=self.id, event_name=event.name)
            return
        self._inbox.append(event)
        self._changed.set()

    def identify(self, caller: Caller) -> None:
        """Who calls, or is called, is known now."""
        kind = "called" if self.outgoing and not self.lent else "caller"
        self.timeline.add(kind, {"number": caller.number, "name": caller.name})
        self.caller = caller
        self._identified = True
        self._changed.set()

    def far_end_gone(self, event: Event) -> None:
        """The far end has hung up, which ends the call; in an enquiry, whoever was dialled has, and the caller waits."""
        if self._enquiring:
            self.take(event)
        else:
            self.end(event.name)

    def end(self, reason: str, grace: float = GRACE) -> None:
        """The call is over; the first reason stands.

        A request that blocks the port gets ``grace`` seconds of the line to end by itself: then it is stopped.
        """
        if self.ended:
            return
        self.end_reason = reason
        self.timeline.add(ENDED, {"reason": reason})
        self.ended_at = self._desk.clock.now()
        self._changed.set()
        self._desk.ended()
        for leg in self._legs:
            leg.end("finished", grace=0.0)
        if self._requests:
            self._interrupter = asyncio.create_task(self._interrupt(grace))

    async def _interrupt(self, grace: float) -> None:
        await self.clock.sleep(grace)
        try:
            if self._requests:
                await self.port.record_stop()
        except (LinkError, NotSupported) as error:
            log.warning("cannot stop what blocks the port", error=str(error))

    async def release(self) -> None:
        """Leave the line free: nothing that blocks it, on hook, no keys waiting. Raises nothing; each step is tried."""
        if self._interrupter is not None:
            self._interrupter.cancel()
        self._abandoned = (
            self._abandoned or self._requests > 0
        )  # a task that the plugin left behind may be at it still
        steps = [self._try(self._unblock(UNBLOCK_TIMEOUT))]
        if (
            self._off_hook
        ):  # sent at once, for it waits its turn behind what blocks, whatever becomes of the manager
            steps.insert(0, self._try(self._put_down()))
        await asyncio.gather(*steps)
        if self.answered:
            await self._try(self.port.clear())

    async def stop_ringing(self) -> None:
        """Have the set ring no more that was rung for the call. Raises nothing: what cannot be done is done later."""
        self._off_hook = True  # as good as: putting the line down ends its ringing, too
        try:
            await self.port.stop_ring()
            self._off_hook = False
        except (LinkError, NotSupported) as error:
            log.warning("a set may go on ringing", error=str(error))

    @property
    def off_hook(self) -> bool:
        """Whether the line is off hook, or may be."""
        return self._off_hook

    async def _put_down(self) -> None:
        await self.port.on_hook()
        self._off_hook = False

    async def _try(self, step: Coroutine[Any, Any, object]) -> None:
        try:
            await step
        except (LinkError, NotSupported, TimeoutError) as error:
            log.warning("the line may not be free", error=str(error) or "no answer from the manager")

    # -- within

    def _forget(self, *kinds: type[Event]) -> None:
        """Leave out the events of these kinds that nobody has asked for."""
        kept = [event for event in self._inbox if not isinstance(event, kinds)]
        self._inbox.clear()
        self._inbox.extend(kept)

    async def _unblock(self, within: float | None = None) -> None:
        """Stop a request that was given up and that ctserver is still at: the port would take no other."""
        if self._abandoned and self.port.blocked:
            if self.port.dialect == "classic":
                self.port.reconnect()  # nothing else frees it; the line is put on hook when the connection is back
            else:
                async with asyncio.timeout(within):
                    await self.port.record_stop()
        self._abandoned = False

    async def _request(self, name: str, *values: object, may_end: bool = False) -> Reply:
        await self._check_and_yield()
        self._requests += 1
        try:
            await self._unblock()
            self.check()
            reply = await self.port.request(name, *values)
        except (asyncio.CancelledError, RequestTimedOut):
            self._abandoned = True  # ctserver may be at it still, and the port blocked
            raise
        except RequestFailed as error:
            if self.port.dialect != "classic":
                raise
            self.end("hangup")  # a request that fails is all that the classic dialect tells of it
            raise CallEnded(self.end_reason) from error
        finally:
            self._requests -= 1
        if not may_end:
            self.check()
        return reply

    async def _check_and_yield(self) -> None:
        """As :meth:`check`; a plugin that goes on all the same, in a loop, must not hold up everyone else."""
        if self.ended:
            await asyncio.sleep(0)
            self.check()

    async def _wait_change(self) -> None:
        await self._check_and_yield()
        self._changed.clear()
        await self._changed.wait()
        self.check()
