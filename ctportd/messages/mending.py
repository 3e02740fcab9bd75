"""Recordings that were cut off: the voice is on the disk, and the header does not know how much of it.

A program that records writes the length into the header when it is done. One that was killed never did.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from ctportd.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path

_RIFF_HEADER = 12  # "RIFF", length, "WAVE"
_AU_HEADER = 24  # ".snd" and five numbers
_LONGEST = 0xFFFF_FFFF


class NoRecording(AudioError):  # noqa: N818 - named after what it is, as in ctportd.errors
    """A file that is called like a recording, and is none: zeros, after a loss of power."""


def mend(path: Path) -> None:
    """Make a ``.wav`` or ``.au`` file's header tell of what is there; a file that is well stays as it is.

    It is done in place, and needs no room on the disk. What comes after the last whole frame is left out.

    Raises:
        NoRecording: This is the beginning of no sound file.
        AudioError: The disk refuses.
    """
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            magic = file.read(4)
            if magic == b"RIFF":
                _mend_wav(file, size)
            elif magic == b".snd":
                _mend_au(file, size)
            elif magic:
                raise NoRecording(f"the recording {path} cannot be mended: it begins like no sound file")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AudioError(f"the recording {path} cannot be mended: {error.strerror}") from error


def _mend_wav(file: BinaryIO, size: int) -> None:
    """Find the chunk of samples, which is the last one while a file is recorded, and give both lengths."""
    frame, at = 1, _RIFF_HEADER
    while at + 8 <= size:
        file.seek(at)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if name == b"fmt ":
            file.seek(at + 20)
            frame = max(1, int.from_bytes(file.read(2), "little"))  # bytes of one sample of all channels
        if name == b"data":
            there = min(size - at - 8, _LONGEST)
            if length > there or not _are_chunks(file, at + 8 + length + length % 2, size):
                _write_number(file, at + 4, there - there % frame, "little")
                _write_number(file, 4, min(size - 8, _LONGEST), "little")
            return
        at += 8 + length + length % 2


def _are_chunks(file: BinaryIO, at: int, size: int) -> bool:
    """Whether what stands there up to the end is chunks, and not voice that came after the length was written."""
    while at + 8 <= size:
        file.seek(at)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if not name.isalnum() and not name.strip().isalnum():
            return False
        at += 8 + length + length % 2
    return at in (size, size + 1)  # the byte that evens a length out may be missing


def _mend_au(file: BinaryIO, size: int) -> None:
    if size < _AU_HEADER:
        return
    begin, length = int.from_bytes(file.read(4), "big"), int.from_bytes(file.read(4), "big")
    there = max(0, size - begin)
    if length != there:
        _write_number(file, 8, there, "big")


def _write_number(file: BinaryIO, at: int, number: int, order: str) -> None:
    file.seek(at)
    file.write(number.to_bytes(4, "little" if order == "little" else "big"))
