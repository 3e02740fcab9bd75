"""A recording: what came in, sample for sample, into a .wav or .au file."""

from __future__ import annotations

import asyncio
import os
import wave
from itertools import count
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ctportd.ctserver import g711
from ctportd.ctserver.level import is_sound
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

_BATCH = g711.FRAMES_A_SECOND  # frames that are written at once: a second of voice
_WAITING = 120  # batches that may wait for the disk: two minutes of voice, one megabyte

_serial = count()  # tells recordings apart that are made at the same place at the same time


class _Writer(Protocol):
    """A file of one kind."""

    def write(self, codes: bytes) -> None:
        """More mu-law."""

    def close(self) -> None:
        """Complete the file and close it."""


class _AuWriter:
    """Sun's .au with mu-law as it came: a header of six numbers, then the bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._length = 0
        self._header()

    def _header(self) -> None:
        fields = (24, self._length, 1, g711.RATE, 1)  # where data begins, its length, mu-law, rate, channels
        self._file.write(b".snd" + b"".join(field.to_bytes(4, "big") for field in fields))

    def write(self, codes: bytes) -> None:
        self._file.write(codes)
        self._length += len(codes)

    def close(self) -> None:
        self._file.seek(0)
        self._header()


class _WavWriter:
    """RIFF WAVE with 16-bit samples."""

    def __init__(self, file: BinaryIO) -> None:
        self._wave = wave.open(file, "wb")  # noqa: SIM115  closed by close()
        self._wave.setparams((1, 2, g711.RATE, 0, "NONE", ""))

    def write(self, codes: bytes) -> None:
        self._wave.writeframesraw(g711.decode(codes).astype("<i2").tobytes())

    def close(self) -> None:
        self._wave.close()  # writes the lengths into the header; the file below stays open


_WRITERS: dict[str, Callable[[BinaryIO], _Writer]] = {".au": _AuWriter, ".snd": _AuWriter, ".wav": _WavWriter}


class RecordingFile:
    """The file of a recording. Used by one thread at a time, never by the loop's.

    It is written beside its place, under a name that ends in ``.part``, and put there when it is whole.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is made yet.

        Raises:
            AudioError: The name's ending is none that can be recorded.
        """
        writer = _WRITERS.get(path.suffix.lower())
        if writer is None:
            raise AudioError(f"{path} ends in none of {', '.join(_WRITERS)}")
        self._path = path
        self._part = path.with_name(f"{path.name}.{os.getpid()}-{next(_serial)}.part")
        self._make_writer = writer
        self._file: BinaryIO | None = None
        self._writer: _Writer | None = None

    def open(self) -> None:
        """Make the file."""
        self._file = self._part.open("w+b")
        self._writer = self._make_writer(self._file)

    def write(self, codes: bytes) -> None:
        """Append mu-law. Nothing happens where the file could not be made."""
        if self._file is not None and self._writer is not None:
            self._writer.write(codes)
            self._file.flush()

    def finish(self) -> None:
        """Complete it, see it onto the disk, and put it in its place."""
        if self._file is None or self._writer is None:
            return
        with self._file:
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        self._part.replace(self._path)

    def give_up(self) -> None:
        """Close it as it is; what was written stays beside its place."""
        if self._file is not None:
            self._file.close()


class Recording:
    """A sink that takes the frames of a line down into a file.

    Attributes:
        frames: How many it has taken.
    """

    def __init__(self, path: Path, disk: Executor, on_end: Callable[[], None]) -> None:
        """``disk`` runs what touches the file: one thread, so that it stays in order.

        ``on_end`` is called when its limit, its silence or the disk's failure ends it.

        Raises:
            AudioError: The name's ending is none that can be recorded.
        """
        self._file = RecordingFile(path)
        self._disk = disk
        self._on_end = on_end
        self._pending = bytearray()
        self._writes: list[asyncio.Future[None]] = []
        self._quiet = 0
        self._quiet_limit = 0
        self._limit = 0
        self._failure: AudioError | None = None
        self.frames = 0

    async def open(self) -> None:
        """Make the file.

        Raises:
            AudioError: It cannot be made.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(self._disk, self._file.open)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise AudioError(f"the recording cannot be made: {error}") from error

    def limit(self, seconds: float, silence: float) -> None:
        """End after so many seconds, or so many of silence at a stretch; 0: never."""
        self._limit = round(seconds * g711.FRAMES_A_SECOND)
        self._quiet_limit = round(silence * g711.FRAMES_A_SECOND)

    def write(self, frame: bytes) -> None:
        """Take the next frame."""
        self._pending += frame
        self.frames += 1
        if self.frames % _BATCH == 0:
            self._flush()
        if self._quiet_limit:
            self._quiet = 0 if is_sound(frame) else self._quiet + 1
        if self._failure or self.frames == self._limit or (self._quiet_limit and self._quiet >= self._quiet_limit):
            self._on_end()

    def _flush(self) -> None:
        self._writes = [write for write in self._writes if not write.done() or not self._succeeded(write)]
        if len(self._writes) >= _WAITING:
            self._failure = AudioError("the disk is too slow for this recording")
            return
        codes = bytes(self._pending)
        self._pending.clear()
        loop = asyncio.get_running_loop()
        self._writes.append(loop.run_in_executor(self._disk, self._file.write, codes))

    def _succeeded(self, write: asyncio.Future[None]) -> bool:
        error = write.exception()
        if error is not None:
            self._failure = AudioError(f"the recording cannot be written: {error}")
        return True

    async def finish(self) -> None:
        """Write what is left, and put the file in its place. Nothing may be taken any more.

        Raises:
            AudioError: The disk did not take it. What was written is kept, with ``.part`` at the end of its name.
        """
        loop = asyncio.get_running_loop()
        last = bytes(self._pending)
        self._pending.clear()
        try:
            for write in self._writes:
                await write
            await loop.run_in_executor(self._disk, self._file.write, last)
            await loop.run_in_executor(self._disk, self._file.finish)
        except OSError as error:
            self._file.give_up()
            raise AudioError(f"the recording cannot be written: {error}") from error
        if self._failure is not None:
            raise self._failure
