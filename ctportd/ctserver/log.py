"""The server's own log: JSON lines in a file that ``rolllog`` puts aside."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from ctportd.ctserver.log_limits import Sparing, cut
from ctportd.errors import ServerError
from ctportd.logfile import Keeping, LogFile, Rolled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_WAITING = 10_000
"""Lines that may wait for the disk; what comes then is lost, and how many were is said."""


_ROLLS = 4
"""Times a minute that the file may be put aside: every client may ask for it, and each makes one file more."""


class RolledTooOften(ServerError):  # noqa: N818  named after what happened, as in ctportd.errors
    """The log was put aside a moment ago, and again, and again."""


class ServerLog:
    """Writes to a file, or to standard error, in a thread of its own: no line ever waits for a disk.

    Attributes:
        logger: What the server logs with.
    """

    def __init__(
        self,
        path: Path | None,
        keeping: Keeping = Keeping(),  # noqa: B008 - it cannot be changed
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open it, to append. This may wait for the disk. ``clock`` gives seconds.

        Raises:
            OSError: The file cannot be opened.
        """
        self._file = None if path is None else LogFile(path, keeping, self._tell)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log")
        self._clock = clock
        self._rolled: deque[float] = deque(maxlen=_ROLLS)
        self._waiting = 0
        self._lost = 0
        self.logger: structlog.BoundLogger = structlog.wrap_logger(
            self,
            processors=[
                Sparing(clock),
                cut,  # before what a fault of ours adds, which is as long as it is
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
            wrapper_class=structlog.BoundLogger,
        )

    def keep(self, keeping: Keeping) -> None:
        """Have the file become so long, and keep so many old ones, from now on."""
        if self._file is not None:
            self._file.keeping = keeping

    def _take(self, line: str) -> None:
        """A line, from the loop's thread."""
        if self._waiting >= _WAITING:
            self._lost += 1
            return
        if self._lost:
            line += f'\n{{"event": "lines lost", "count": {self._lost}, "level": "warning"}}'
            self._lost = 0
        self._waiting += 1
        self._thread.submit(self._write, line)

    debug = info = warning = error = _take

    def _write(self, line: str) -> None:
        """The same line, in the log's own thread."""
        try:
            if self._file is not None:
                self._file.write(line.encode("utf-8", "backslashreplace"))
            else:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
        except OSError:  # the disk is full, say: the line is lost, and that is told when there is room
            self._lost += 1
        finally:
            self._waiting -= 1

    async def roll(self) -> Path | None:
        """Close the file, rename it with the date, open a new one; what it is called now (None: no file).

        None is ever written over; older ones are compressed and removed as was said, behind the back of whoever asks.

        Raises:
            RolledTooOften: It was, four times in this minute.
            ServerError: The file cannot be renamed or opened.
        """
        if self._file is None:
            return None
        now = self._clock()
        if len(self._rolled) == _ROLLS and now - self._rolled[0] < 60.0:
            raise RolledTooOften(f"{self._file.path} was put aside {_ROLLS} times within a minute")
        self._rolled.append(now)
        at = datetime.now().astimezone()
        rolled = await asyncio.get_running_loop().run_in_executor(self._thread, self._file.roll, at)
        if rolled.problems:
            raise ServerError(rolled.problems[0])
        threading.Thread(target=self._tidy, args=(self._file, at), name="old logs", daemon=True).start()
        return rolled.old

    def _tidy(self, file: LogFile, at: datetime) -> None:
        rolled = Rolled()
        file.tidy(at, rolled)
        self._tell(rolled)

    def _tell(self, rolled: Rolled) -> None:
        with suppress(RuntimeError):  # the log was closed meanwhile
            if rolled.old is not None:
                self.logger.info("log rolled", aside=str(rolled.old))
            for problem in rolled.problems:
                self.logger.error("the log is not rolled as it should be", problem=problem)

    def close(self) -> None:
        """Write what waits, and close the file. This may wait for the disk."""
        self._thread.shutdown()
        if self._file is not None:
            self._file.close()
