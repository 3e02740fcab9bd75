"""The last lines of a log file, and of those that it was before it was rolled."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from contextlib import suppress
from glob import escape
from typing import TYPE_CHECKING

import msgspec

from ctportd.live.filters import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ctportd.live.filters import LineFilter

OLDER = 5
"""Files that are looked into, beside the one that is written now (our figure)."""

_PACKED, _PART = ".gz", ".part"


def last_lines(path: Path, number: int, wanted: LineFilter) -> list[bytes]:
    """The last lines that are meant, the oldest first.

    Raises:
        OSError: The log cannot be read.
    """
    found: deque[bytes] = deque()
    for file in (path, *_older(path)):
        if len(found) >= number:
            break
        kept = deque((line for line in _lines(file) if wanted.takes(line)), maxlen=number - len(found))
        found.extendleft(reversed(kept))
    return list(found)


def moment_of(line: bytes) -> str:
    """When a line was written, as it says; empty where it says nothing."""
    try:
        return msgspec.json.decode(line, type=LogLine, strict=False).timestamp
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _older(path: Path) -> list[Path]:
    """What the log was before, the newest first. One that is just being packed is there twice: as it was is whole."""
    rolled: dict[Path, float] = {}
    for file in path.parent.glob(f"{escape(path.name)}.*"):
        with suppress(FileNotFoundError):  # it was packed, or removed
            if file.suffix != _PART and file.is_file():
                rolled[file] = file.stat().st_mtime
    whole = [file for file in rolled if file.suffix != _PACKED or file.with_suffix("") not in rolled]
    return sorted(whole, key=rolled.__getitem__, reverse=True)[:OLDER]


def _lines(path: Path) -> Iterator[bytes]:
    """Those that can be read: of a packed file that is damaged, what comes before."""
    with (
        suppress(EOFError, zlib.error, gzip.BadGzipFile),
        gzip.open(path) if path.suffix == _PACKED else path.open("rb") as file,
    ):
        for line in file:
            if line.endswith(b"\n"):  # the last one may be in the midst of being written
                yield line[:-1]
