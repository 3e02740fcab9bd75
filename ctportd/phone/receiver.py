"""The telephone's receiver: keeps the line's time, answers frame with frame, and wakes what waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from ctportd.ctserver.g711 import decode
from ctportd.errors import PhoneError
from ctportd.phone.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ctportd.phone.happenings import Ended, Happening, Reason
    from ctportd.phone.link import Link, Signal
    from ctportd.phone.sound import Samples
    from ctportd.phone.state import LineState, Playback


class Receiver:
    """What a telephone hears and knows. :class:`~ctportd.phone.client.Phone` adds what it does."""

    def __init__(self, link: Link, state: LineState, listen: Callable[[Happening], None], *, is_set: bool) -> None:
        self._link = link
        self._state = state
        self._listen = listen
        self._is_set = is_set
        self._off_hook = not is_set
        self._is_closing = False
        self._voice = Voice()
        self._waiting: set[asyncio.Future[None]] = set()
        self._reader = asyncio.create_task(self._read(), name="phone")
        self._reader.add_done_callback(lambda _: self._wake())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up, if there is a call, and leave the exchange."""
        try:
            await self.hangup()
        finally:
            self._is_closing = True
            await self._link.close()
            await asyncio.wait([self._reader])
            if not self._reader.cancelled():
                self._reader.exception()  # what went wrong was raised where somebody waited for it

    async def hangup(self) -> None:
        """Go on hook. Nothing happens where the phone is on hook, or its call is over."""
        if self._off_hook and (self._is_set or not self.end):
            self._off_hook = not self._is_set
            await self._finish("hangup")

    @property
    def speed(self) -> float:
        """How many seconds of the line pass in one of the clock."""
        return self._link.hello.speed

    @property
    def time(self) -> float:
        """The line's time in seconds, from the first frame of voice."""
        return self._state.time

    @property
    def was_answered(self) -> bool:
        """Whether the present, or last, call was answered; for a set: it was lifted."""
        return self._state.answered

    @property
    def rings(self) -> int:
        """How often the present, or last, call has rung."""
        return self._state.rings

    @property
    def end(self) -> Ended | None:
        """How the call ended; None while it goes on."""
        return self._state.end

    @property
    def heard(self) -> Samples:
        """All that was heard since the answer, as 16-bit samples at 8 kHz."""
        return decode(self._state.heard)

    @property
    def playbacks(self) -> list[Playback]:
        """The prompts of the call with their times, in the order in which they began."""
        return list(self._state.playbacks)

    @property
    def prompts(self) -> list[str]:
        """The names of the prompts of the call, in the order in which they began."""
        return [playback.prompt for playback in self._state.playbacks]

    async def _read(self) -> None:
        async for received in self._link.received():
            if isinstance(received, bytes):
                await self._hear(received)
            else:
                await self._notice(received)
            if self._state.is_tired_of_ringing:
                await self._finish("gave-up")
        lost = None if self._is_closing else self._state.lose()
        if lost:
            self._listen(lost)

    async def _hear(self, frame: bytes) -> None:
        """Take a frame and answer it with one, once those that waited for this moment have acted on it."""
        self._state.hear(frame)
        await self._let_waiting_run()
        if not self._state.end or self._is_set:
            await self._link.speak(self._voice.take())
            self._wake()  # who speaks may have come to the end

    async def _notice(self, signal: Signal) -> None:
        happening = self._state.take(signal)
        if happening:
            self._listen(happening)
            await self._let_waiting_run()

    async def _finish(self, reason: Reason) -> None:
        """End the call from this side."""
        if not self._state.end:
            self._listen(self._state.finish(reason))
        self._wake()
        await self._link.tell("hangup")

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def _let_waiting_run(self) -> None:
        """Wake what waits, and go on after it: what it does then stands at this moment of the line's time."""
        self._wake()
        await asyncio.sleep(0)

    async def _change(self) -> None:
        """Wait until something was received or sent."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def _until(self, condition: Callable[[], bool], doing: str, *, any_call: bool = False) -> None:
        """Wait until the condition holds.

        Raises:
            PhoneError: The call is over and it does not hold. With ``any_call``, a set goes on to wait.
        """
        while not condition():
            self._check(doing, any_call=any_call)
            await self._change()

    async def _in_call(self, condition: Callable[[], bool], doing: str) -> None:
        """Wait until the condition holds, in a call that is up from first to last."""
        while self._state.is_up and not condition():
            self._check(doing)
            await self._change()
        if not self._state.is_up:
            self._check(doing)
            raise PhoneError(
                f"{doing}: " + ("the set is on hook" if self._is_set else "the call is not answered yet")
            )

    def _check(self, doing: str, *, any_call: bool = False) -> None:
        """Raise what keeps this from being done, if anything does."""
        end = self._state.end
        if end and not (any_call and self._is_set and end.by != "exchange"):
            heard = f"; heard until then: {', '.join(self.prompts)}" if self.prompts else ""
            raise PhoneError(f"{doing}: the call is over: {end.sentence}{heard}")
        if self._reader.done():
            self._reader.result()  # raises what went wrong, if anything did
            raise PhoneError(f"{doing}: the connection to the exchange was closed")
