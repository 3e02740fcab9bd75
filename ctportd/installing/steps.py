"""Folders and files that are made where nothing is; each is told, and nothing is overwritten."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ctportd.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


class Owner(NamedTuple):
    """Whose something is: the numbers of user and group."""

    user: int
    group: int


class Step(NamedTuple):
    """One folder or file.

    Attributes:
        path: Where it is to be.
        text: What is to be in the file; None: it is a folder.
        mode: Its permissions.
        owner: Whose it is to be; None: whoever makes it.
    """

    path: Path
    text: str | None = None
    mode: int = 0o644
    owner: Owner | None = None

    def take(self, *, dry_run: bool = False) -> str:
        """Make it, if nothing is there; returns what was done.

        Args:
            dry_run: Only tell.

        Raises:
            StorageError: It cannot be made.
        """
        what = "folder" if self.text is None else "file"
        if os.path.lexists(self.path):
            return f"left as it is: {self.path}"
        if dry_run:
            return f"would make the {what} {self.path}"
        try:
            self._create()
        except OSError as error:
            raise StorageError(f"{error.filename or self.path} cannot be made: {error.strerror}") from error
        return f"made the {what} {self.path}"

    def _create(self) -> None:
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self.text is None:
            self.path.mkdir(self.mode)
        else:
            with self.path.open("x", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)  # what is in it may be secret before its mode is set
                file.write(self.text)
        if self.owner is not None:
            os.chown(self.path, *self.owner, follow_symlinks=False)
        self.path.chmod(self.mode)
