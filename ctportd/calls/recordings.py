"""Puts a finished recording where it is kept, so that no crash can lose it."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ctportd.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path


async def length_of(path: Path) -> float:
    """How many seconds a recording has; 0.0 where there is no file, or nothing in it.

    Raises:
        AudioError: The file is no sound file.
    """
    return await asyncio.to_thread(length_now, path)


async def keep(recorded: Path, kept: Path) -> None:
    """Move a recording to where it is kept; both folders are on one disk.

    When this returns, the recording is on the disk, whole, under its new name: file and folder are synced. What is kept
    already is never written over.

    Raises:
        AudioError: The disk refuses, or something is kept under that name; the recording stays where it was.
    """
    await asyncio.to_thread(keep_now, recorded, kept)


async def discard(path: Path) -> None:
    """Remove a recording that nobody wants; one that is not there is no fault."""
    await asyncio.to_thread(path.unlink, missing_ok=True)


async def make_folder(path: Path) -> Path:
    """Make a folder for recordings, if it is not there; returns it."""
    await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
    return path


def length_now(path: Path) -> float:
    """As :func:`length_of`, for a thread that may wait for the disk."""
    import soundfile  # noqa: PLC0415 - numpy and libsndfile take longer to load than the whole command line

    try:
        if not path.exists() or path.stat().st_size == 0:
            return 0.0
        return float(soundfile.info(path).duration)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"the recording {path} cannot be read: {error}") from error


def keep_now(recorded: Path, kept: Path) -> None:
    """As :func:`keep`, for a thread that may wait for the disk."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if kept.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        sync_now(recorded)
        recorded.rename(kept)
        sync_now(kept.parent)
    except OSError as error:
        raise AudioError(f"the recording {recorded} cannot be kept as {kept}: {error.strerror}") from error


def fresh(path: Path) -> Path:
    """Where a small file is written before it takes its place."""
    return path.with_name(f"{path.name}.new")


def write_now(path: Path, data: bytes) -> None:
    """Put a small file on the disk, whole or not at all, in place of the one that is there.

    Raises:
        OSError: The disk refuses; what was there is there still.
    """
    new = fresh(path)
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_now(path.parent)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def sync_now(path: Path) -> None:
    """See a file or a folder onto the disk, which this waits for.

    Raises:
        OSError: The disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
