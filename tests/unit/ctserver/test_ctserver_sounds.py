"""Sound files and recordings, without a line."""

from __future__ import annotations

import errno
import os
import struct
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr

from ctportd.ctserver import g711, recording
from ctportd.ctserver.disk import Disk
from ctportd.ctserver.folders import Folders
from ctportd.ctserver.recording import Recording
from ctportd.ctserver.recording_file import FileTaken
from ctportd.ctserver.sounds import SoundCache, read_sound
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def files_in(folder: Path) -> list[Path]:
    """What a folder holds."""
    return list(folder.iterdir())


CODES = bytes(range(256)) * 5


def au(codes: bytes, length: int | None = None, offset: int = 24, rate: int = 8000) -> bytes:
    """An .au file of mu-law."""
    fields = (offset, len(codes) if length is None else length, 1, rate, 1)
    header = b".snd" + b"".join(field.to_bytes(4, "big") for field in fields)
    return header.ljust(offset, b"\0") + codes


@pytest.mark.parametrize(
    "content",
    [au(CODES), au(CODES, offset=64), au(CODES, length=0xFFFFFFFF), au(CODES) + b"", au(CODES + b"tail", 1280)],
)
def test_mulaw_is_taken_to_the_bit(tmp_path: Path, content: bytes) -> None:
    """Whatever its header's length, and whether it names that of the voice or not."""
    (tmp_path / "x.au").write_bytes(content)
    sound = read_sound(str(tmp_path / "x.au"))
    assert sound.codes == g711.whole_frames(CODES)
    assert sound.prompt == "x"


def test_wav_of_line_quality(tmp_path: Path) -> None:
    """16-bit samples that mu-law can hold come back as they are."""
    samples = g711.decode(CODES)
    soundfile.write(tmp_path / "x.wav", samples, 8000)
    assert (g711.decode(read_sound(str(tmp_path / "x.wav")).codes)[: len(samples)] == samples).all()


@pytest.mark.parametrize("content", [b"", b"not a sound at all", b".snd", b"RIFF", au(CODES, rate=0)])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    """The error names the file."""
    (tmp_path / "x.au").write_bytes(content)
    with pytest.raises(AudioError, match=r"x\.au"):
        read_sound(str(tmp_path / "x.au"))


async def test_missing_file_is_refused(tmp_path: Path) -> None:
    """So is a folder, and a name that no file can have."""
    for name in (str(tmp_path / "none.au"), "\0", str(tmp_path)):
        with pytest.raises(AudioError):
            await SoundCache(Folders()).load(name)
    with pytest.raises(AudioError):
        read_sound(str(tmp_path / "none.au"))


def test_file_without_end_is_refused(tmp_path: Path) -> None:
    """Five hours of holes in a file are not read into memory."""
    path = tmp_path / "x.au"
    path.write_bytes(au(b""))
    os.truncate(path, 5 * 3600 * 8000)
    with pytest.raises(AudioError, match="hours long"):
        read_sound(str(path))


def wav(channels: int, rate: int, size: int) -> bytes:
    """The head of a .wav file of so many bytes of 16-bit samples."""
    told = struct.pack("<HHIIHH", 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<I", 16) + told
        + b"data" + struct.pack("<I", size)
    )  # fmt: skip


def test_file_of_a_thousand_channels_is_refused(tmp_path: Path) -> None:
    """Two minutes of them are a thousand million samples."""
    path = tmp_path / "x.wav"
    path.write_bytes(wav(1000, 8000, 2_000_000_000))
    os.truncate(path, 44 + 2_000_000_000)
    with pytest.raises(AudioError, match=r"x\.wav has more samples in its 1000 channels than are played"):
        read_sound(str(path))


