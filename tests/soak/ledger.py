"""What the callers know: every call that was offered, and what became of it as they saw it."""

from __future__ import annotations

import time

import msgspec

SHORTEST = 1
"""Seconds that a message must have to be kept, as the soak configures voicemail."""

ON_ITS_WAY = 0.5
"""Seconds of voice that may be between telephone and line when one of them dies: the exchange's window."""

UNWRITTEN = 0.5
"""Seconds that ctserver holds back for the disk: it writes a recording by half seconds."""

SURE = SHORTEST + 1.0
"""Seconds after which a message must be stored, whatever happens: half a second of them may have been on its way,
and of what came, the last half second may not have been written."""


class Spoken(msgspec.Struct):
    """What a caller said to one recording.

    Attributes:
        seconds: How long, on the line's time, until the end or the fault.
        began: When the caller waited for the recording, on the wall clock.
        over: When the call was over; 0 while that is to come.
        cut: The caller's own connection broke, and took along what was on its way.
        speaking: The caller speaks at this moment.
    """

    seconds: float = 0.0
    began: float = msgspec.field(default_factory=time.time)
    over: float = 0.0
    cut: bool = False
    speaking: bool = False

    @property
    def must_be_stored(self) -> bool:
        """Whether so much was said that it may not be lost."""
        return self.seconds >= SURE


class Entry(msgspec.Struct):
    """One call.

    Attributes:
        number: Who called; no two calls have the same.
        line: Which port was called.
        manner: What the caller had in mind.
        offered_at: When the call was begun, on the wall clock.
        answered_at: When it was answered; 0 where it was not.
        ended_at: When it was over for the caller.
        spoken: One for each recording that the caller waited for.
        end: How it ended: ``done`` as the caller meant it, ``busy``, or the telephone's complaint.
    """

    number: int
    line: int
    manner: str
    offered_at: float
    answered_at: float = 0.0
    ended_at: float = 0.0
    spoken: list[Spoken] = []
    end: str = ""

    @property
    def caller(self) -> str:
        """The number as the exchange tells it."""
        return str(self.number)

    @property
    def went_wrong(self) -> bool:
        """Whether it went otherwise than its caller and a healthy line would have it."""
        return self.end not in {"done", "busy"}


_LATEST = 20  # calls at the end of the ledger, more than there are lines


class Ledger:
    """All calls, in the order in which they were offered."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def offer(self, line: int, manner: str) -> Entry:
        """Begin a call from a number that nobody else has."""
        entry = Entry(5_000_000 + len(self.entries), line, manner, time.time())
        self.entries.append(entry)
        return entry

    @property
    def answered(self) -> list[Entry]:
        """The calls that were answered."""
        return [entry for entry in self.entries if entry.answered_at]

    @property
    def somebody_speaks(self) -> bool:
        """Whether there is a caller in the middle of a message."""
        return any(spoken.speaking for entry in self.entries[-_LATEST:] for spoken in entry.spoken)

    @property
    def spoken(self) -> list[Spoken]:
        """Everything that was said to a recording."""
        return [spoken for entry in self.entries for spoken in entry.spoken if spoken.seconds]
