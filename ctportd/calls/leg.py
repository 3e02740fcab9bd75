"""One call's hold on its line: the state of the call, and the requests of which everything else is made."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from ctportd.calls.caller import Caller, Recording
from ctportd.calls.timeline import ENDED, Timeline
from ctportd.calls.verdict import Verdict
from ctportd.errors import CallEnded, LinkError, NotSupported, RequestFailed, RequestTimedOut

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractContextManager
    from datetime import datetime

    from ctportd.calls.files import Prompts
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


class Desk(Protocol):
    """What a call needs of the line that it is on."""

    @property
    def clock(self) -> Clock:
        """The line's time."""

    @property
    def prompts(self) -> Prompts:
        """Finds files to play."""

    def answered(self) -> None:
        """Told when the call is answered."""

    def ended(self) -> None:
        """Told when the call is over."""

    async def hand_over(self, handler: str) -> None:
        """Let another plugin have the call until it is done with it."""


class Leg:
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
            ``call_limit``); empty before.
        taken: Whether the plugin that the call was offered to last has answered it, or gone on with it.
    """

    def __init__(self, port: Port, desk: Desk) -> None:
        self.port = port
        self.caller = Caller()
        self.verdict = Verdict()
        self.rings = 0
        self.began: datetime = desk.clock.now()
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.end_reason = ""
        self.taken = False
        self.timeline = Timeline(desk.clock, self.began)
        self.id = f"{self.began:%Y%m%d-%H%M%S}-{port.number}-{secrets.token_hex(3)}"
        self._desk = desk
        self._changed = asyncio.Event()
        self._requests = 0
        self._interrupter: asyncio.Task[None] | None = None
        self._keys = ""
        self._identified = False
        self._abandoned = False
        self._off_hook = False
        self._inbox: deque[Event] = deque(maxlen=_INBOX)

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

    # -- what a plugin does

    async def answer(self) -> None:
        """Go off hook, if that has not been done: by a plugin that has failed since, say.

        Raises:
            CallEnded: The caller gave up.
            LinkError: Ctserver cannot be reached or refuses. Every method of a call may raise these two.
        """
        if self.answered:
            await self._check_and_yield()
            self.taken = True
            return
        self._off_hook = True  # whatever becomes of the reply: it is put on hook at the end
        try:
            await self._request("off_hook")
        except RequestFailed:
            self._off_hook = False
            raise
        self.taken = True
        self.mark_answered()

    async def play(self, *prompts: str, ignore_keys: bool | None = None) -> str:
        """Play prompts one after the other, until a key is pressed.

        Args:
            prompts: Names or paths; ``"you-have 2 messages"`` is three of them.
            ignore_keys: Play on to the end, whatever is pressed; by default as ``[prompts] ignore_dtmf`` says. A
                ctserver of the classic dialect stops at a key all the same.

        Returns:
            The keys that wait to be collected, typed ahead or just now; empty where none do. While keys wait, nothing
            is played: who types ahead has heard enough.

        Raises:
            PromptNotFound: A prompt is in none of the places; nothing was played.
        """
        if ignore_keys is None:
            ignore_keys = self._desk.prompts.ignore_dtmf
        files = await asyncio.to_thread(self._desk.prompts.find_all, prompts)
        digits = ""
        for file in files:
            await self._check_and_yield()
            if self._keys and not ignore_keys:
                return self._keys
            digits = await self._play(file, ignore_keys=ignore_keys)
            if digits and not ignore_keys:
                return digits
        return digits

    async def _play(self, file: Path, *, ignore_keys: bool) -> str:
        mode = ["ignore_dtmf"] if ignore_keys and self.port.dialect == "keyed" else []
        with self.timeline.during("prompt", {"prompt": file.stem}) as step:
            digits = (await self._request("play", str(file), *mode)).digits
            if digits and not (ignore_keys and mode):
                step["cut_by"] = self.timeline.tell(digits[-1])
        return digits

    async def record(
        self, path: str | Path, *, limit: int = 0, ending_keys: str = "#", silence: int = 0
    ) -> Recording:
        """Record what the caller says. A caller who hangs up ends it as a key does: nothing is raised.

        Args:
            path: Where to, on ctserver's machine; the ending says the format, ``.wav`` or ``.au``.
            limit: The longest that it may take, in seconds (0: no limit).
            ending_keys: Keys that end it.
            silence: Seconds of silence that end it (0: none do). The classic dialect knows no silence: there, the limit
                must do.
        """
        full = _absolute(path)
        if self.port.dialect == "classic":
            silence = 0
        await self._check_and_yield()
        with self.timeline.during("recording", {"path": full}) as step:
            reply = await self._request("record", str(full), limit, ending_keys, silence, may_end=True)
            by_key = reply.event is None and reply.digits and reply.digits[-1] in ending_keys
            if reply.event is not None:
                ended_by = getattr(reply.event, "text", reply.event.name)
            else:
                ended_by = "key" if by_key else "silence or limit"
            step["ended_by"] = self.timeline.tell(reply.digits[-1]) if by_key else ended_by
        if reply.digits and not self.ended:  # they have done their work, and must not cut the next prompt short
            await self._request("clear", may_end=True)
            self._forget_keys()
        return Recording(full, ended_by, reply.digits)

    async def collect(self, digits: int, first: int = 10, between: int = 0, *, secret: bool = False) -> str:
        """Collect keys, with those typed ahead.

        Args:
            digits: How many at most.
            first: Seconds to wait for the first.
            between: Seconds to wait for each further one (0: the same).
            secret: Whether they may be a PIN: see :meth:`secret`.

        Returns:
            The keys, fewer where the time ran out, perhaps none.
        """
        await self._check_and_yield()
        with self.secret() if secret else nullcontext(), self.timeline.during("collected", {}) as step:
            keys = (await self._request("collect", digits, first, between)).digits
            step["keys"] = self.timeline.collected(keys)
        self._keys = self._keys[len(keys) :]
        return keys

    def secret(self) -> AbstractContextManager[None]:
        """Keep keys out of the call's timeline as long as a ``with`` block lasts: they may be a PIN.

        Those that were typed ahead, and that nobody has collected, are hidden as well. Let the block begin before the
        prompt that asks for the PIN, and end when nobody is asked for one any more.
        """
        return self.timeline.secret()

    async def clear(self) -> None:
        """Forget the keys that were pressed so far."""
        await self._request("clear")
        self._forget_keys()

    def _forget_keys(self) -> None:
        self._keys = ""
        self.timeline.forgotten()

    async def pause(self, seconds: int) -> str:
        """Wait in silence, until a key; returns as :meth:`play` does."""
        await self._check_and_yield()
        with self.timeline.during("pause", {}) as step:
            digits = (await self._request("sleep", seconds)).digits
            if digits:
                step["cut_by"] = self.timeline.tell(digits[-1])
        return digits

    async def dial(self, number: str) -> None:
        """Dial on the line: ``0-9 # *``, a comma waits one second, ``&`` is a hook flash."""
        await self._check_and_yield()
        with self.timeline.during("dialled", {"number": self.timeline.hidden(number)}):
            await self._request("dial", number)

    async def hangup(self) -> None:
        """End the call, if it is not over already."""
        if not self.ended:
            await self._request("on_hook", may_end=True)
            self._off_hook = False
            self.end("finished")

    async def hand_over(self, handler: str) -> None:
        """Let another plugin have the call; it comes back when that plugin is done.

        Args:
            handler: The plugin's name, and what it is asked for after a colon: ``voicemail:100``.

        Raises:
            PluginError: There is no such plugin, or it answers no calls.
        """
        await self._desk.hand_over(handler)

    async def wait_rings(self, rings: int) -> None:
        """Wait until the line has rung this often."""
        while self.rings < rings:
            await self._wait_change()

    async def wait_caller(self) -> None:
        """Wait until the exchange has said who calls."""
        while not self._identified:
            await self._wait_change()

    async def next_event(self, *kinds: type[Event], within: float | None = None) -> Event | None:
        """The next event of the call that is none of ring, key, caller ID and hang-up; those have their own ways.

        Args:
            kinds: Of these kinds only, such as ``UserMessage``; others wait on for who asks for them. None: of any.
            within: Seconds of the line to wait; None: as long as the call lasts.

        Returns:
            The event, or None when the time is up.
        """
        try:
            async with self.clock.timeout(within):
                while (event := self._first_of(kinds)) is None:
                    await self._wait_change()
                self._inbox.remove(event)
                return event
        except TimeoutError:
            return None

    def _first_of(self, kinds: tuple[type[Event], ...]) -> Event | None:
        return next((event for event in self._inbox if not kinds or isinstance(event, kinds)), None)

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
        """Who calls is known now."""
        self.timeline.add("caller", {"number": caller.number, "name": caller.name})
        self.caller = caller
        self._identified = True
        self._changed.set()

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


def _absolute(path: str | Path) -> Path:
    return Path(path).absolute()


def handler_parts(handler: str) -> tuple[str, str]:
    """``voicemail:100`` as the plugin's name and what it is asked for."""
    name, _, target = handler.partition(":")
    return name, target
