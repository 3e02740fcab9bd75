"""A recording: what came in, sample for sample, into a .wav or .au file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.ctserver import g711
from ctportd.ctserver.level import is_sound
from ctportd.ctserver.recording_file import RecordingFile
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.disk import Disk

_BATCH = g711.FRAMES_A_SECOND // 2  # frames that are written at once: what a crash of the server may cost
_WAITING = 240  # batches that may wait for the disk: two minutes of voice, one megabyte


class Recording:
    """A sink that takes the frames of a line down into a file.

    Attributes:
        frames: How many it has taken.
    """

    def __init__(
        self, name: str, disk: Disk, on_end: Callable[[], None], find: Callable[[str], Path] = Path
    ) -> None:
        """``find`` tells where a file of this name belongs.

        ``on_end`` is called when its limit, its silence or the disk's failure ends it; perhaps more than once.

        Raises:
            AudioError: The name's ending is none that can be recorded.
        """
        self._file = RecordingFile(name, disk.sync, find)
        self._disk = disk
        self._on_end = on_end
        self._pending = bytearray()
        self._waiting = 0  # batches on their way to the disk
        self._quiet = 0
        self._quiet_limit = 0
        self._limit = 0
        self._failure: AudioError | None = None
        self.frames = 0

    async def open(self) -> None:
        """Make the file.

        Raises:
            AudioError: It cannot be made, or does not belong anywhere.
            FileTaken: Something is in its place already.
        """
        try:
            await self._disk.write(self._file.open)
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
        if self._failure:
            return
        if self._waiting >= _WAITING:
            self._fail(AudioError("the disk is too slow for this recording"))
            return
        codes = bytes(self._pending)
        self._pending.clear()
        self._waiting += 1
        self._disk.write(self._file.write, codes).add_done_callback(self._written)

    def _written(self, write: asyncio.Future[None]) -> None:
        """A batch is with the disk, or the disk refuses it: then there is nothing to be gained by going on."""
        self._waiting -= 1
        error = None if write.cancelled() else write.exception()
        if error is not None:
            self._fail(AudioError(f"the recording cannot be written: {error}"))

    def _fail(self, failure: AudioError) -> None:
        self._failure = self._failure or failure
        self._on_end()

    async def finish(self) -> None:
        """Write what is left, and put the file in its place. Nothing may be taken any more.

        It is done once this was called, also where the caller is cancelled.

        Raises:
            AudioError: The disk did not take it. What was written is kept, with ``.part`` at the end of its name.
            FileTaken: Something has come into its place. It is kept likewise.
        """
        failed = self._failure is not None
        last = b"" if failed else bytes(self._pending)
        self._pending.clear()
        ending = self._disk.write(self._file.give_up) if failed else self._disk.write(self._file.finish, last)
        try:
            await asyncio.shield(ending)
        except OSError as error:
            raise self._failure or AudioError(f"the recording cannot be written: {error}") from error
        if self._failure is not None:
            raise self._failure
