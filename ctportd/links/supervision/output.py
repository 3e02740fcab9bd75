"""What ctserver prints, line by line into the log."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque

import structlog

from ctportd.ration import Ration

STARTED = "Started!"
GIVING_UP = "Giving up"
READ_AGAIN = ("Read again!", "Not read again: ")
"""What our own says when it was told to read the configuration again."""

LONGEST_LINE = 4096
"""Bytes; what goes on without an LF is logged in pieces of this length, so that it cannot fill the memory."""

LINES_A_MINUTE = 100
"""Lines that are logged in a minute; the others are counted, so that it cannot fill the disk either (our figure)."""

_PIECE = 64 * 1024
_SHOWN_LINES = 3  # of its last words, in the error
_DRAIN_TIMEOUT = (
    1.0  # seconds for its last words: a process that has left its group may hold the terminal for ever
)

log = structlog.stdlib.get_logger("ctportd.supervisor")


class Output:
    """Reads the terminal on which ctserver prints, from now until it is closed.

    Args:
        terminal: The file descriptor of our side, which is closed with this.
        name: The server's name in the configuration.

    Attributes:
        started: Set when it has said ``Started!``.
        read_again: Set when it has said what became of reading the configuration again.
    """

    def __init__(self, terminal: int, name: str) -> None:
        self.started = asyncio.Event()
        self.read_again = asyncio.Event()
        self._drained = asyncio.Event()
        self._terminal = terminal
        self._name = name
        self._pending = b""
        self._ration = Ration(LINES_A_MINUTE)
        self._last: deque[str] = deque(maxlen=_SHOWN_LINES)
        os.set_blocking(terminal, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(terminal, self._read)

    def close(self) -> None:
        """Read no more."""
        self._tell_of(self._ration.left_out())
        self._loop.remove_reader(self._terminal)
        os.close(self._terminal)

    async def last_words(self) -> str:
        """What it printed last, for the error; once it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_TIMEOUT):
                await self._drained.wait()
        return f"; its last words: {' / '.join(self._last)}" if self._last else ""

    def _read(self) -> None:
        try:
            self._take(os.read(self._terminal, _PIECE))
        except BlockingIOError:
            return
        except OSError:  # EIO: the last process that held the terminal is gone
            self._loop.remove_reader(self._terminal)
            self._drained.set()

    def _take(self, data: bytes) -> None:
        """Log each whole line."""
        *lines, pending = (self._pending + data).split(b"\n")
        whole = len(pending) - len(pending) % LONGEST_LINE
        self._pending = pending[whole:]
        for line in (*lines, pending[:whole]):
            for begin in range(0, len(line), LONGEST_LINE):
                self._line(line[begin : begin + LONGEST_LINE].decode("utf-8", "replace").strip("\r\0 "))

    def _line(self, line: str) -> None:
        if line == STARTED:
            self.started.set()
        elif line:
            if line.startswith(READ_AGAIN):
                self.read_again.set()
            self._last.append(line)
            self._log(line)

    def _log(self, line: str) -> None:
        may, left_out = self._ration.take()
        self._tell_of(left_out)
        if may:
            bad = any(words in line for words in (GIVING_UP, "Address already in use", READ_AGAIN[1]))
            told = log.warning if bad else log.info
            told("ctserver says", ctserver=self._name, line=line)

    def _tell_of(self, left_out: int) -> None:
        if left_out:
            log.warning("ctserver says more than is logged", ctserver=self._name, left_out=left_out)
