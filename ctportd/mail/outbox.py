"""The outbox: a folder for each letter that no mail server has accepted yet. All of it waits for the disk.

::

    outbox/ID.new/             a letter that is being posted
    outbox/ID/letter.json      a letter that waits
    outbox/ID/1/hello.wav      its first attachment: the caller's file under a second name, or a copy
    outbox/ID.gone/            a letter that is being removed

A letter comes and goes by one rename, so that a crash leaves a whole one or none.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.calls import recordings
from ctportd.errors import StorageError
from ctportd.mail.letter import decoded, encoded

if TYPE_CHECKING:
    from datetime import datetime

    from ctportd.mail.letter import Letter

OUTBOX = "outbox"
"""The folder of all letters, in the state folder."""

_LETTER = "letter.json"
_NEW, _GONE = ".new", ".gone"

log = structlog.stdlib.get_logger("ctportd.mail")


class Outbox:
    """The letters that wait.

    Args:
        state: The folder of all that must survive.
    """

    def __init__(self, state: Path) -> None:
        self._folder = state / OUTBOX
        self._newer: dict[str, Letter | None] = {}  # None: it is gone
        self._unreadable: set[str] = set()  # those that were told of

    def put(self, letter: Letter, now: datetime) -> Letter:
        """Take a letter in. When this returns it is on the disk, with its attachments; returns it as it is there.

        Raises:
            StorageError: The disk refuses, or an attachment cannot be read; then nothing is taken in.
        """
        name = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}"
        new = self._folder / f"{name}{_NEW}"
        try:
            if not self._folder.is_dir():
                self._folder.mkdir(parents=True, exist_ok=True)
                recordings.sync_now(self._folder.parent)
            new.mkdir()
            attachments = [_attach(path, new / str(number)) for number, path in enumerate(letter.attachments, 1)]
            posted = msgspec.structs.replace(
                letter, id=name, posted_at=now, waiting=list(dict.fromkeys(letter.to)), attachments=attachments
            )
            _write(posted, new)
            new.rename(self._folder / name)
            recordings.sync_now(self._folder)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            problem = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
            raise StorageError(
                f"the letter {letter.subject!r} cannot be put into {self._folder}: {problem}"
            ) from error
        return self._at_home(posted)

    def letters(self) -> list[Letter]:
        """All letters that wait, oldest first. One that cannot be read is told of, and left out."""
        self._catch_up()
        if not self._folder.is_dir():
            return []
        names = sorted(path.name for path in self._folder.iterdir() if path.is_dir() and not path.suffix)
        read = [self._newer[name] if name in self._newer else self._read(self._folder / name) for name in names]
        return [letter for letter in read if letter is not None]

    def keep(self, letter: Letter) -> None:
        """Note what has become of a letter. What the disk does not take is remembered, and written later."""
        self._newer[letter.id] = letter
        self._catch_up()

    def remove(self, letter: Letter) -> None:
        """Let a letter go, in the same way."""
        self._newer[letter.id] = None
        self._catch_up()

    def _catch_up(self) -> None:
        """Write down what is known of letters, and not on the disk."""
        for name, letter in list(self._newer.items()):
            try:
                self._write_down(name, letter)
            except FileNotFoundError:  # somebody has removed it
                del self._newer[name]
            except OSError as error:
                problem = "the outbox cannot be written to; what is not written may be sent twice"
                log.error(problem, letter=name, error=error.strerror)  # noqa: TRY400 - it says all
            else:
                del self._newer[name]

    def _write_down(self, name: str, letter: Letter | None) -> None:
        if letter is not None:
            _write(letter, self._folder / name)
            return
        gone = self._folder / f"{name}{_GONE}"
        (self._folder / name).rename(gone)
        recordings.sync_now(self._folder)
        shutil.rmtree(gone, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what a crash has left of letters that were being posted or removed. Nobody does either now."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.suffix in (_NEW, _GONE):
                    shutil.rmtree(path, ignore_errors=True)

    def _read(self, folder: Path) -> Letter | None:
        try:
            letter = decoded((folder / _LETTER).read_bytes())
        except FileNotFoundError:  # it went in this very moment
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            if folder.name not in self._unreadable:
                log.error("a letter cannot be read", folder=str(folder), error=str(error))  # noqa: TRY400 - it says all
            self._unreadable.add(folder.name)
            return None
        return self._at_home(msgspec.structs.replace(letter, id=folder.name))

    def _at_home(self, letter: Letter) -> Letter:
        """A letter whose attachments are named by whole paths: on the disk they are relative, so that it can move."""
        home = self._folder / letter.id
        return msgspec.structs.replace(letter, attachments=[home / path for path in letter.attachments])


def _attach(path: Path, folder: Path) -> Path:
    """Give a letter a file for itself; returns where it is in the letter's folder."""
    folder.mkdir()
    attached = folder / path.name
    try:
        attached.hardlink_to(path.resolve())
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(path, attached)
    recordings.sync_now(attached)
    recordings.sync_now(folder)
    return attached.relative_to(folder.parent)


def _write(letter: Letter, folder: Path) -> None:
    """Write down a letter, whole or not at all."""
    relative = [Path(*path.parts[-2:]) for path in letter.attachments]
    recordings.write_now(folder / _LETTER, encoded(msgspec.structs.replace(letter, attachments=relative)))
