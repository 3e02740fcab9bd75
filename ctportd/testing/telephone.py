"""A telephone in a test: it calls, hears, presses and speaks, and says what it heard where that was not expected."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any, TypeVar

from ctportd.errors import PhoneError
from ctportd.phone.happenings import Shown
from ctportd.phone.screen import PeopleScreen
from ctportd.phone.state import FRAME_SECONDS
from ctportd.testing import audio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from ctportd.phone.client import Phone
    from ctportd.phone.happenings import Ended, Happening
    from ctportd.phone.state import Playback
    from ctportd.testing.audio import Samples

__tracebackhide__ = True  # pytest shows the line of the test, and what it says

PATIENCE = 60.0
"""Seconds of the line's time after which a test waits no longer, unless it says otherwise."""

_TONE_SECONDS = 0.3

_T = TypeVar("_T")


class Telephone:
    """One telephone. ``house.call``, ``house.attach`` and ``house.subscribe`` make them.

    All seconds are the line's. What is awaited raises ``AssertionError`` when it does not come: the message tells
    all that happened on the line instead.
    """

    def __init__(self, phone: Phone, happened: list[Happening]) -> None:
        self._phone = phone
        self._happened = happened
        self._position = 0  # of the prompts, the first that no wait has found yet
        self._seen = 0  # of what happened, the first where no wait for a caller's number has looked yet

    # -- what it heard and knows

    @property
    def heard(self) -> list[str]:
        """The names of all prompts of the call in order, those that were cut short among them."""
        return self._phone.prompts

    @property
    def playbacks(self) -> list[Playback]:
        """The same with the file of each, when it began and ended, and whether it was heard to its end."""
        return self._phone.playbacks

    @property
    def audio(self) -> Samples:
        """All that was heard since the answer: 16-bit samples at 8 kHz."""
        return self._phone.heard

    @property
    def rings(self) -> int:
        """How often it has rung."""
        return self._phone.rings

    @property
    def was_answered(self) -> bool:
        """Whether the call was answered; for a set: whether it was lifted."""
        return self._phone.was_answered

    @property
    def end(self) -> Ended | None:
        """How the call ended: ``by`` whom, and the ``reason``; None while it goes on."""
        return self._phone.end

    @property
    def time(self) -> float:
        """The line's time in seconds, counted in frames of voice."""
        return self._phone.time

    @property
    def story(self) -> str:
        """All that happened on the line, in lines to be read."""
        told = io.StringIO()
        screen = PeopleScreen(told)
        for happening in self._happened:
            screen.show(happening)
        return told.getvalue() or "(nothing)\n"

    # -- what it waits for

    async def answered(self, within: float = PATIENCE) -> None:
        """Wait until the line answers."""
        await self._wait(self._phone.answered(), within, "the line did not answer")

    async def ringing(self, times: int = 1, within: float = PATIENCE) -> None:
        """Wait until it has rung so often: the line that was called, or a set that is rung."""

        async def ring() -> None:
            await self._phone.ringing()
            await self._phone.when(lambda: self.rings >= times, f"ring {times} times")

        await self._wait(ring(), within, f"it did not ring {times} times")

    async def shown(self, within: float = PATIENCE) -> Shown:
        """Wait until the set shows who calls, which it is told after the first ring; returns ``number`` and ``name``."""

        def shown() -> list[Shown]:
            return [happening for happening in self._happened[self._seen :] if isinstance(happening, Shown)]

        wait = self._phone.when(lambda: bool(shown()), "see who calls")
        await self._wait(wait, within, "the set did not show who calls")
        caller = shown()[0]
        self._seen = self._happened.index(caller) + 1
        return caller

    async def hear(self, *prompts: str, within: float = PATIENCE) -> None:
        """Wait until each of these prompts was heard to its end, one after the other.

        What was heard while nobody waited counts, once: each wait goes on behind what the last one found. Other
        prompts may come before and between.

        Args:
            prompts: Their names, as in ``call.play``.
            within: Seconds for each.
        """
        for prompt in prompts:
            await self._find(prompt, within, lambda playback: playback.complete, "was not heard to its end")

    async def hear_begin(self, prompt: str, within: float = PATIENCE) -> None:
        """Wait until a prompt begins, as a caller does who presses a key in the middle of it."""
        await self._find(prompt, within, lambda _: True, "did not begin")
        self._position -= 1  # its end may still be waited for

    async def hear_tone(self, *hertz: int, within: float = PATIENCE) -> None:
        """Wait until a third of a second of a tone was heard, such as the American dial tone, 350 and 440 Hz.

        Args:
            hertz: All frequencies of the tone, to the nearest 10.
            within: Seconds.
        """
        length = round(_TONE_SECONDS * 8000)

        def sounds() -> bool:
            found = audio.frequencies(self.audio[-length:])
            return (
                len(self.audio) >= length
                and len(found) == len(hertz)
                and all(abs(here - wanted) <= 10 for here, wanted in zip(found, sorted(hertz), strict=True))
            )

        await self._wait(self._phone.when(sounds, f"hear a tone of {hertz} Hz"), within, f"no tone of {hertz} Hz")

    async def recorded(self, within: float = PATIENCE) -> None:
        """Wait until the line records: from then on, each sample that is said is in the recording."""
        await self._in_call()
        await self._wait(self._phone.until_recording(), within, "the line did not record")

    async def ended(self, within: float = PATIENCE) -> Ended:
        """Wait until the call is over, whoever ends it."""
        return await self._wait(self._phone.ended(), within, "the call did not end")

    # -- what it does

    async def press(self, keys: str) -> None:
        """Press keys, 100 ms from one to the next; before the answer, once that has come."""
        await self._in_call()
        await self._moment()
        await self._wait(self._phone.press(keys), PATIENCE, f"{keys!r} could not be pressed")

    async def say(self, what: str | Path | Samples | None = None, *, seconds: float = 2.0) -> None:
        """Speak, to the end; before the answer, once that has come.

        Args:
            what: A file that soundfile reads, or 16-bit samples at 8 kHz; None: something like a voice.
            seconds: How long the voice speaks where nothing is given.
        """
        await self._in_call()
        said = audio.voice(seconds) if what is None else what
        await self._wait(self._phone.say(said), None, "it could not be said to its end")

    async def silence(self, seconds: float) -> None:
        """Say nothing for so many seconds."""
        await asyncio.sleep(seconds)  # the loop's time is the line's

    async def lift(self) -> None:
        """Lift the set: answer, or begin a call."""
        await self._moment()
        await self._phone.offhook()

    async def flash(self) -> None:
        """Give a hook flash."""
        await self._moment()
        await self._phone.flash()

    async def hang_up(self) -> None:
        """Go on hook. Nothing happens where the call is over."""
        await self._moment()
        await self._phone.hangup()

    async def close(self) -> None:
        """Hang up, and leave the exchange. The house does this at its end."""
        await self._phone.close()

    # --

    @staticmethod
    async def _moment() -> None:
        """Let everybody do what they do at once, as about the end of a prompt: no person is as quick as that.

        Else it would be chance whether a key comes before the next prompt begins, or after it.
        """
        await asyncio.sleep(FRAME_SECONDS)

    async def _in_call(self) -> None:
        if not self._phone.was_answered:
            await self.answered()

    async def _find(self, prompt: str, within: float, fits: Callable[[Playback], bool], failed: str) -> None:
        def found() -> bool:
            for position, playback in enumerate(self._phone.playbacks[self._position :], self._position):
                if playback.prompt == prompt and fits(playback):
                    self._position = position + 1
                    return True
            return False

        await self._wait(self._phone.when(found, f"hear {prompt!r}"), within, f"the prompt {prompt!r} {failed}")

    async def _wait(self, what: Coroutine[Any, Any, _T], within: float | None, failed: str) -> _T:
        try:
            async with asyncio.timeout(within):
                return await what
        except TimeoutError:
            raise AssertionError(f"{failed} within {within:g} s of the line's time; {self._instead}") from None
        except PhoneError as problem:
            raise AssertionError(f"{failed}: {problem}; {self._instead}") from None

    @property
    def _instead(self) -> str:
        return f"this is what happened:\n{self.story}"
