"""What is done to the sound of messages: one put before the other, and the silence at the end left out.

A file takes its place whole or not at all, and no more than a block of it is in memory.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from ctportd.errors import AudioError
from ctportd.messages.notes import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import soundfile

    Samples = npt.NDArray[np.float32]

RATE = 8000
"""Samples a second of a telephone line."""

_PAUSE = 0.5
"""Seconds between an introduction and what it introduces (our figure)."""

_TAIL = 0.5
"""Seconds that are left after the last sound, so that a word dies away (our figure)."""

_SOUND = 0.005
"""Root mean square of full scale from which 20 ms are sound: 46 dB below, well under quiet speech (our figure)."""

_FRAME = 50  # in a second
_BLOCK = 8192  # seconds of frames would do as well


def join(parts: Sequence[Path], to: Path) -> None:
    """Put recordings of any format and rate one behind the other, as one that every line plays.

    Args:
        parts: What is there to be heard, in order; one that is not there, or empty, is left out. Without the last one,
            there is nothing: what comes before it only introduces it.
        to: The file, which nothing is in the place of yet; a ``.wav``.

    Raises:
        AudioError: A part is no recording, or the disk refuses; nothing is in place then.
    """
    import soundfile  # noqa: PLC0415 - as in ctportd.calls.recordings

    new = fresh(to)
    try:
        there = [part for part in parts if part.exists() and part.stat().st_size]
        if parts[-1] not in there:
            return
        if len(there) == 1 and _fits(there[0]):
            shutil.copyfile(there[0], new)
        else:
            with soundfile.SoundFile(new, "w", RATE, 1, "PCM_16", format="WAV") as file:
                for number, part in enumerate(there):
                    if number:
                        file.write(_silence(_PAUSE))
                    for block in _blocks(part):
                        file.write(block)
        _put_in_place(new, to)
    except (OSError, soundfile.LibsndfileError) as error:
        _forget(new)
        raise AudioError(f"the recording {to} cannot be put together: {error}") from error


def trim(path: Path) -> None:
    """Leave out the silence at the end of a recording. One in which nothing is heard stays as it is.

    Raises:
        AudioError: It cannot be read, or the disk refuses; the recording stays as it is.
    """
    import soundfile  # noqa: PLC0415 - as above

    new = fresh(path)
    try:
        with soundfile.SoundFile(path) as file:
            wanted = _last_sound(file)
            wanted += int(_TAIL * file.samplerate) if wanted else file.frames
            if wanted >= file.frames:
                return
            file.seek(0)
            with soundfile.SoundFile(
                new, "w", file.samplerate, file.channels, file.subtype, format=file.format
            ) as trimmed:
                for block in file.blocks(_BLOCK, frames=wanted, dtype="float32"):
                    trimmed.write(block)
        _put_in_place(new, path)
    except (OSError, soundfile.LibsndfileError) as error:
        _forget(new)
        raise AudioError(f"the silence at the end of {path} cannot be left out: {error}") from error


def is_silent(path: Path) -> bool:
    """Whether nothing is heard in a recording. Raises AudioError where it cannot be read."""
    import soundfile  # noqa: PLC0415 - as above

    try:
        with soundfile.SoundFile(path) as file:
            return not _last_sound(file)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"the recording {path} cannot be listened to: {error}") from error


def _fits(part: Path) -> bool:
    """Whether a line can play it as it is."""
    import soundfile  # noqa: PLC0415 - as above

    info = soundfile.info(part)
    return bool(info.format == "WAV" and info.samplerate == RATE and info.channels == 1)


def _blocks(part: Path) -> Iterator[Samples]:
    """A recording's samples as those of a line."""
    import soundfile  # noqa: PLC0415 - as above
    import soxr  # noqa: PLC0415 - as above

    with soundfile.SoundFile(part) as file:
        stream = None if file.samplerate == RATE else soxr.ResampleStream(file.samplerate, RATE, 1)
        for block in file.blocks(_BLOCK, dtype="float32", always_2d=True):
            mono = block.mean(axis=1)
            yield mono if stream is None else stream.resample_chunk(mono)
        if stream is not None:
            yield stream.resample_chunk(mono[:0], last=True)


def _silence(seconds: float) -> Samples:
    import numpy as np  # noqa: PLC0415 - as above

    return np.zeros(int(seconds * RATE), dtype=np.float32)


def _last_sound(file: soundfile.SoundFile) -> int:
    """How many samples there are up to the end of the last sound; 0 where there is none."""
    import numpy as np  # noqa: PLC0415 - as above

    size = file.samplerate // _FRAME
    last = done = 0
    for block in file.blocks(size * 400, dtype="float32", always_2d=True):
        mono = block.mean(axis=1)
        frames = np.pad(mono, (0, -len(mono) % size)).reshape(-1, size)
        heard = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1)) >= _SOUND)
        if len(heard):
            last = done + (int(heard[-1]) + 1) * size
        done += len(mono)
    return last


def _put_in_place(new: Path, to: Path) -> None:
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(to)


def _forget(new: Path) -> None:
    with suppress(OSError):
        new.unlink(missing_ok=True)
