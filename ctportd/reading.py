"""Files that people change while we run: read up to a size, and again when they change."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

Stamp: TypeAlias = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """What changes when a file does; None where it is not there. Looks at the disk."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def read_bounded(path: Path, most: int) -> bytes:
    """All of a file, which may be anybody's.

    Args:
        path: The file.
        most: Bytes that it may have: whole MiB.

    Raises:
        OSError: It cannot be read, or has more.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 20} MiB", str(path))
    return content
