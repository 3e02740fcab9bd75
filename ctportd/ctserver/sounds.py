"""Files to play: read, resampled and encoded once, then frames of mu-law from memory."""

from __future__ import annotations

import asyncio
import os
import stat
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import soundfile
import soxr

from ctportd.ctserver import g711
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ctportd.ctserver.folders import Folders

_CACHED = 64 * 1024 * 1024
"""Bytes of voice that are kept: two and a quarter hours."""

_LONGEST = 4 * 3600
"""Seconds of a file that is still played: 115 MB of mu-law; a longer one is a mistake or mischief."""

_MOST_SAMPLES = _LONGEST * 48_000
"""Samples of all channels of a file that are read: its length tells nothing of what a thousand channels cost."""

_PIECE = 256 * 1024  # samples of a file that are in memory at once: one megabyte

_AU_MULAW_HEADER = 24  # bytes of the smallest .au header
_AU_MULAW = 1  # its encoding number for mu-law


class Sound(msgspec.Struct, frozen=True):
    """A file as it is played.

    Attributes:
        path: The file, as the client named it.
        codes: Its voice: mu-law, 8 kHz, mono, in whole frames.
    """

    path: str
    codes: bytes

    @property
    def prompt(self) -> str:
        """Its name without folder and ending."""
        return Path(self.path).stem


def read_sound(path: str) -> Sound:
    """Read a sound file of any kind that libsndfile knows, at any rate, with any number of channels.

    Mu-law of 8 kHz is taken as it is, to the bit.

    Raises:
        AudioError: There is no such file, it is no sound, or it is longer than four hours (of 48 kHz, in
            all its channels).
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as opened:
            status = os.fstat(opened.fileno())
            _check_kind(path, status)
            header = opened.read(_AU_MULAW_HEADER)
            offset = _mulaw_offset(header)
            if offset is not None:
                _check_length(path, status.st_size / g711.RATE)
                opened.seek(offset)
                return Sound(path, g711.whole_frames(_au_data(opened.read(), header)))
            opened.seek(0)
            return Sound(path, g711.whole_frames(_codes(path, opened.fileno())))
    except FileNotFoundError:
        raise AudioError(f"there is no file {path}") from None
    except (OSError, ValueError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{path} cannot be played: {error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever may write into a pipe of this name."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check_kind(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, a device has no end
        raise AudioError(f"{path} is no file")


def _mulaw_offset(header: bytes) -> int | None:
    """Where the voice begins in an .au file that is mu-law, 8 kHz, mono; None for any other file."""
    if len(header) < _AU_MULAW_HEADER or header[:4] != b".snd":
        return None
    offset, _, encoding, rate, channels = (
        int.from_bytes(header[at : at + 4], "big") for at in range(4, _AU_MULAW_HEADER, 4)
    )
    wanted = (encoding, rate, channels) == (_AU_MULAW, g711.RATE, 1)
    return offset if wanted and offset >= _AU_MULAW_HEADER else None


def _au_data(rest: bytes, header: bytes) -> bytes:
    """The voice alone: what follows the length that the header names is no voice (0xFFFFFFFF: unknown)."""
    return rest[: int.from_bytes(header[8:12], "big")]


def _check_length(path: str, seconds: float) -> None:
    if seconds > _LONGEST:
        raise AudioError(f"{path} is {seconds / 3600:.0f} hours long; {_LONGEST // 3600} are played at most")


def _codes(path: str, opened: int) -> bytes:
    """The file's voice as mu-law of 8 kHz, its channels mixed into one. A piece is in memory at a time."""
    with soundfile.SoundFile(opened, closefd=False) as sound:
        if sound.format == "RAW":  # libsndfile's guess at an .au file without a header: anything at all
            raise AudioError(f"{path} is no sound file")
        _check_length(path, sound.frames / sound.samplerate)
        if sound.frames * sound.channels > _MOST_SAMPLES:
            raise AudioError(f"{path} has more samples in its {sound.channels} channels than are played")
        return b"".join(g711.encode(samples) for samples in _samples(sound))


def _samples(sound: soundfile.SoundFile) -> Iterator[NDArray[np.int16]]:
    """Its samples at 8 kHz, piece by piece."""
    size = max(1, _PIECE // sound.channels)
    if sound.samplerate == g711.RATE and sound.channels == 1:
        yield from sound.blocks(size, dtype="int16")
        return
    for mono in _resampled(sound.blocks(size, dtype="float32", always_2d=True), sound.samplerate):
        yield np.asarray(np.clip(np.round(mono * 32768.0), -32768, 32767), np.int16)


def _resampled(pieces: Iterable[NDArray[np.float32]], rate: int) -> Iterator[NDArray[np.float32]]:
    """The channels of pieces mixed into one, at 8 kHz; the same samples as of the whole at once."""
    mixed = (piece.mean(axis=1) for piece in pieces)
    if rate == g711.RATE:
        yield from mixed
        return
    stream = soxr.ResampleStream(rate, g711.RATE, 1, dtype="float32")
    for mono in mixed:
        yield stream.resample_chunk(mono)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _key(path: Path) -> tuple[str, int, int]:
    """What a file's sound is remembered under: it changes when the file does."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        raise AudioError(f"there is no file {path}") from None
    _check_kind(str(path), status)
    return str(path), status.st_mtime_ns, status.st_size


class SoundCache:
    """The sounds that were played lately, read again when their file has changed."""

    def __init__(self, folders: Folders, limit: int = _CACHED) -> None:
        """``folders``: where files that are played may be. ``limit``: bytes of voice that are kept."""
        self.folders = folders
        self._limit = limit
        self._held = 0
        self._sounds: OrderedDict[tuple[str, int, int], Sound] = OrderedDict()

    async def load(self, name: str) -> Sound:
        """The sound of a file; read in a thread, so that lines go on meanwhile.

        Raises:
            OutsideFolders: It is in none of the folders.
            AudioError: As for :func:`read_sound`.
        """
        key = await asyncio.to_thread(self._find, name)
        found = self._sounds.get(key)
        if found is None:
            found = await asyncio.to_thread(read_sound, key[0])
            self._keep(key, found)
        else:
            self._sounds.move_to_end(key)
        return found if found.path == name else Sound(name, found.codes)

    def _find(self, name: str) -> tuple[str, int, int]:
        return _key(self.folders.to_play(name))

    def _keep(self, key: tuple[str, int, int], sound: Sound) -> None:
        if key in self._sounds or len(sound.codes) > self._limit:
            return
        for old in [old for old in self._sounds if old[0] == key[0]]:  # the file as it was before it changed
            self._held -= len(self._sounds.pop(old).codes)
        self._sounds[key] = sound
        self._held += len(sound.codes)
        while self._held > self._limit:
            _, dropped = self._sounds.popitem(last=False)
            self._held -= len(dropped.codes)
