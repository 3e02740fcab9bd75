"""The old files of a log: what they are called, and which are compressed and removed.

Only files of our own pattern are ever touched, such as ``ctportd.log.20261123-181500``, ``.1`` behind it for a second
one of that second, ``.gz`` for one that is compressed.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ctportd.logfile.keeping import Keeping, Rolled

_STAMP = "%Y%m%d-%H%M%S"

_WRONG_CLOCK = timedelta(days=1)
"""How far a name may lie ahead because the clock was put back, as in autumn; further, and it was wrong (our figure)."""

_PART = ".gz.part"
"""What a file is called as long as it is being compressed."""

_CHUNK = 1 << 20


class OldFiles:
    """The old files of one log.

    Args:
        path: The log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        name = re.escape(path.name)
        self._pattern = re.compile(rf"({name}\.(\d{{8}}-\d{{6}})(?:\.(\d+))?)(\.gz)?", re.ASCII)
        self._left_over = re.compile(self._pattern.pattern + re.escape(".part"), re.ASCII)

    def free_name(self, now: datetime) -> Path:
        """What the log is called once it is rolled: its name with the date, under no other's name.

        A name is never before that of the file that was rolled last, though the clock be put back: by their names they
        are told old from new.
        """
        names = self._names(now)
        stamp, number = f"{now:{_STAMP}}", 0
        if names and (newest := self._rank(names[-1], now))[0] >= stamp:
            stamp, number = newest[0], newest[1] + 1
        return self._path.with_name(f"{self._path.name}.{stamp}" + (f".{number}" if number else ""))

    def tidy(self, keeping: Keeping, now: datetime, rolled: Rolled) -> None:
        """Compress and remove what is to be, and say so in ``rolled``. The newest stays as it is, to be read."""
        self._remove_left_over()
        names = self._names(now)
        doomed = names[: -keeping.keep] if keeping.keep else []
        for name in doomed:
            for path in (self._path.with_name(name), self._path.with_name(f"{name}.gz")):
                with _told(rolled, path, "removed"), suppress(FileNotFoundError):
                    path.unlink()
                    rolled.removed.append(path)
        if keeping.compress:
            for path in (self._path.with_name(name) for name in names[len(doomed) : -1]):
                if path.exists():
                    with _told(rolled, path, "compressed"):
                        rolled.compressed.append(_compress(path))

    def _names(self, now: datetime) -> list[str]:
        """Of all old files, without ``.gz``, the oldest first."""
        found = (self._pattern.fullmatch(entry.name) for entry in os.scandir(self._path.parent))
        return sorted({match[1] for match in found if match}, key=lambda name: self._rank(name, now))

    def _rank(self, name: str, now: datetime) -> tuple[str, int]:
        """By which files are told old from new. One from days to come counts as the oldest: the clock was wrong."""
        match = self._pattern.fullmatch(name)
        assert match is not None  # noqa: S101 - it was found by the pattern
        stamp = match[2] if match[2] <= f"{now + _WRONG_CLOCK:{_STAMP}}" else ""
        return stamp, int(match[3] or 0)

    def _remove_left_over(self) -> None:
        """A crash may have left a file that was half compressed; what it was to be made of is still there."""
        for entry in list(os.scandir(self._path.parent)):
            if self._left_over.fullmatch(entry.name):
                with suppress(OSError):  # it is only in the way, and the next time may do
                    Path(entry.path).unlink()


class _told(suppress):  # noqa: N801 - used as a verb, like suppress
    """Goes on after an OSError, and tells of it."""

    def __init__(self, rolled: Rolled, path: Path, done: str) -> None:
        super().__init__(OSError)
        self._rolled, self._path, self._done = rolled, path, done

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, OSError):
            self._rolled.problems.append(f"{self._path} cannot be {self._done}: {error.strerror or error}")
        return isinstance(error, OSError)


def _compress(path: Path) -> Path:
    """Compress a file into one beside it; at every moment one of the two is whole, and on the disk."""
    part = path.with_name(path.name + _PART)
    whole = path.with_name(path.name + ".gz")
    found = path.stat()
    try:
        with path.open("rb") as source, part.open("wb") as target:
            os.fchmod(target.fileno(), found.st_mode & 0o777)
            with gzip.GzipFile(filename=path.name, mode="wb", fileobj=target, mtime=found.st_mtime) as packed:
                shutil.copyfileobj(source, packed, _CHUNK)
            target.flush()
            os.fsync(target.fileno())
        os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
        part.rename(whole)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    path.unlink()
    return whole


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
