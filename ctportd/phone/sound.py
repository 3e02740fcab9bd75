"""What the telephone says and hears as files and samples; G.711 itself is ctserver's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from ctportd.ctserver import g711
from ctportd.ctserver.sounds import Sound, read_sound
from ctportd.errors import AudioError

Samples: TypeAlias = npt.NDArray[np.int16]
"""16-bit samples at 8 kHz."""


async def load(what: str | Path | Sound | Samples) -> Sound:
    """What is to be said, ready to be sent; a file of any kind and rate that soundfile reads.

    Raises:
        AudioError: The file cannot be read, or the samples are no whole numbers.
    """
    if isinstance(what, Sound):
        return what
    if isinstance(what, str | Path):
        return await asyncio.to_thread(read_sound, str(what))
    if not np.issubdtype(what.dtype, np.integer):
        raise AudioError(f"samples to be said are {what.dtype} where 16-bit whole numbers are expected")
    return Sound("samples", g711.whole_frames(g711.encode(np.ascontiguousarray(what, np.int16))))


async def load_files(paths: list[str]) -> dict[str, Sound]:
    """The sounds of these files.

    Raises:
        AudioError: One cannot be read.
    """
    return {path: await load(path) for path in paths}


async def save(path: Path, samples: Samples) -> None:
    """Write samples to a WAV file.

    Raises:
        AudioError: The file cannot be written.
    """
    try:
        await asyncio.to_thread(soundfile.write, str(path), samples, g711.RATE, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as problem:
        raise AudioError(f"what was heard cannot be saved in {path}: {problem}") from problem


def frames(sound: Sound) -> list[bytes]:
    """The sound as the frames that carry it."""
    return [sound.codes[start : start + g711.FRAME] for start in range(0, len(sound.codes), g711.FRAME)]


def seconds(sound: Sound) -> float:
    """How long it takes to say it."""
    return round(len(sound.codes) / g711.RATE, 2)
