"""One telephone as the exchange sees it: the far end of a call, behind a WebSocket."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from ctportd.ctserver.g711 import FRAME, SILENCE
from ctportd.ctserver.signalling import text_frame, voice_frame

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW = 25
"""Frames that may be on their way to a telephone and back: half a second of line time.

A line waits for a telephone that is further behind, so a key is never much older than what it answers,
however fast the line's time runs.
"""

_SILENT_AFTER = 1.0
"""Seconds of real time after which a telephone that owes voice, and sends none, is taken to be silent."""

_SLACK = 50
"""Frames that a telephone may be ahead of what it was sent; more is no conversation, and is dropped."""

_UNREAD = 512 * 1024
"""Bytes that may wait for a telephone that does not read: a minute of voice. Then it is dropped."""


class Leg(Protocol):
    """What a telephone is connected with."""

    def incoming(self, frame: bytes) -> None:
        """20 ms of voice."""

    def pressed(self, key: str) -> None:
        """A key."""

    def flashed(self) -> None:
        """A hook flash."""

    def far_hung_up(self) -> None:
        """It went on hook, or is gone."""


class Telephone:
    """The exchange's end of a telephone's connection.

    Attributes:
        closing: Set when the exchange has said all that it had to say: the connection is to be closed.
        leg: What it is connected with: a line, the set of one, another telephone.
        dropped: Frames that came in excess, and were thrown away.
    """

    def __init__(self, transport: asyncio.Transport, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives the real time, in seconds."""
        self._transport = transport
        self._clock = clock
        self._sent = 0
        self._heard = 0
        self._last_heard = clock()
        self.closing = asyncio.Event()
        self.dropped = 0
        self.leg: Leg | None = None

    def begin(self) -> None:
        """Voice flows from now on, both ways."""
        self._sent = self._heard = 0
        self._last_heard = self._clock()

    def tell(self, kind: str, **fields: str | float | bool) -> None:
        """Say something to the telephone; it stands in its place among the voice."""
        self._write(text_frame(kind, fields))

    def hear(self, frame: bytes) -> None:
        """Send it 20 ms of voice."""
        if self._sent == self._heard:  # it owes nothing until now: it was not silent, though time went by
            self._last_heard = self._clock()
        self._sent += 1
        self._write(voice_frame(frame))

    def _write(self, data: bytes) -> None:
        if self.closing.is_set() or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _UNREAD:
            self._transport.abort()

    def connect(self, leg: Leg) -> None:
        """What it says goes there from now on."""
        self.leg = leg

    def close(self) -> None:
        """Nothing more is said; the connection ends."""
        self.closing.set()

    def spoke(self, frame: bytes) -> bool:
        """A frame came. Returns whether it counts: it may be too short, or one too many."""
        if len(frame) != FRAME or self._heard - self._sent >= _SLACK:
            self.dropped += 1
            return False
        self._last_heard = self._clock()
        self._heard += 1
        return True

    @property
    def behind(self) -> bool:
        """Whether the line should wait for it. A silent telephone is not waited for."""
        return self._sent - self._heard >= _WINDOW and not self.silent

    @property
    def silent(self) -> bool:
        """Whether it has owed voice, and sent none, for a second of real time."""
        return self._clock() - self._last_heard >= _SILENT_AFTER

    def owed(self) -> list[bytes]:
        """Silence in place of the frames that a silent telephone owes; nothing where it speaks."""
        missing = self._sent - self._heard
        if missing <= 0 or not self.silent:
            return []
        self._heard += missing
        return [SILENCE] * missing
