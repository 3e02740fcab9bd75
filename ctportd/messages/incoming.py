"""A message that is being taken: its files, and how they become a message in its mailbox. All of it waits for the disk.

::

    voicemail/100/incoming/ID.json              the note, from before the first word
    voicemail/100/incoming/ID.wav.PID-N.part    the recording, as our own ctserver writes it
    voicemail/100/incoming/ID.wav               the recording, as it is when ctserver is done with it
    voicemail/100/ID.wav, ID.json               the message

Every step is one rename, so that a crash between any two leaves what the next start can go on with.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.calls import recordings
from ctportd.errors import StorageError
from ctportd.messages import notes
from ctportd.messages.mending import NoRecording, mend
from ctportd.messages.notes import Note
from ctportd.processes import runs
from ctportd.records import VoiceMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

VOICEMAIL = "voicemail"
"""The folder of all mailboxes, in the state folder."""

INCOMING = "incoming"
"""The folder of a mailbox in which its messages grow."""

SUFFIX = ".wav"

BROKEN = ".broken"
"""What is no recording, though it is called so, is put aside under this ending, for a person to look at."""

SETTLED = 5.0
"""Seconds without a change after which nobody writes to a recording: ours grow each half second (our figure)."""

ABANDONED = 2.0
"""The same for one whose writer is no process of this machine: it is dead, or lives on another one (our figure)."""

STALLED = 150.0
"""The same for one whose writer lives: it holds back two minutes of voice for a disk that is slow."""

_PART = re.compile(r"(?P<name>.+)\.wav\.(?P<pid>[0-9]+)-[0-9]+\.part\Z")
_CALL = re.compile(r"(?P<call>[0-9]{8}-[0-9]{6}-[0-9]+-[0-9a-f]+)-[0-9a-f]+\Z")

log = structlog.stdlib.get_logger("ctportd.messages")


class Place(msgspec.Struct, frozen=True):
    """Where the files of one message are.

    Attributes:
        mailbox: The mailbox's folder.
        name: What all its files are called, without their endings.
    """

    mailbox: Path
    name: str

    @property
    def incoming_note(self) -> Path:
        """The note of a message that is being taken."""
        return self.mailbox / INCOMING / f"{self.name}.json"

    @property
    def recording(self) -> Path:
        """Where ctserver records."""
        return self.mailbox / INCOMING / f"{self.name}{SUFFIX}"

    @property
    def parts(self) -> list[Path]:
        """Recordings that our ctserver has not completed, the longest last."""
        found = self.recording.parent.glob(f"{self.recording.name}.*.part")
        return sorted(found, key=lambda part: part.stat().st_size)

    @property
    def kept(self) -> Path:
        """The recording of a message in its mailbox."""
        return self.mailbox / f"{self.name}{SUFFIX}"

    @property
    def note(self) -> Path:
        """Its note."""
        return self.mailbox / f"{self.name}.json"


def begin(place: Place, note: Note) -> None:
    """Make ready to record: the folder and the note are on the disk.

    Raises:
        StorageError: The disk refuses.
    """
    try:
        place.recording.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {place.recording.parent} cannot be made: {error.strerror}") from error
    notes.write(note, place.incoming_note)


def set_urgent(place: Place) -> None:
    """Mark a message that is being taken as urgent. Raises StorageError where the disk refuses."""
    note = notes.read(place.incoming_note) or _note_of(place)
    notes.write(msgspec.structs.replace(note, urgent=True), place.incoming_note)


def left(state: Path) -> Iterator[Place]:
    """Every message that was begun and is in no mailbox yet. A folder that cannot be read is told of, and left out."""
    for folder in (state / VOICEMAIL).glob(f"*/{INCOMING}"):
        try:
            names = {_name_of(path) for path in folder.iterdir()} - {""}
        except OSError as error:
            log.error("a mailbox cannot be looked at", folder=str(folder), error=error.strerror)  # noqa: TRY400
            continue
        yield from (Place(folder.parent, name) for name in sorted(names))


def _name_of(path: Path) -> str:
    part = _PART.match(path.name)
    if part:
        return part["name"]
    whole = path.with_suffix("") if path.suffix == ".new" else path  # a note that was being written
    return whole.stem if whole.suffix in (".json", SUFFIX) else ""


def settled(place: Place) -> bool:
    """Whether nobody writes to its recording any more."""
    try:
        return time.time() - _last_change(place) >= _patience(place)
    except OSError:  # it was completed, or put into its mailbox, at this very moment
        return False


def _patience(place: Place) -> float:
    """Seconds without a change after which it is certain that nobody writes any more."""
    writers = [int(part["pid"]) for path in place.parts if (part := _PART.match(path.name))]
    if not writers:
        return SETTLED
    return STALLED if any(map(runs, writers)) else ABANDONED


def _last_change(place: Place) -> float:
    files = (place.incoming_note, place.recording, *place.parts)
    return max((path.stat().st_mtime for path in files if path.exists()), default=0.0)


def finish(place: Place, *, cut_short: bool) -> VoiceMessage | None:
    """Put a message that nobody records any more into its mailbox. It may be done twice; nothing is done twice then.

    Args:
        place: Its files.
        cut_short: Whether something else than the caller or the limits ended it, where its note does not know.

    Returns:
        The message, which has no row yet; None where nobody spoke, or for too short a time.

    Raises:
        AudioError: What is there is no recording; it is set aside, and told of. Or the disk refuses: then nothing is
            lost, and it may be tried again.
    """
    note = notes.read(place.incoming_note) or notes.read(place.note) or _note_of(place)
    if not place.recording.exists() and not place.kept.exists() and place.parts:
        part = place.parts[-1]
        part.replace(place.recording)
        cut_short = True
    if place.recording.exists():
        seconds = _length(place, cut_short=cut_short)
        if not seconds or seconds < note.shortest:
            _forget(place)
            return None
        note = _completed(place, note, seconds, cut_short=cut_short)
        recordings.keep_now(place.recording, place.kept)
    elif not place.kept.exists():
        _forget(place)
        return None
    if place.incoming_note.exists():
        place.incoming_note.replace(place.note)
    _remove_fresh(place)
    return message_of(place, note)


def _length(place: Place, *, cut_short: bool) -> float:
    """How long the recording is, its header put right where something may be wrong with it."""
    try:
        if cut_short:
            mend(place.recording)
    except NoRecording:
        for path in (place.recording, place.incoming_note):
            if path.exists():
                path.replace(path.with_name(path.name + BROKEN))
        raise
    return recordings.length_now(place.recording)


def _completed(place: Place, note: Note, seconds: float, *, cut_short: bool) -> Note:
    """The note with what is known now, on the disk if the disk has room for it."""
    if note.cut_short is None or note.seconds is None:
        known = cut_short if note.cut_short is None else note.cut_short
        note = msgspec.structs.replace(note, seconds=seconds, cut_short=known)
        try:
            notes.write(note, place.incoming_note)
        except StorageError as error:
            log.warning(
                "a note is kept as it was", error=str(error)
            )  # a full disk; what it lacks can be found out
    return note


def message_of(place: Place, note: Note) -> VoiceMessage:
    """A message that is in its mailbox, without an id."""
    seconds = note.seconds if note.seconds is not None else recordings.length_now(place.kept)
    return VoiceMessage(
        mailbox=note.mailbox,
        call=note.call,
        recorded_at=note.recorded_at,
        seconds=seconds,
        path=str(place.kept),
        number=note.number,
        name=note.name,
        cut_short=note.cut_short is not False,
        folder=note.folder,
        heard=note.heard,
        urgent=note.urgent,
        filed_at=note.filed_at,
        uid=place.name,
    )


def mailboxes(state: Path) -> set[str]:
    """All that have ever had a message, or what their owners have recorded."""
    return {folder.name for folder in (state / VOICEMAIL).glob("*/")}


def kept(state: Path) -> Iterator[tuple[Place, Note | None]]:
    """Every message that is in its mailbox, with its note; None instead of one whose recording was removed."""
    for path in (state / VOICEMAIL).glob("*/*.json"):
        place = Place(path.parent, path.stem)
        note = notes.read(path)
        if note is not None:
            yield place, note if place.kept.exists() else None


def is_there(message: VoiceMessage, state: Path) -> bool:
    """Whether a message has a recording; it has one as long as nobody can tell."""
    if not (state / VOICEMAIL).is_dir():  # a disk that is not there
        return True
    try:
        return Path(message.path).exists() or Place(state / VOICEMAIL / message.mailbox, message.uid).kept.exists()
    except OSError:
        return True


def _note_of(place: Place) -> Note:
    """What the names of its files say of a message whose note is gone."""
    call = _CALL.match(place.name)
    there = next((path for path in (place.kept, place.recording, *place.parts) if path.exists()), None)
    changed = time.time() if there is None else there.stat().st_mtime
    began = datetime.fromtimestamp(changed, UTC)
    return Note(place.mailbox.name, call["call"] if call else place.name, began, told=False)


def forget_unspoken(place: Place) -> None:
    """Forget a message of a call that ended before anything was recorded; what there is of one stays."""
    try:
        if not place.recording.exists() and not place.parts:
            _forget(place)
    except OSError as error:
        log.warning("a message that nobody spoke is forgotten later", error=str(error))


def forget(place: Place) -> None:
    """Remove a message that is being taken. What the disk refuses to remove is put into its mailbox."""
    try:
        _forget(place)
    except OSError as error:
        log.warning("what nobody wants cannot be removed", recording=str(place.recording), error=str(error))


def _forget(place: Place) -> None:
    _remove_fresh(place)
    for path in (place.recording, *place.parts, place.incoming_note):
        path.unlink(missing_ok=True)


def _remove_fresh(place: Place) -> None:
    """What a crash left of a file that was being written."""
    for path in (place.incoming_note, place.recording):
        notes.fresh(path).unlink(missing_ok=True)
