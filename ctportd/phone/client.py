"""The telephone itself: a call to a trunk port, or the set of a station port, as things to await.

::

    async with await Phone.dial("ws://127.0.0.1:1190/phone", 1, number="5550100", name="Ada") as phone:
        await phone.until("beep")
        await phone.say("hello.wav")
        await phone.press("#")
        await phone.ended()

All times are the line's, counted in frames that were received: a test is as exact at speed 100 as at speed 1.
What is awaited raises :class:`~ctportd.errors.PhoneError` when the call ends first.
"""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Self

from ctportd.errors import InvalidArgument, PhoneError
from ctportd.phone import sound
from ctportd.phone.happenings import Attached, Calling, Flash, Press, Said, Say
from ctportd.phone.link import Link
from ctportd.phone.receiver import Receiver
from ctportd.phone.state import FRAME_SECONDS, LineState
from ctportd.wire.events import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ctportd.ctserver.sounds import Sound
    from ctportd.phone.happenings import Ended, Happening
    from ctportd.phone.sound import Samples

_KEY_FRAMES = 5  # from one key to the next, 100 ms: as fast as a telephone with memory dials

_PATIENCE = 10
"""Rings after which a caller gives up, where nothing else was asked for."""


def _ignore(_: Happening) -> None:
    """Listen to nothing."""


class Phone(Receiver):
    """One virtual telephone. Made by :meth:`dial` or :meth:`attach`, closed by ``async with`` or :meth:`close`."""

    def __init__(self, link: Link, state: LineState, listen: Callable[[Happening], None], *, is_set: bool) -> None:
        super().__init__(link, state, listen, is_set=is_set)
        self._next_key_at = 0  # the frame at which another key may be pressed

    @classmethod
    async def dial(
        cls,
        url: str,
        port: int,
        *,
        number: str = "",
        name: str = "",
        rings: int | None = _PATIENCE,
        listen: Callable[[Happening], None] = _ignore,
    ) -> Self:
        """Call a trunk port of the exchange at ``url``, with this caller ID.

        The phone hangs up by itself when nobody has answered after ``rings`` rings (None: it never does).
        ``listen`` is told of all that happens, in order, as it happens.

        Raises:
            PhoneError: There is no exchange. Whether the port takes the call shows in :meth:`answered`.
        """
        link = await Link.connect(url)
        phone = cls(link, LineState(patience=rings), listen, is_set=False)
        listen(Calling(t=0.0, port=port, number=number, name=name))
        await link.tell("call", port=port, number=number, name=name)
        return phone

    @classmethod
    async def attach(cls, url: str, port: int, *, listen: Callable[[Happening], None] = _ignore) -> Self:
        """Be the set of a station port, on hook.

        Raises:
            PhoneError: There is no exchange.
        """
        link = await Link.connect(url)
        phone = cls(link, LineState(), listen, is_set=True)
        listen(Attached(t=0.0, port=port))
        await link.tell("attach", port=port)
        return phone

    @classmethod
    async def subscribe(cls, url: str, number: str, *, listen: Callable[[Happening], None] = _ignore) -> Self:
        """Be a telephone of the exchange with this number, which trunk ports can dial; it is on hook.

        Raises:
            PhoneError: There is no exchange.
        """
        link = await Link.connect(url)
        phone = cls(link, LineState(), listen, is_set=True)
        await link.tell("subscribe", number=number)
        return phone

    async def when(self, condition: Callable[[], bool], doing: str) -> None:
        """Wait until a condition holds; it is looked at in each frame of voice, and at whatever happens.

        Args:
            condition: What must hold.
            doing: What the wait is for, in words for the error.

        Raises:
            PhoneError: The call is over, and it does not hold.
        """
        await self._until(condition, doing)

    async def ringing(self) -> int:
        """Wait until the line rings (or is answered before it does), a set until it is rung; return how often."""
        state = self._state
        await self._until(
            lambda: state.is_ringing or (state.answered and not self._is_set), "ringing", any_call=True
        )
        return self._state.rings

    async def answered(self) -> None:
        """Wait until the port answers.

        Raises:
            PhoneError: It does not: it is busy, the exchange refuses the call, or the phone gave up.
        """
        await self._until(lambda: self._state.answered, "answered")

    async def press(self, keys: str) -> None:
        """Press keys, at least 100 ms from one to the next; return when the last one is pressed."""
        for key in keys:
            if key.upper() not in KEYS:
                raise InvalidArgument(
                    "press", "keys", f"is {keys!r} where keys out of 0-9, *, #, A-D are expected"
                )
        for key in keys.upper():
            await self._in_call(lambda: self._state.frames >= self._next_key_at, f"press {key}")
            self._next_key_at = self._state.frames + _KEY_FRAMES
            self._listen(Press(t=self.time, key=key))
            await self._link.tell("press", key=key)

    async def say(self, what: str | Path | Sound | Samples) -> None:
        """Speak a file that soundfile reads, or 16-bit samples at 8 kHz; return when the last frame is sent.

        Two that speak at once are heard one after the other.

        Raises:
            AudioError: The file cannot be read.
            PhoneError: There is no call, or it ended before all was said.
        """
        said = await sound.load(what)
        label = PurePath(said.path).name
        async with self._voice.turn:
            await self._in_call(lambda: True, f"say {label}")
            self._listen(Say(t=self.time, sound=label, seconds=sound.seconds(said)))
            self._voice.give(sound.frames(said))
            try:
                await self._in_call(lambda: self._voice.is_silent, f"say {label}")
            finally:
                self._voice.fall_silent()
            self._listen(Said(t=self.time, sound=label))

    async def wait(self, seconds: float) -> None:
        """Let so many seconds of the line's time pass, rounded up to whole frames."""
        # rounded first: 0.14 / 0.02 is a little more than 7
        until = self._state.frames + math.ceil(round(seconds / FRAME_SECONDS, 6))
        await self._until(lambda: self._state.frames >= until, f"wait {seconds:g}")

    async def until(self, prompt: str) -> None:
        """Wait until this prompt has been played to its end.

        Each ``until`` takes up the stream of prompts where the last one left it: a prompt that ended since then,
        during a press or a wait, is found, however fast the line is; one that was found before is not again.
        A prompt that was cut short does not count.
        """
        await self._until(lambda: self._state.consume(prompt), f"until {prompt}")

    async def until_recording(self) -> None:
        """Wait until the line records: from then on each sample that is said is in the recording.

        A person speaks a moment after the beep, when a line has long begun. On a line whose time runs fast, frames
        pass between the end of the beep and the beginning of the recording, and what is said in them is lost.
        """
        await self._in_call(lambda: self._state.is_recording, "until recording")

    async def ended(self) -> Ended:
        """Wait until the call is over, whoever ends it.

        Raises:
            PhoneError: The connection to the exchange was lost, and nobody knows how the call went on.
        """
        await self._until(lambda: self._state.end is not None, "ended")
        end = self._state.end
        if end is None or end.reason == "lost":
            raise PhoneError("the connection to the exchange was lost in the middle of the call")
        return end

    async def offhook(self) -> None:
        """Lift the set: answer, or begin a call."""
        if not self._is_set:
            raise PhoneError(
                "offhook: only the set of a station port can be lifted; a call to a port is begun by dialling"
            )
        if not self._off_hook:
            self._check("offhook", any_call=True)
            self._off_hook = True
            self._listen(self._state.lift())
            await self._link.tell("offhook")

    async def flash(self) -> None:
        """Give a hook flash."""
        await self._in_call(lambda: True, "flash")
        self._listen(Flash(t=self.time))
        await self._link.tell("flash")
