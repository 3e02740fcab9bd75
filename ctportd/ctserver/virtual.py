"""What every line of the virtual exchange has in common: its time, what it sends, who hears it."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Protocol

from ctportd.ctserver.g711 import FRAMES_A_SECOND, SILENCE
from ctportd.ctserver.mixing import mix

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.directory import Caller
    from ctportd.ctserver.line import Signal, Sink, Source
    from ctportd.ctserver.mixing import Pipe


class Far(Protocol):
    """The far end of a call, as a line sees it: a telephone, or another line."""

    @property
    def behind(self) -> bool:
        """Whether the line should wait for it."""

    def begin(self) -> None:
        """Voice flows from now on."""

    def tell(self, kind: str, **fields: str | float | bool) -> None:
        """A signal of the exchange."""

    def hear(self, frame: bytes) -> None:
        """20 ms of voice."""

    def owed(self) -> list[bytes]:
        """Silence for what it should have sent and did not."""

    def close(self) -> None:
        """The call is over, and all is said."""

    def connect(self, leg: Caller) -> None:
        """What it says goes there from now on."""


class VirtualAlarm:
    """An action at a frame of a line's time."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """It will not happen."""
        self._action = None

    def fire(self) -> None:
        """It happens, unless it was cancelled."""
        action, self._action = self._action, None
        if action is not None:
            action()


class VirtualLine:
    """A line's time and voice; what a call is, its kinds know.

    Attributes:
        number: The telephone port.
        listener: Is told what happens on the line.
        now: The line's time, in frames of 20 ms since it was made.
    """

    def __init__(self, number: int, listener: Callable[[Signal], None]) -> None:
        self.number = number
        self.listener = listener
        self.now = 0
        self._far: Far | None = None
        self._source: Source | None = None
        self._sinks: tuple[Sink, ...] = ()  # replaced, never changed: a sink may leave while it is written to
        self._pipes: tuple[Pipe, ...] = ()  # likewise
        self._alarms: list[tuple[int, int, VirtualAlarm]] = []
        self._order = count()

    def tick(self) -> None:
        """20 ms go by, unless a telephone is too far behind to follow."""
        if self._far is not None and self._far.behind:
            return
        self.now += 1
        while self._alarms and self._alarms[0][0] <= self.now:
            heapq.heappop(self._alarms)[2].fire()
        frame = self._sent()
        if self._far is not None:
            self._far.hear(frame)
        if self._source is not None and self._source.over:
            self._let_go(complete=True)
        if self._far is not None:
            for owed in self._far.owed():
                self.incoming(owed)
        else:
            self.incoming(self._heard_from_exchange())

    def _sent(self) -> bytes:
        """What goes to the far end in this tick."""
        own = None if self._source is None else self._source.read()
        if not self._pipes:
            return SILENCE if own is None else own
        frames = [frame for pipe in self._pipes if (frame := pipe.read()) is not None and frame != SILENCE]
        if own is not None:
            frames.append(own)
        return mix(frames) if frames else SILENCE

    def _heard_from_exchange(self) -> bytes:
        """What comes in where there is no far end."""
        return SILENCE

    def incoming(self, frame: bytes) -> None:
        """20 ms came in from the far end."""
        for sink in self._sinks:
            sink.write(frame)

    def after(self, seconds: float, action: Callable[[], None]) -> VirtualAlarm:
        """Do this when so much of the line's time has gone, with the next tick at the earliest."""
        alarm = VirtualAlarm(action)
        at = self.now + max(1, round(seconds * FRAMES_A_SECOND))
        heapq.heappush(self._alarms, (at, next(self._order), alarm))
        return alarm

    def say(self, source: Source | None) -> None:
        """Send this from now on; what was being sent ends incomplete."""
        self._let_go(complete=False)
        self._source = source

    def stop(self, source: Source) -> None:
        """Send this no more, if it is what is being sent."""
        if self._source is source:
            self._let_go(complete=False)

    def _let_go(self, *, complete: bool) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.ended(complete=complete)

    def listen(self, sink: Sink) -> None:
        """Give every frame that comes in to this too."""
        self._sinks += (sink,)

    def unlisten(self, sink: Sink) -> None:
        """Give it no more."""
        self._sinks = tuple(other for other in self._sinks if other is not sink)

    def pipe(self, pipe: Pipe) -> None:
        """Send what this holds too, mixed with all else."""
        self._pipes += (pipe,)

    def unpipe(self, pipe: Pipe) -> None:
        """Send it no more."""
        self._pipes = tuple(other for other in self._pipes if other is not pipe)

    def note(self, kind: str, **fields: str | float | bool) -> None:
        """Tell the far end what the port does."""
        if self._far is not None:
            self._far.tell(kind, **fields)
