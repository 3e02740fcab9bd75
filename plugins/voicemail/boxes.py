"""A mailbox as it is in force: what the configuration says of it, and what its owner has changed by telephone."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Protocol

from ctportd import InvalidArgument, StorageError, hash_pin, read_zone, recordings

from . import changes as changing
from .changes import UNAVAILABLE
from .settings import Mailbox

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from .changes import Changes
    from .settings import Settings

BUSY = "busy"
NAME = "name"
TEMPORARY = "temporary"
NUMBERED = tuple("123456789")
KINDS = (UNAVAILABLE, BUSY, NAME, TEMPORARY, *NUMBERED)
"""What an owner may record; of the numbered greetings, one may be chosen instead of ``unavailable``."""


class Place(Protocol):
    """Where mailboxes are: the daemon, or an installation whose daemon does not run."""

    @property
    def state(self) -> Path:
        """The folder of what survives."""


class Box:
    """One mailbox.

    Args:
        number: Its number.
        settings: The plugin's.
        place: Where it is kept.
        changes: What its owner has changed.

    Attributes:
        number: As given.
        declared: Whether the configuration has a table for it.
        name: Its owner's; may be empty.
        emails: Who is told of its messages by mail.
        rules: What holds for it.
        zone: Its time zone; None: this machine's, as ``datetime.astimezone`` takes it.
    """

    def __init__(self, number: str, settings: Settings, place: Place, changes: Changes) -> None:
        table = settings.mailboxes.get(number, Mailbox())
        self.number = number
        self.declared = number in settings.mailboxes
        self.name = table.name
        self.emails = table.emails
        self.rules = settings.rules_of(number)
        self.zone: tzinfo | None = read_zone(self.rules.zone)
        self._pin = table.pin
        self._place = place
        self._changes = changes

    # -- the owner

    @property
    def pin_hash(self) -> str:
        """The hash of the owner's PIN; empty: nobody is let in."""
        return self._changes.pin or self._pin

    async def set_pin(self, pin: str) -> None:
        """Change the PIN.

        Raises:
            ValueError: It is no PIN: digits, neither too few nor too many.
            StorageError: It cannot be kept; the old one holds.
        """
        await self._change(pin=await asyncio.to_thread(hash_pin, pin))

    @property
    def set_up(self) -> bool:
        """Whether nothing is left to be set up when the owner calls."""
        return self._changes.set_up or not self.rules.first_use

    async def mark_set_up(self) -> None:
        """The owner has set it up. Raises StorageError."""
        await self._change(set_up=True)

    async def _change(self, **changes: str | bool) -> None:
        self._changes = await asyncio.to_thread(changing.change, _file_of(self.number, self._place), **changes)

    # -- its greetings

    @property
    def chosen(self) -> str:
        """Which greeting is played to callers: ``unavailable``, or a number."""
        return self._changes.greeting

    async def choose_greeting(self, kind: str) -> None:
        """Choose the greeting that is played: ``unavailable``, or one of ``1`` to ``9``. Raises StorageError."""
        if kind not in (UNAVAILABLE, *NUMBERED):
            raise InvalidArgument(
                "choose_greeting", "kind", f"is {kind!r} where unavailable or 1 to 9 is expected"
            )
        await self._change(greeting=kind)

    def greeting_file(self, kind: str) -> Path | None:
        """The greeting of a kind; None where the owner has recorded none. Looks at the disk."""
        path = self._greeting(kind)
        return path if path.is_file() else None

    async def set_greeting(self, kind: str, path: Path) -> None:
        """Make a recording the greeting of a kind, instead of the one that is there. The recording is moved.

        Raises:
            InvalidArgument: There is no such kind.
            StorageError: The disk refuses; the greeting is as it was.
        """
        await asyncio.to_thread(_move, path, self._greeting(kind))

    async def remove_greeting(self, kind: str) -> None:
        """Remove the greeting of a kind; one that is not there is no fault. Raises StorageError."""
        path = self._greeting(kind)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise StorageError(f"the greeting {path} cannot be removed: {error.strerror}") from error

    def _greeting(self, kind: str) -> Path:
        if kind not in KINDS:
            raise InvalidArgument("greeting", "kind", f"is {kind!r} where one of {', '.join(KINDS)} is expected")
        return greetings_folder(self.number, self._place) / f"{kind}.wav"


def greetings_folder(number: str, place: Place) -> Path:
    """Where the greetings of a mailbox are."""
    return place.state / "voicemail" / number / "greetings"


async def open_box(number: str, settings: Settings, place: Place) -> Box:
    """A mailbox as it is in force now.

    Args:
        number: Its number; whether the configuration knows it makes no difference.
        settings: The plugin's.
        place: The daemon, or the site.

    Raises:
        StorageError: What its owner has changed cannot be read.
    """
    changes = await asyncio.to_thread(changing.read, _file_of(number, place))
    return Box(number, settings, place, changes)


def _file_of(number: str, place: Place) -> Path:
    return place.state / "voicemail" / number / changing.FILE


def _move(recording: Path, to: Path) -> None:
    """Move a recording, whole or not at all, over what is there."""
    new = to.with_name(f"{to.name}.new")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(recording, new)  # from another disk, it is copied
        recordings.sync_now(new)
        os.replace(new, to)  # noqa: PTH105 - as all that is moved here
        recordings.sync_now(to.parent)
    except OSError as error:
        raise StorageError(f"the greeting {to} cannot be put in place: {error.strerror}") from error
