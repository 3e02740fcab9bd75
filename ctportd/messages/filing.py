"""What is written on the disk when a message is filed. All of it waits for the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.errors import StorageError
from ctportd.messages import notes
from ctportd.messages.incoming import Place
from ctportd.messages.notes import Note
from ctportd.records import INBOX, OLD, TRASH

if TYPE_CHECKING:
    from datetime import datetime

    from ctportd.records import VoiceMessage


def place_of(message: VoiceMessage) -> Place:
    """Where its files are."""
    return Place(Path(message.path).parent, message.uid)


def as_noted(message: VoiceMessage, note: Note) -> VoiceMessage:
    """A message with what its note says of where it is."""
    marks = {key: getattr(note, key) for key in ("folder", "heard", "urgent", "filed_at")}
    return msgspec.structs.replace(message, **marks)


def _note_of(place: Place, message: VoiceMessage) -> Note:
    """A message's note, or what it would say."""
    return notes.read(place.note) or Note(
        mailbox=message.mailbox,
        call=message.call,
        recorded_at=message.recorded_at,
        number=message.number,
        name=message.name,
        seconds=message.seconds,
        cut_short=message.cut_short,
        folder=message.folder,
        heard=message.heard,
        urgent=message.urgent,
        filed_at=message.filed_at,
    )


def change_note(place: Place, message: VoiceMessage, wanted: dict[str, Any], now: datetime) -> Note:
    """Change fields of a message's note; returns it.

    Raises:
        StorageError: The message is not there any more, or the disk refuses.
    """
    note = _note_of(place, message)
    if not place.kept.exists():
        raise StorageError(f"the message {message.uid} of mailbox {message.mailbox} is not there any more")
    folder = wanted.get("folder", note.folder)
    if folder != note.folder:
        wanted = {**wanted, "filed_at": now, "before": note.folder if folder == TRASH else ""}
    changed = msgspec.structs.replace(note, **wanted)
    if changed != note:
        notes.write(changed, place.note)
    return changed


def restored_to(message: VoiceMessage) -> str:
    """The folder to which a message goes back from the trash; new ones that were heard are old by then."""
    note = notes.read(place_of(message).note)
    if note is not None and note.before not in ("", INBOX):
        return note.before
    return OLD if message.heard else INBOX


def remove(recording: Path) -> None:
    """Remove a recording; one that is not there is no fault. Raises StorageError."""
    try:
        recording.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"the recording {recording} cannot be removed: {error.strerror}") from error
