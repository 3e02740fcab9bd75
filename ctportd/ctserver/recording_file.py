"""The file of a recording: .wav or .au, grown beside its place and put there when it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ctportd.ctserver import g711
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Callable

_SYNC_EVERY = 1.0
"""Seconds of real time between two syncs of a file: what a loss of power may cost, and half a second of voice more."""

_NO_LINKS = {
    errno.EPERM,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
}  # what a disk without hard links says (FAT, some networks')

_growing: set[Path] = set()  # where recordings will be that are under way; the disk's writing thread alone uses it

_serial = count()  # tells recordings apart that are made at the same place at the same time


def _au_header(length: int) -> bytes:
    """Sun's .au: where data begins, its length, mu-law, rate, channels."""
    return b".snd" + b"".join(field.to_bytes(4, "big") for field in (24, length, 1, g711.RATE, 1))


def _wav_header(length: int) -> bytes:
    """RIFF WAVE: a chunk that tells 16-bit samples, 8000 a second, mono, and the head of the one that holds them."""
    rate = g711.RATE
    told = b"".join(
        (_little(1, 2), _little(1, 2), _little(rate), _little(2 * rate), _little(2, 2), _little(16, 2))
    )
    return b"RIFF" + _little(36 + length) + b"WAVEfmt " + _little(len(told)) + told + b"data" + _little(length)


def _little(number: int, size: int = 4) -> bytes:
    return min(number, (1 << 8 * size) - 1).to_bytes(
        size, "little"
    )  # the most, where a file is longer than it can tell


def _as_it_came(codes: bytes) -> bytes:
    return codes


def _samples(codes: bytes) -> bytes:
    data: bytes = g711.decode(codes).astype("<i2").tobytes()
    return data


_FORMATS: dict[str, tuple[Callable[[int], bytes], Callable[[bytes], bytes]]] = {
    ".au": (_au_header, _as_it_came),
    ".snd": (_au_header, _as_it_came),
    ".wav": (_wav_header, _samples),
}
"""Of each kind of file: its header for so many bytes of data, and the data of mu-law."""


class FileTaken(AudioError):  # noqa: N818  named after what happened, as in ctportd.errors
    """There is something in the place of a recording, or will be: a recording replaces nothing."""


class RecordingFile:
    """The file of a recording. Used by the disk's two threads, never by the loop's.

    It grows beside its place, as ``NAME.wav.PID-SERIAL.part`` (or ``.au``, ``.snd``): the server's process, and a number
    that tells its recordings apart. Its header is that of the whole file, but with a length of 0, and data follows to
    the end of the file: what a crash leaves there is mended by the length of the file. It is put in its place when it
    is whole, and never over what is there; where the disk fails, it stays as it is.
    """

    def __init__(
        self,
        name: str,
        sync: Callable[[Callable[[], None]], object],
        find: Callable[[str], Path] = Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is made yet.

        Args:
            name: What it is called by whoever asks for it.
            sync: Runs what waits for the disk itself, in another thread.
            find: Where a file of this name belongs; it may look at the disk.
            clock: In seconds.

        Raises:
            AudioError: The name's ending is none that can be recorded.
        """
        kind = _FORMATS.get(Path(name).suffix.lower())
        if kind is None:
            raise AudioError(f"{name} ends in none of {', '.join(_FORMATS)}")
        self._name = name
        self._find = find
        self._path = self._part = Path()
        self._header, self._encoded = kind
        self._sync_by = sync
        self._clock = clock
        self._length = 0
        self._file: BinaryIO | None = None
        self._failure: OSError | None = None
        self._lock = threading.Lock()  # a file is not closed while it is synced
        self._syncing = False
        self._sync_due = 0.0

    def open(self) -> None:
        """Make the file.

        Raises:
            OSError: It cannot be made, or something else than a file is in its place.
            AudioError: It does not belong anywhere.
            FileTaken: Something is in its place, or is being recorded for it.
        """
        self._path = self._find(self._name)
        self._part = self._path.with_name(f"{self._path.name}.{os.getpid()}-{next(_serial)}.part")
        if os.path.lexists(self._path) and not (self._path.is_file() or self._path.is_symlink()):
            raise FileExistsError(errno.EEXIST, "Something that is no file is in the way", str(self._path))
        if os.path.lexists(self._path):
            raise FileTaken(f"{self._path} is there already")
        if self._path in _growing:
            raise FileTaken(f"{self._path} is being recorded already")
        self._file = self._part.open("xb")  # made anew: never what a link of this name points to
        _growing.add(self._path)
        self._file.write(self._header(0))
        self._file.flush()

    def write(self, codes: bytes) -> None:
        """Append mu-law. Nothing happens where the file could not be made.

        Raises:
            OSError: The disk does not take it, or the file is gone; nothing is appended after that.
        """
        if self._file is None:
            return
        if self._failure is not None:
            raise self._failure
        try:
            data = self._encoded(codes)
            self._file.write(data)
            self._file.flush()
            self._part.stat()  # what is gone, or in a folder that is, would be written in vain
        except OSError as error:
            self._failure = error
            raise
        self._length += len(data)
        if not self._syncing and self._clock() >= self._sync_due:
            self._syncing = True
            self._sync_by(self._sync)

    def _sync(self) -> None:
        """See what was written onto the disk, however long that takes: no more than one is under way of a file."""
        try:
            with self._lock:
                if self._file is not None and not self._file.closed:
                    os.fdatasync(self._file.fileno())
        except OSError as error:  # the disk took it, and cannot keep it
            self._failure = error
        finally:
            self._sync_due = self._clock() + _SYNC_EVERY
            self._syncing = False

    def finish(self, codes: bytes) -> None:
        """Append the last mu-law, complete the file, see it onto the disk, and put it in its place.

        Raises:
            OSError: The disk does not take it. It is closed as it is.
            FileTaken: Something has come into its place meanwhile. It stays beside it.
        """
        if self._file is None:
            return
        try:
            self.write(codes)
            self._file.seek(0)
            self._file.write(self._header(self._length))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self.give_up()
            raise
        self._close()
        _put(self._part, self._path)

    def give_up(self) -> None:
        """Close it as it is; what was written stays beside its place."""
        with contextlib.suppress(OSError):  # closing tries once more to write what the disk has refused
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            _growing.discard(self._path)
            with self._lock:
                self._file.close()


def _put(part: Path, path: Path) -> None:
    """Give a file its name, if that is free: a link is refused where something is, a renaming would write over it."""
    try:
        try:
            os.link(part, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # takes the name, as a link would
            part.replace(path)
    except FileExistsError as error:
        raise FileTaken(f"{path} is there already") from error
    with contextlib.suppress(OSError):  # it has its name; one too many harms nobody
        part.unlink(missing_ok=True)