def test_channels_and_rate_cost_no_memory(tmp_path: Path) -> None:
    """A file is mixed and resampled piece by piece."""
    path = tmp_path / "x.wav"
    path.write_bytes(wav(32, 48_000, 5 * 48_000 * 64))
    os.truncate(path, 44 + 5 * 48_000 * 64)
    tracemalloc.start()
    try:
        assert len(read_sound(str(path)).codes) == 5 * 8000
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_pieces_sound_like_the_whole(tmp_path: Path) -> None:
    """To the bit, wherever they were cut."""
    told = np.random.default_rng(1).uniform(-0.3, 0.3, (700_000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", told, 44_100, subtype="FLOAT")
    whole = np.round(soxr.resample(told.mean(axis=1), 44_100, 8000) * 32768.0).astype(np.int16)
    assert read_sound(str(tmp_path / "x.wav")).codes == g711.whole_frames(g711.encode(whole))


async def test_cache_reads_once_and_sees_changes(tmp_path: Path) -> None:
    """The same sound comes back until the file changes; then the old one is forgotten."""
    path = tmp_path / "x.au"
    path.write_bytes(au(CODES))
    cache = SoundCache(Folders())
    first = await cache.load(str(path))
    assert await cache.load(str(path)) is first
    path.write_bytes(au(CODES * 2))
    second = await cache.load(str(path))
    assert second.codes == g711.whole_frames(CODES * 2)


async def test_cache_is_bounded(tmp_path: Path) -> None:
    """The sound that was not played for longest goes; one that is larger than all is not kept."""
    cache = SoundCache(Folders(), limit=3000)
    sounds = {}
    for name, size in (("a", 1), ("b", 1), ("c", 1), ("huge", 3)):
        (tmp_path / name).write_bytes(au(CODES * size))
        sounds[name] = await cache.load(str(tmp_path / name))
    assert await cache.load(str(tmp_path / "c")) is sounds["c"]
    assert await cache.load(str(tmp_path / "b")) is sounds["b"]
    assert await cache.load(str(tmp_path / "a")) is not sounds["a"]
    assert await cache.load(str(tmp_path / "huge")) is not sounds["huge"]


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The threads that write."""
    disk = Disk()
    yield disk
    disk.close()


async def test_recording_is_written_as_it_goes(tmp_path: Path, disk: Disk) -> None:
    """Each half second goes to disk beside the recording's place; at the end it is put there."""
    taken = Recording(str(tmp_path / "x.au"), disk, lambda: None)
    await taken.open()
    for _ in range(130):
        taken.write(CODES[:160])
    await disk.write(lambda: None)
    (part,) = files_in(tmp_path)
    assert part.name.endswith(".part")
    assert part.stat().st_size == 24 + 125 * 160
    await taken.finish()
    assert [path.name for path in files_in(tmp_path)] == ["x.au"]
    assert (tmp_path / "x.au").read_bytes() == au(CODES[:160] * 130)


async def test_recording_replaces_nothing(tmp_path: Path, disk: Disk) -> None:
    """Not a file, nor what a link leads to or would; that is told before anything is recorded."""
    (tmp_path / "x.au").write_bytes(b"old")
    (tmp_path / "y.au").symlink_to("x.au")
    (tmp_path / "z.au").symlink_to("nothing.au")
    for name in ("x.au", "y.au", "z.au"):
        taken = Recording(str(tmp_path / name), disk, lambda: None)
        with pytest.raises(FileTaken, match=rf"{name} is there already"):
            await taken.open()
        await taken.finish()
    assert sorted(path.name for path in files_in(tmp_path)) == ["x.au", "y.au", "z.au"]
    assert (tmp_path / "x.au").read_bytes() == b"old"


@pytest.mark.parametrize("links", [True, False])
async def test_file_that_comes_meanwhile_is_not_replaced(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """What was recorded stays beside it. So it is where the disk knows no hard links."""
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    whole, late = (Recording(str(tmp_path / name), disk, lambda: None) for name in ("whole.au", "late.au"))
    for taken in (whole, late):
        await taken.open()
        taken.write(b"\x20" * 160)
    (tmp_path / "late.au").write_bytes(b"another's")
    await whole.finish()
    with pytest.raises(FileTaken, match="is there already"):
        await late.finish()
    assert (tmp_path / "late.au").read_bytes() == b"another's"
    assert soundfile.info(tmp_path / "whole.au").frames == 160
    (part,) = [path for path in files_in(tmp_path) if path.suffix == ".part"]
    assert part.read_bytes()[24:] == b"\x20" * 160


def no_links(*_: object) -> None:
    """What FAT says to a hard link."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


async def test_two_recordings_of_one_name(tmp_path: Path, disk: Disk) -> None:
    """The second is refused, and told so at once; when the first was given up, the name is free."""
    one, two = (Recording(str(tmp_path / "x.wav"), disk, lambda: None) for _ in range(2))
    await one.open()
    one.write(b"\x20" * 160)
    with pytest.raises(FileTaken, match="is being recorded"):
        await two.open()
    await two.finish()
    with pytest.raises(FileTaken, match="is being recorded"):
        await Recording(str(tmp_path / "x.wav"), disk, lambda: None).open()
    await one.finish()
    assert set(np.unique(soundfile.read(tmp_path / "x.wav", dtype="int16")[0])) == set(g711.decode(b"\x20"))
    (tmp_path / "x.wav").unlink()
    third = Recording(str(tmp_path / "x.wav"), disk, lambda: None)
    await third.open()
    await third.finish()


async def test_disk_that_fails_ends_the_recording(tmp_path: Path, disk: Disk) -> None:
    """The recording ends by itself, and says so when it is finished."""
    ended: list[bool] = []
    taken = Recording(str(tmp_path / "x.au"), disk, lambda: ended.append(True))
    await taken.open()

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    taken._file.write = full  # type: ignore[assignment,method-assign]
    for _ in range(50):
        taken.write(CODES[:160])
    await disk.write(lambda: None)
    with pytest.raises(AudioError, match="No space left"):
        await taken.finish()


async def test_disk_that_is_too_slow(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it is bounded; beyond that the recording ends."""
    monkeypatch.setattr(recording, "_WAITING", 2)
    ended: list[bool] = []
    taken = Recording(str(tmp_path / "x.au"), disk, lambda: ended.append(True))
    await taken.open()
    for _ in range(200):
        taken.write(CODES[:160])
    assert ended
    with pytest.raises(AudioError, match="too slow"):
        await taken.finish()


async def test_recording_that_cannot_be_made(tmp_path: Path, disk: Disk) -> None:
    """An ending that is no format's, a folder that is not there."""
    with pytest.raises(AudioError, match="ends in none of"):
        Recording(str(tmp_path / "x.mp3"), disk, lambda: None)
    taken = Recording(str(tmp_path / "none" / "x.wav"), disk, lambda: None)
    with pytest.raises(AudioError, match="cannot be made"):
        await taken.open()
    await taken.finish()
