"""What one telephone knows of its line: fed by the exchange's signals and frames, without any I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from ctportd.phone.happenings import (
    Answered,
    Complaint,
    Ended,
    OffHook,
    Played,
    Playing,
    Recorded,
    Recording,
    Ring,
    Shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.phone.happenings import Happening, Reason
    from ctportd.phone.link import Signal

FRAME_SECONDS = 0.02
"""A frame of voice is 160 bytes of 8 kHz mu-law."""

_RING_PERIOD = 6.0
"""Seconds from one ring to the next where only one was heard: 2 s of ring, 4 s of silence, as in America."""

_BEFORE_NEXT_RING = 0.1
"""Seconds before the next ring at which a caller gives up: the line shall not ring once more."""


class Playback(msgspec.Struct):
    """One prompt that was heard.

    Attributes:
        prompt: Its name.
        file: The file that was played.
        began: The line's time at its start.
        ended: The line's time at its end; None while it plays.
        complete: Whether it was played to its end.
    """

    prompt: str
    file: str
    began: float
    ended: float | None = None
    complete: bool = False


class LineState:
    """One telephone's line.

    Attributes:
        frames: How many frames of voice were received: the line's clock.
        rings: How often the present call has rung.
        accepted: The exchange has taken the call up: it rings, or there is voice.
        answered: The present call was answered; for a station's set: it was lifted.
        end: How the present call ended; None while it goes on.
        is_recording: The line records what is said.
        playbacks: The prompts of the present call, in the order in which they began.
    """

    def __init__(self, *, patience: int | None = None) -> None:
        self.frames = 0
        self.accepted = False
        self._patience = patience
        self._renew()

    def _renew(self) -> None:
        """Begin a call."""
        self.rings = 0
        self.answered = False
        self.end: Ended | None = None
        self.is_recording = False
        self.playbacks: list[Playback] = []
        self._heard = bytearray()
        self._consumed = 0
        self._rang_at: float | None = None
        self._next_ring = 0.0

    @property
    def time(self) -> float:
        """The line's time in seconds."""
        return round(self.frames * FRAME_SECONDS, 2)

    @property
    def heard(self) -> bytes:
        """All that was heard since the answer, mu-law."""
        return bytes(self._heard)

    @property
    def is_up(self) -> bool:
        """Whether there is a call to press and speak in."""
        return self.answered and self.end is None

    @property
    def is_ringing(self) -> bool:
        """Whether it rings, and nobody has answered yet."""
        return self.rings > 0 and not self.answered and not self.end

    @property
    def is_tired_of_ringing(self) -> bool:
        """Whether nobody answered within as many rings as the caller has patience for."""
        if self._patience is None or self.answered or self.end or self.rings < self._patience:
            return False
        return self.rings > self._patience or self.time >= self._next_ring - _BEFORE_NEXT_RING

    def hear(self, frame: bytes) -> None:
        """Take one frame of voice."""
        self.frames += 1
        self.accepted = True
        if self.is_up:
            self._heard += frame

    def take(self, signal: Signal) -> Happening | None:
        """Take one signal; return what it means for people. A signal that is not known means nothing."""
        handler = self._HANDLERS.get(signal.type)
        return handler(self, signal) if handler else None

    def lift(self) -> OffHook:
        """Go off hook, with a station's set: a call begins, unless one rings."""
        if self.end:
            self._renew()
        self.accepted = self.answered = True
        return OffHook(t=self.time)

    def finish(self, reason: Reason) -> Ended:
        """End the call from this side."""
        self.end = Ended(t=self.time, by="phone", reason=reason)
        return self.end

    def lose(self) -> Ended | None:
        """The connection has gone; None where the call was over before."""
        return None if self.end else self._ended_by_exchange("lost")

    def consume(self, prompt: str) -> bool:
        """Whether this prompt was played to its end, after the one that was consumed last; consume it."""
        for position in range(self._consumed, len(self.playbacks)):
            playback = self.playbacks[position]
            if playback.prompt == prompt and playback.complete:
                self._consumed = position + 1
                return True
        return False

    def _ring(self, signal: Signal) -> Ring:
        if self.end:  # a station's set rings for another call
            self._renew()
        self.accepted = True
        self.rings = signal.count
        period = _RING_PERIOD if self._rang_at is None else self.time - self._rang_at
        self._rang_at = self.time
        self._next_ring = self.time + period
        return Ring(t=self.time, count=signal.count)

    def _show(self, signal: Signal) -> Shown:
        return Shown(t=self.time, number=signal.number, name=signal.name)

    def _answer(self, _: Signal) -> Answered:
        self.accepted = self.answered = True
        return Answered(t=self.time)

    def _begin_prompt(self, signal: Signal) -> Playing:
        self.playbacks.append(Playback(signal.prompt, signal.file, self.time))
        return Playing(t=self.time, prompt=signal.prompt, file=signal.file)

    def _end_prompt(self, signal: Signal) -> Played:
        playback = self._open_playback(signal.prompt)
        playback.ended = self.time
        playback.complete = signal.complete
        seconds = round(self.time - playback.began, 2)
        return Played(t=self.time, prompt=signal.prompt, complete=signal.complete, seconds=seconds)

    def _open_playback(self, prompt: str) -> Playback:
        for playback in reversed(self.playbacks):
            if playback.prompt == prompt and playback.ended is None:
                return playback
        # it began before this telephone came to the line
        self.playbacks.append(Playback(prompt, "", self.time))
        return self.playbacks[-1]

    def _begin_recording(self, signal: Signal) -> Recording:
        self.is_recording = True
        return Recording(t=self.time, file=signal.file)

    def _end_recording(self, signal: Signal) -> Recorded:
        self.is_recording = False
        return Recorded(t=self.time, file=signal.file)

    def _hang_up(self, signal: Signal) -> Ended | None:
        if self.end:  # the exchange confirms our own hangup
            return None
        if signal.reason == "closing":
            return self._ended_by_exchange("closing")
        self.end = Ended(t=self.time, by="line", reason="hangup")
        return self.end

    def _busy(self, _: Signal) -> Ended:
        return self._ended_by_exchange("busy")

    def _complain(self, signal: Signal) -> Happening:
        if self.accepted:
            return Complaint(t=self.time, message=signal.message)
        return self._ended_by_exchange("refused", signal.message)

    def _ended_by_exchange(self, reason: Reason, detail: str = "") -> Ended:
        self.end = Ended(t=self.time, by="exchange", reason=reason, detail=detail)
        return self.end

    _HANDLERS: ClassVar[dict[str, Callable[[LineState, Signal], Happening | None]]] = {
        "ringing": _ring,
        "caller": _show,
        "answered": _answer,
        "busy": _busy,
        "playing": _begin_prompt,
        "played": _end_prompt,
        "recording": _begin_recording,
        "recorded": _end_recording,
        "ended": _hang_up,
        "error": _complain,
    }
