"""Recordings and disks that fail: what was said is kept, and nobody waits."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest
import soundfile

from ctportd.ctserver.disk import Disk
from ctportd.ctserver.recording import Recording
from ctportd.ctserver.recording_file import RecordingFile
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FRAME = b"\x20" * 160


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The threads that write."""
    disk = Disk()
    yield disk
    disk.close()


def shutil_move(folder: Path) -> None:
    """Take a folder away with all that is in it."""
    folder.rename(folder.with_name("elsewhere"))


def fail(error: int) -> Callable[..., None]:
    """What a system call does on a disk that fails."""

    def failing(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    return failing


async def taken_until_over(recording: Recording, ended: asyncio.Event) -> None:
    """Speak until the recording ends by itself; it does not need a frame more for that."""
    while not ended.is_set():
        recording.write(FRAME)
        await asyncio.sleep(0)


async def test_first_half_second_is_on_disk(tmp_path: Path, disk: Disk) -> None:
    """With a whole header, under the name that tells whose it is."""
    recording = Recording(str(tmp_path / "x.wav"), disk, lambda: None)
    await recording.open()
    for _ in range(25):
        recording.write(FRAME)
    await disk.write(lambda: None)
    (part,) = list(tmp_path.iterdir())  # noqa: ASYNC240
    assert part.match(f"x.wav.{os.getpid()}-*.part")
    assert part.stat().st_size == 44 + 2 * 25 * 160
    assert part.read_bytes()[:4] == b"RIFF"
    await recording.finish()
    assert soundfile.info(tmp_path / "x.wav").frames == 25 * 160


@pytest.mark.parametrize("what", ["full", "gone"])
async def test_disk_that_fails_ends_the_recording_at_once(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It does not wait for the caller to hang up, and what was written stays."""
    ended = asyncio.Event()
    folder = tmp_path / "folder"
    folder.mkdir()
    recording = Recording(str(folder / "x.au"), disk, ended.set)
    await recording.open()
    for _ in range(25):
        recording.write(FRAME)
    await disk.write(lambda: None)
    assert not ended.is_set()
    if what == "gone":
        shutil_move(folder)
    else:
        assert recording._file._file is not None
        monkeypatch.setattr(recording._file, "_encoded", fail(errno.ENOSPC))
    async with asyncio.timeout(10):
        await taken_until_over(recording, ended)
    with pytest.raises(AudioError, match=r"cannot be written: .*(No space left|No such file)"):
        await recording.finish()
    (part,) = list(tmp_path.glob("*/*"))  # noqa: ASYNC240
    assert part.name.endswith(".part")
    assert part.read_bytes()[24:][: 25 * 160] == FRAME * 25


async def test_last_part_that_the_disk_refuses(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording with a hole in it is not put in its place."""
    recording = Recording(str(tmp_path / "x.au"), disk, lambda: None)
    await recording.open()
    recording.write(FRAME)
    monkeypatch.setattr(os, "fsync", fail(errno.EIO))
    with pytest.raises(AudioError, match="Input/output error"):
        await recording.finish()
    (part,) = list(tmp_path.iterdir())  # noqa: ASYNC240
    assert part.name.endswith(".part")


async def test_finishing_goes_on_where_nobody_waits(tmp_path: Path, disk: Disk) -> None:
    """The server stops, and cancels who waited: the recording is completed all the same."""
    recording = Recording(str(tmp_path / "x.au"), disk, lambda: None)
    await recording.open()
    recording.write(FRAME)
    slow = threading.Event()

    def take_time() -> None:
        slow.wait(10)

    disk.write(take_time)
    finishing = asyncio.create_task(recording.finish())
    await asyncio.sleep(0)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    slow.set()
    await disk.write(lambda: None)
    assert soundfile.info(tmp_path / "x.au").frames == 160


@pytest.mark.parametrize("name", ["folder.wav", "pipe.wav"])
async def test_what_is_no_file_is_not_replaced(tmp_path: Path, disk: Disk, name: str) -> None:
    """That is told before anything is recorded."""
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    recording = Recording(str(tmp_path / name), disk, lambda: None)
    with pytest.raises(AudioError, match="is in the way"):
        await recording.open()
    await recording.finish()
    assert not list(tmp_path.glob("*.part"))  # noqa: ASYNC240


class Syncs:
    """The thread that waits for the disk, when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.now = 100.0

    def later(self, action: Callable[[], None]) -> None:
        """Remember it."""
        self.waiting.append(action)

    def clock(self) -> float:
        """Seconds."""
        return self.now


def test_growing_file_is_synced_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sync at a time, and the next a second after the last: a slow disk is not buried in them."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    syncs = Syncs()
    file = RecordingFile(str(tmp_path / "x.au"), syncs.later, clock=syncs.clock)
    file.open()
    for _ in range(5):  # the disk takes its time
        file.write(FRAME)
        syncs.now += 1.0
    assert len(syncs.waiting) == 1
    syncs.waiting.pop()()
    file.write(FRAME)
    assert not syncs.waiting
    syncs.now += 1.0
    file.write(FRAME)
    assert len(syncs.waiting) == 1
    assert len(synced) == 1
    file.finish(b"")
    syncs.waiting.pop()()  # it is closed by now
    assert len(synced) == 1


def test_disk_that_cannot_keep_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That shows when it is synced, and fails the next write."""
    monkeypatch.setattr(os, "fdatasync", fail(errno.EIO))
    syncs = Syncs()
    file = RecordingFile(str(tmp_path / "x.au"), syncs.later, clock=syncs.clock)
    file.open()
    file.write(FRAME)
    syncs.waiting.pop()()
    with pytest.raises(OSError, match="Input/output error"):
        file.write(FRAME)
    file.give_up()
