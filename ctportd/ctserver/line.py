"""What a line can do, whatever stands behind it: the virtual exchange here, a card elsewhere.

A line keeps its own time, in frames of 20 ms. What goes out to the far end comes from one :class:`Source`
at a time; what comes in goes to every :class:`Sink`. What happens on it is told as a :class:`Signal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from ctportd.ctserver.g711 import FRAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.mixing import Pipe
    from ctportd.ctserver.settings import LineKind
    from ctportd.ctserver.sounds import Sound


class Signal(msgspec.Struct, frozen=True):
    """Something that happened on a line.

    Attributes:
        name: The event's name on the wire, or a user message's first word.
        words: Its payload.
    """

    name: str
    words: tuple[str, ...] = ()


class Source(Protocol):
    """What is sent to the far end, a frame at a time."""

    @property
    def over(self) -> bool:
        """Whether there is no further frame."""

    def read(self) -> bytes:
        """The next 160 bytes of mu-law. Called only while it is not over."""

    def ended(self, *, complete: bool) -> None:
        """The line let go of it: at its end, or (not ``complete``) before."""


class Sink(Protocol):
    """What hears the far end, a frame at a time."""

    def write(self, frame: bytes) -> None:
        """The next 160 bytes of mu-law."""


class Alarm(Protocol):
    """Something that will happen at a line's time."""

    def cancel(self) -> None:
        """It will not happen. No harm when it has already."""


class Line(Protocol):
    """A telephone line as its port sees it."""

    @property
    def kind(self) -> LineKind:
        """What it leads to."""

    @property
    def state(self) -> str:
        """One word for people: ``idle``, ``ringing``, ``connected``, ..."""

    @property
    def off_hook(self) -> bool:
        """Whether the port has taken the line."""

    @property
    def far_gone(self) -> bool:
        """Whether the port is off hook in a call whose far end has hung up."""

    @property
    def rings(self) -> int:
        """How often it has rung for the call that is not answered yet; 0 where none rings."""

    def answer(self) -> None:
        """Go off hook."""

    def hang_up(self) -> None:
        """Go on hook."""

    def say(self, source: Source | None) -> None:
        """Send this from now on, in place of what is being sent; None: silence."""

    def stop(self, source: Source) -> None:
        """Send this no more, if it is what is being sent."""

    def dial_key(self, key: str) -> None:
        """The port dials this key; its tone is being sent."""

    def listen(self, sink: Sink) -> None:
        """Give every frame that comes in to this too."""

    def unlisten(self, sink: Sink) -> None:
        """Give it no more."""

    def pipe(self, pipe: Pipe) -> None:
        """Send what this holds too, mixed with all else."""

    def unpipe(self, pipe: Pipe) -> None:
        """Send it no more."""

    def flash(self) -> None:
        """A hook flash towards the far end."""

    def after(self, seconds: float, action: Callable[[], None]) -> Alarm:
        """Do this when so much of the line's time has gone."""

    def note(self, kind: str, **fields: str | float | bool) -> None:
        """Tell a virtual telephone what the port does; a real line has no ear for it."""


class Playback:
    """A file on its way to the far end."""

    def __init__(self, sound: Sound, line: Line, on_end: Callable[[], None]) -> None:
        """``on_end`` is called when the line lets go of it, whatever the reason."""
        self.sound = sound
        self._line = line
        self._on_end = on_end
        self._at = 0

    def start(self) -> None:
        """Begin to play."""
        # first the line lets go of what it plays: its `played` comes before this `playing`
        self._line.say(None)
        self._line.note("playing", prompt=self.sound.prompt, file=self.sound.path)
        self._line.say(self)
        if self.over:  # a file without a sample
            self._line.say(None)

    @property
    def over(self) -> bool:
        """Whether all of it was sent."""
        return self._at >= len(self.sound.codes)

    def read(self) -> bytes:
        """The next frame."""
        start = self._at
        self._at = end = start + FRAME
        return self.sound.codes[start:end]

    def ended(self, *, complete: bool) -> None:  # noqa: ARG002  a file without a sample is over before it begins
        """Tell the telephone, then whoever waits."""
        self._line.note("played", prompt=self.sound.prompt, complete=self.over)
        self._on_end()


class Loop:
    """A tone: voice that is repeated without a seam until the line is told to stop."""

    over = False

    def __init__(self, codes: bytes, on_end: Callable[[], None]) -> None:
        """``codes``: one turn of at least a frame; its length need not be whole frames."""
        self._codes = codes + codes[:FRAME]
        self._length = len(codes)
        self._at = 0
        self._on_end = on_end

    def read(self) -> bytes:
        """The next frame."""
        frame = self._codes[self._at : self._at + FRAME]
        self._at = (self._at + FRAME) % self._length
        return frame

    def ended(self, *, complete: bool) -> None:  # noqa: ARG002  a tone has no end of its own
        """Tell whoever waits."""
        self._on_end()
