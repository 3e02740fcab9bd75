"""Standard error, written by a thread of its own: whoever stops reading it holds up no call."""

from __future__ import annotations

import queue
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
