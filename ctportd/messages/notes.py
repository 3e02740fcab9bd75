"""What is known of a message besides its voice, in a small file beside the recording.

The note is there before the first word is spoken, and as long as the message is. So a crash loses neither who called nor
for whom, and the database can be made anew from the disk.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ctportd.calls import recordings
from ctportd.errors import StorageError
from ctportd.records import INBOX

if TYPE_CHECKING:
    from pathlib import Path


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message, without its voice.

    Attributes:
        mailbox: Whose it is.
        call: The call's id.
        recorded_at: When it was begun.
        number: The caller's; may be empty.
        name: The caller's; may be empty.
        shortest: Seconds that it must have to be kept.
        seconds: How long it is; None as long as that is not known.
        cut_short: Whether something else than the caller or the limits ended it; None as long as that is not known.
        folder: Where in the mailbox it is.
        heard: Whether the owner has heard it.
        urgent: Whether its caller has marked it so.
        filed_at: When it came into its folder; None: it is where it was put first.
        before: The folder from which it came into the trash; empty for one that is not there.
        told: Whether the plugins were told of it. Notes of versions that told nobody do not say.
    """

    mailbox: str
    call: str
    recorded_at: datetime
    number: str = ""
    name: str = ""
    shortest: float = 0.0
    seconds: float | None = None
    cut_short: bool | None = None
    folder: str = INBOX
    heard: bool = False
    urgent: bool = False
    filed_at: datetime | None = None
    before: str = ""
    told: bool = True


def fresh(path: Path) -> Path:
    """Where a note is written before it takes its place."""
    return recordings.fresh(path)


def told(text: str) -> str:
    """Text from a telephone line as a file can hold it: bytes that were no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode()


def write(note: Note, path: Path) -> None:
    """Put a note on the disk, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    try:
        recordings.write_now(path, msgspec.json.encode(note))
    except OSError as error:
        raise StorageError(f"the note {path} cannot be written: {error.strerror}") from error


def read(path: Path) -> Note | None:
    """A note from the disk; None where it is not there, or is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
