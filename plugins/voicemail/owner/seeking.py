"""Plays a message in which the owner can go back and forth.

ctserver plays whole files, and does not say how far it has come. So how much was heard is told from the line's time, and
what is left is cut off into a file of its own, which is played from its beginning.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd import AudioError, recordings

from .keys import PLAYING, Action

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd import Call

STEP = 3.0
"""Seconds that a key leads back or forward."""

LONGEST_PAUSE = 60
"""Seconds after which a message that was paused goes on by itself."""

_KEYS = PLAYING.actions()


async def play_seekable(call: Call, recording: Path, cuts: Path) -> str:
    """Play a recording; the keys of :data:`~.keys.PLAYING` lead about in it.

    Args:
        call: The owner's call.
        recording: A sound file.
        cuts: A folder for parts of it, below the state folder; each is removed when it was heard.

    Returns:
        The key that ended it, which is none of those; empty where it was heard to its end.

    Raises:
        AudioError: It is not there, or cannot be read, or the rest of it cannot be written.
        PromptNotFound: It went while it was played.
    """
    length = await recordings.length_of(recording)
    if not length:
        raise AudioError(f"there is nothing to be heard in {recording}")
    at = 0.0
    while at < length:
        keys, seconds = await _play_from(call, recording, at, cuts)
        if not keys:
            break
        at += seconds
        key = await call.collect(1, first=1)
        if _KEYS.get(key) is Action.PAUSE:
            key = await _paused(call)
        if key and key not in _KEYS:
            return key
        at = sought(key, at)
    return ""


def sought(key: str, at: float) -> float:
    """Where a key leads from a place, in seconds; any other key, or none, leads nowhere else."""
    match _KEYS.get(key):
        case Action.REWIND:
            return max(0.0, at - STEP)
        case Action.SKIP:
            return at + STEP
        case Action.RESTART:
            return 0.0
        case _:
            return at


async def _paused(call: Call) -> str:
    """Wait for the key that ends a pause; another press of the key that began it only goes on."""
    key = await call.collect(1, first=LONGEST_PAUSE)
    return "" if _KEYS.get(key) is Action.PAUSE else key


async def _play_from(call: Call, recording: Path, at: float, cuts: Path) -> tuple[str, float]:
    """Play from a place on; returns the keys that wait, and for how many seconds it played."""
    if at == 0:
        return await _played(call, recording)
    cut = await asyncio.to_thread(cut_off, recording, at, cuts)
    try:
        return await _played(call, cut)
    finally:
        await recordings.discard(cut)


async def _played(call: Call, file: Path) -> tuple[str, float]:
    began = call.clock.time()
    keys = await call.play(str(file))
    return keys, call.clock.time() - began


def cut_off(recording: Path, at: float, cuts: Path) -> Path:
    """Write what a recording has from a place on into a file of its own. For a thread that may wait for the disk.

    Raises:
        AudioError: It cannot be read, or that cannot be written.
    """
    import soundfile  # noqa: PLC0415 - numpy and libsndfile take longer to load than all of the plugin

    cut = cuts / f"{recording.stem}-{at:.3f}{recording.suffix}"
    try:
        cuts.mkdir(parents=True, exist_ok=True)
        with soundfile.SoundFile(recording) as whole:
            whole.seek(min(int(at * whole.samplerate), whole.frames))
            rest = whole.read(dtype="int16")
            soundfile.write(cut, rest, whole.samplerate, subtype=whole.subtype, format=whole.format)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{recording} cannot be cut at {at:.1f} s: {error}") from error
    return cut
