"""The terminal: standard error, written by a thread of its own, so that whoever stops reading it holds up no call."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from contextlib import suppress

MOST_WAITING = 10_000
"""Lines that may wait for a reader; what comes then is lost, and how many were is said."""


class Terminal:
    """Writes lines in their order, from any thread."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._waiting: queue.Queue[str | None] = queue.Queue(most_waiting)
        self._lost = 0
        self._thread = threading.Thread(target=self._write, name="terminal", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Have a line written, with its LF; never waits."""
        try:
            if self._lost:
                self._waiting.put_nowait(f"({self._lost} lines lost here: nobody read them)\n")
                self._lost = 0
            self._waiting.put_nowait(line)
        except queue.Full:
            self._lost += 1

    def flush(self, within: float) -> bool:
        """Wait until all is written, for so many seconds; returns whether it is."""
        done = self._waiting.all_tasks_done
        with done:
            return done.wait_for(lambda: not self._waiting.unfinished_tasks, within)

    def close(self) -> None:
        """Write no more than what waits already."""
        with suppress(queue.Full):  # then the thread waits for a reader, and ends with the process
            self._waiting.put_nowait(None)

    def _write(self) -> None:
        while (line := self._waiting.get()) is not None:
            with suppress(
                OSError, ValueError
            ):  # a terminal that is gone: its lines are in the file, if there is one
                sys.stderr.write(line)
                sys.stderr.flush()
            self._waiting.task_done()
        self._waiting.task_done()


class ControllingTerminal:
    """The terminal that this process was started on, if it was on one; closing that sends SIGHUP.

    A process that was told to ignore SIGHUP, as by nohup, is on none: it is to live on without.
    """

    def __init__(self) -> None:
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._there = not ignored and _has_terminal()

    @property
    def gone(self) -> bool:
        """Whether it was closed."""
        return self._there and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
