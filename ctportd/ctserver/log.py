"""The server's own log: JSON lines in a file that ``rolllog`` puts aside."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from pathlib import Path


class ServerLog:
    """Writes to a file, or to standard error.

    Attributes:
        logger: What the server logs with.
    """

    def __init__(self, path: Path | None) -> None:
        """Open it, to append.

        Raises:
            OSError: The file cannot be opened.
        """
        self._path = path
        self._file: TextIO = sys.stderr if path is None else path.open("a", encoding="utf-8")
        self.logger: structlog.BoundLogger = structlog.wrap_logger(
            self,
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
            wrapper_class=structlog.BoundLogger,
        )

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()

    debug = info = warning = error = _write

    def roll(self, now: datetime | None = None) -> Path | None:
        """Close the file, rename it with the date, open a new one; what it is called now (None: no file).

        A second one on the same day gets the time too, and none is ever written over.

        Raises:
            OSError: The file cannot be renamed or opened.
        """
        if self._path is None:
            return None
        now = now or datetime.now(UTC)
        self._file.close()
        try:
            aside = self._free_name(now)
            self._path.replace(aside)
        finally:
            self._file = self._path.open("a", encoding="utf-8")
        return aside

    def _free_name(self, now: datetime) -> Path:
        path = self._path
        if path is None:
            raise OSError("there is no log file")
        aside = path.with_name(f"{path.name}.{now:%Y-%m-%d}")
        tried = 1
        while aside.exists():
            suffix = f"-{tried}" if tried > 1 else ""
            aside = path.with_name(f"{path.name}.{now:%Y-%m-%dT%H%M%S}{suffix}")
            tried += 1
        return aside

    def close(self) -> None:
        """Close the file."""
        if self._path is not None:
            self._file.close()
