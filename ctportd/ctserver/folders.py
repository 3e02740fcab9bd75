"""Where files that clients name may be: a name that comes over the wire leads nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from ctportd.errors import AudioError

_LONGEST = 4095
"""Bytes of a path that Linux takes (PATH_MAX); to look at the parts of a longer one would only cost time."""


class OutsideFolders(AudioError):  # noqa: N818  named after what happened, as in ctportd.errors
    """A file is in none of the folders in which clients may name files."""


class Folders:
    """Folders in which files may be, with all that is in them; none: anywhere.

    What counts is where a file really is, once ``..`` and symbolic links are followed.
    """

    def __init__(self, *folders: Path) -> None:
        """They may be relative to the working directory, and need not be there yet."""
        self._folders = folders

    def replace(self, *folders: Path) -> None:
        """Have these instead from now on."""
        self._folders = folders

    def to_play(self, name: str) -> Path:
        """Where the file really is that a client names to be played. Looks at the disk.

        Raises:
            OutsideFolders: It is in none of the folders.
            AudioError: The name is too long.
        """
        return self._inside(name, Path(os.path.realpath(_sane(name))))

    def to_record(self, name: str) -> Path:
        """Where the file will be that a client names to be recorded: what its last part links to does not matter.

        Raises:
            OutsideFolders: As for :meth:`to_play`.
            AudioError: The name is too long, or names no file.
        """
        path = Path(_sane(name))
        if path.name in {"", ".."}:
            raise AudioError(f"{name!r} names no file")
        return self._inside(name, Path(os.path.realpath(path.parent)) / path.name)

    def _inside(self, name: str, path: Path) -> Path:
        if self._folders and not any(path.is_relative_to(os.path.realpath(folder)) for folder in self._folders):
            raise OutsideFolders(f"{name} is really {path}, and that is in none of the folders for it")
        return path


def _sane(name: str) -> str:
    """A name that the system can look up at all."""
    if len(os.fsencode(name)) > _LONGEST or "\0" in name:
        raise AudioError(f"{name[:80]!r}... is no path: it is longer than {_LONGEST} bytes, or holds a NUL")
    return name
