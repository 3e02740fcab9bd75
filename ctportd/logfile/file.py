"""One file of lines that is rolled while it is written to."""

from __future__ import annotations

import os
import stat
import threading
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from ctportd.logfile.keeping import Keeping, Rolled
from ctportd.logfile.old import OldFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from pathlib import Path

LOOK_EVERY = 1.0
"""Seconds between two looks at whether another program has moved the file away (our figure)."""

TRY_AGAIN = 60.0
"""Seconds after which a file that is too long, and could not be rolled, is tried again (our figure)."""

JUST_NOW = 10.0
"""Seconds for which a file is not rolled after another program has moved the one before: it is the same rotation, of
which that program tells us (our figure)."""


class LogFile:
    """A log file that can be rolled while it is written to. Threads may share it.

    A line is one write, so that it is there whole or not at all, whoever dies; one that finds no room is cut off again.

    Args:
        path: The file; it is added to if it exists, and its folder is made if it does not.
        keeping: How long it may become, and what becomes of the old ones.
        tell: Told what a rotation came to that the file began by itself, in a thread of its own.
        monotonic: Gives seconds.

    Attributes:
        path: As given.
        keeping: As given; it may be changed.
    """

    def __init__(
        self,
        path: Path,
        keeping: Keeping = Keeping(),  # noqa: B008 - it cannot be changed
        tell: Callable[[Rolled], object] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.keeping = keeping
        self._tell = tell
        self._monotonic = monotonic
        self._old = OldFiles(path)
        self._lock = threading.Lock()
        self._tidying = threading.Lock()
        self._look_at = monotonic() + LOOK_EVERY
        self._full_at = 0.0  # when the length matters again
        self._moved_at: float | None = None
        self._torn = False  # whether the file ends within a line
        path.parent.mkdir(parents=True, exist_ok=True)
        self._use(self._opened())

    # -- writing

    def write(self, line: bytes) -> None:
        """Add one line, without its LF.

        Raises:
            OSError: The disk does not take it; nothing of it is in the file.
            ValueError: The file is closed.
        """
        with self._lock:
            now = self._monotonic()
            if now >= self._look_at:
                self._look(now)
            self._append(line + b"\n")
            full = 0 < self.keeping.max_size * 1e6 <= self._size and now >= self._full_at
            if full:
                self._full_at = now + TRY_AGAIN
        if full:
            threading.Thread(target=self._roll_full, name="log", daemon=True).start()

    def _append(self, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line
        done = 0
        try:
            while done < len(line):
                done += self._file.write(line[done:]) or 0
        except OSError:
            self._torn = bool(done) and not self._cut_off(done)
            raise
        self._torn = False
        self._size += done

    def _cut_off(self, tail: int) -> bool:
        """Take back what there was room for of a line that there was not; returns whether it could be."""
        try:
            descriptor = self._file.fileno()
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - tail)
        except OSError:
            return False
        return True

    # -- the file that is open

    def _opened(self) -> FileIO:
        return self.path.open("ab", buffering=0)

    def _use(self, file: FileIO) -> None:
        """Write to this one from now on. One that ends within a line, as a power cut leaves it, gets an LF first."""
        found = os.fstat(file.fileno())
        self._file, self._place, self._size = file, (found.st_dev, found.st_ino), found.st_size
        self._rolls = stat.S_ISREG(found.st_mode)
        self._torn = False
        if self._rolls and found.st_size:
            with suppress(OSError), self.path.open("rb") as reading:
                reading.seek(-1, os.SEEK_END)
                self._torn = reading.read(1) != b"\n"

    def _look(self, now: float) -> None:
        """Whether another program, such as logrotate, has moved the file away, or cut it."""
        self._look_at = now + LOOK_EVERY
        if self._was_moved():
            with suppress(OSError):  # then lines go where they went
                self._reopen(now)
        else:
            self._size = os.fstat(self._file.fileno()).st_size

    def _was_moved(self) -> bool:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return True
        except OSError:  # nobody can say now
            return False
        return (found.st_dev, found.st_ino) != self._place

    def _reopen(self, now: float) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._replace(self._opened())
        self._moved_at = now

    def _replace(self, fresh: FileIO) -> None:
        before = self._file
        self._use(fresh)
        before.close()

    # -- rolling

    def rotate(self, now: datetime) -> Rolled:
        """Roll it, and tidy the old ones; waits for the disk. Raises nothing: problems are told, lines are written on.

        Args:
            now: The local time.
        """
        rolled = self.roll(now)
        self.tidy(now, rolled)
        return rolled

    def roll(self, now: datetime) -> Rolled:
        """Close the file, give it the date, open a new one. Lines are written on, whatever comes.

        Where another program has moved the file away, a new one is begun, and that is all.
        """
        with self._lock:
            try:
                return self._roll(now)
            except (OSError, ValueError) as error:  # ValueError: it is closed
                why = getattr(error, "strerror", None) or error
                return Rolled(problems=[f"{self.path} cannot be rolled, and is written on: {why}"])

    def _roll(self, now: datetime) -> Rolled:
        seconds = self._monotonic()
        if self._was_moved():
            self._reopen(seconds)
        if self._moved_at is not None and seconds - self._moved_at < JUST_NOW:
            return Rolled(moved=True)
        if not self._rolls:
            return Rolled(problems=[f"{self.path} is no file that could be rolled"])
        old = self._old.free_name(now)
        self.path.rename(old)
        try:
            fresh = self._opened()
        except OSError:
            old.rename(self.path)  # so that lines are found where they always are
            raise
        self._replace(fresh)
        self._full_at = 0.0
        return Rolled(old)

    def tidy(self, now: datetime, rolled: Rolled) -> None:
        """Compress and remove old files, and say so in ``rolled``; waits for the disk."""
        with self._tidying:
            try:
                self._old.tidy(self.keeping, now, rolled)
            except OSError as error:
                rolled.problems.append(f"{self.path.parent} cannot be read: {error.strerror or error}")

    def _roll_full(self) -> None:
        self._tell(self.rotate(datetime.now().astimezone()))

    def fileno(self) -> int:
        """The descriptor that is open now."""
        return self._file.fileno()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._file.close()
