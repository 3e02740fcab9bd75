"""A file of lines that is rolled: none is lost, none is torn, and old ones are kept as they should be."""

from __future__ import annotations

import errno
import gzip
import json
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ctportd.logfile import Keeping, LogFile, Rolled
from ctportd.logfile.file import JUST_NOW, LOOK_EVERY, TRY_AGAIN
from ctportd.logfile.old import OldFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

NOW = datetime(2026, 11, 23, 18, 15, 0, tzinfo=UTC)

ROLLED = "x.log.20261123-181500"


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """The clock of the file."""
    return Seconds()


@pytest.fixture
def file(tmp_path: Path, seconds: Seconds) -> Iterator[LogFile]:
    """A log file in a folder that is not there yet."""
    made = LogFile(tmp_path / "logs" / "x.log", monotonic=seconds)
    yield made
    made.close()


def contents(file: LogFile) -> dict[str, str]:
    """Everything in the folder, unpacked."""
    return {
        path.name: (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
        for path in sorted(file.path.parent.iterdir())
    }


def roll_days(file: LogFile, days: int) -> Rolled:
    """Write and rotate once a day."""
    rolled = Rolled()
    for day in range(days):
        file.write(b"%d" % day)
        rolled = file.rotate(NOW + timedelta(days=day))
    return rolled


# -- names


def test_old_lines_get_the_date(file: LogFile) -> None:
    """The old file has its moment in its name; a second and a third of that moment get a number."""
    for n in range(3):
        file.write(b"%d" % n)
        assert file.roll(NOW).old == file.path.with_name(ROLLED + (f".{n}" if n else ""))
    file.write(b"new")
    assert contents(file) == {"x.log": "new\n", ROLLED: "0\n", f"{ROLLED}.1": "1\n", f"{ROLLED}.2": "2\n"}


def test_names_go_on_though_the_clock_goes_back(file: LogFile) -> None:
    """In autumn an hour comes twice: the file that was rolled last is still the newest by its name."""
    for hours in (0, -1, -1):
        assert file.roll(NOW + timedelta(hours=hours)).old is not None
    file.roll(NOW + timedelta(seconds=1))
    assert sorted(contents(file)) == ["x.log", ROLLED, f"{ROLLED}.1", f"{ROLLED}.2", "x.log.20261123-181501"]


def test_file_of_a_wrong_clock_counts_as_the_oldest(file: LogFile) -> None:
    """A clock that was years ahead once names no later file, and what it named goes first."""
    file.write(b"from the future")
    file.roll(NOW + timedelta(days=9999))
    file.keeping = Keeping(keep=2)
    roll_days(file, 2)
    assert [name for name in contents(file) if name != "x.log"] == [ROLLED, "x.log.20261124-181500"]


def test_compressed_file_keeps_its_name_to_itself(file: LogFile) -> None:
    """A file is never rolled onto one of that second that is compressed already."""
    file.keeping = Keeping(compress=True)
    for n in range(4):
        file.write(b"%d" % n)
        file.rotate(NOW)
    assert contents(file) == {
        "x.log": "",
        f"{ROLLED}.gz": "0\n",
        f"{ROLLED}.1.gz": "1\n",
        f"{ROLLED}.2.gz": "2\n",
        f"{ROLLED}.3": "3\n",
    }


# -- keeping


def test_older_ones_are_compressed_and_the_oldest_removed(file: LogFile) -> None:
    """The newest stays as it is; it is told what was done."""
    file.keeping = Keeping(keep=3, compress=True)
    rolled = roll_days(file, 5)
    folder = file.path.parent
    assert rolled == Rolled(
        folder / "x.log.20261127-181500",
        compressed=[folder / "x.log.20261126-181500.gz"],
        removed=[folder / "x.log.20261124-181500.gz"],
    )
    assert contents(file) == {
        "x.log": "",
        "x.log.20261125-181500.gz": "2\n",
        "x.log.20261126-181500.gz": "3\n",
        "x.log.20261127-181500": "4\n",
    }
    packed = folder / "x.log.20261126-181500.gz"
    assert packed.stat().st_mode == file.path.stat().st_mode


def test_all_are_kept_where_keep_is_0(file: LogFile) -> None:
    """Nothing is removed, and nothing compressed where that is not asked for."""
    rolled = roll_days(file, 12)
    assert (rolled.removed, rolled.compressed, len(contents(file))) == ([], [], 13)


@pytest.mark.parametrize(
    "name",
    [
        *("x.log.1", "x.log-20261101.gz", "x.log.20261101", "x.log.20261101-181500.bak", "y.log.20261101-181500"),
        *(
            "ax.log.20261101-181500",
            "xxlog.20261101-181500",
            "x.log.20261101-181500.1.2",
            "x.log.20261101-181500.gz.x",
        ),
    ],
)
def test_only_files_of_our_own_pattern_are_removed(file: LogFile, name: str) -> None:
    """What other programs and people have put there stays, whatever it is called."""
    theirs = file.path.with_name(name)
    theirs.write_text("theirs")
    file.keeping = Keeping(keep=1, compress=True)
    roll_days(file, 3)
    assert theirs.read_text() == "theirs"
    assert len(list(file.path.parent.iterdir())) == 3


def test_what_a_crash_left_half_compressed_is_removed_and_done_again(file: LogFile) -> None:
    """It may have come before the packed file had its name, or before the other one was gone."""
    file.keeping = Keeping(compress=True)
    roll_days(file, 1)
    old = file.path.with_name(ROLLED)
    old.with_name(f"{ROLLED}.gz.part").write_bytes(b"half")
    old.with_name(f"{ROLLED}.gz").write_bytes(gzip.compress(b"0\n"))
    file.rotate(NOW + timedelta(days=1))
    assert contents(file) == {"x.log": "", f"{ROLLED}.gz": "0\n", "x.log.20261124-181500": ""}


def test_disk_that_is_full_leaves_old_files_as_they_are(file: LogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be compressed stays whole, and that is told; nothing half done stays behind."""

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file.keeping = Keeping(compress=True)
    roll_days(file, 1)
    monkeypatch.setattr(os, "fsync", refuse)
    rolled = file.rotate(NOW + timedelta(days=1))
    assert rolled.problems == [f"{file.path.with_name(ROLLED)} cannot be compressed: No space left on device"]
    assert contents(file)[ROLLED] == "0\n"
    assert len(contents(file)) == 3


# -- by size


def test_file_that_is_full_is_rolled_by_itself(tmp_path: Path) -> None:
    """At so many megabytes; who wants to know is told."""
    told: list[Rolled] = []
    rolled = threading.Event()

    def tell(what: Rolled) -> None:
        told.append(what)
        rolled.set()

    file = LogFile(tmp_path / "x.log", Keeping(max_size=0.001), tell)
    for n in range(10):
        assert not rolled.is_set()
        file.write(b"%d" % n * 99)
    assert rolled.wait(30)
    file.write(b"new")
    (one,) = told
    assert one.old is not None
    assert (one.problems, one.old.stat().st_size, file.path.read_text()) == ([], 1000, "new\n")
    file.close()


def test_full_file_that_cannot_be_rolled_is_tried_again_later(
    tmp_path: Path, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once a minute and not with every line, and no line is lost."""
    told: list[Rolled] = []
    again = threading.Semaphore(0)

    def tell(what: Rolled) -> None:
        told.append(what)
        again.release()

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    file = LogFile(tmp_path / "x.log", Keeping(max_size=0.000001), tell, seconds)
    monkeypatch.setattr(type(file.path), "rename", refuse)
    for times in (1, 2):
        for _ in range(5):
            file.write(b"line")
        assert again.acquire(timeout=30)
        assert [one.problems for one in told] == times * [
            [f"{file.path} cannot be rolled, and is written on: Permission denied"]
        ]
        seconds.now += TRY_AGAIN
    assert file.path.read_text() == 10 * "line\n"
    file.close()


# -- other programs


def test_log_goes_on_where_it_ended(file: LogFile) -> None:
    """A file that is there is added to."""
    file.write(b"old")
    again = LogFile(file.path)
    again.write(b"new")
    again.close()
    assert file.path.read_text() == "old\nnew\n"


def test_file_that_was_moved_away_is_noticed(file: LogFile, seconds: Seconds) -> None:
    """Another program may rotate: within a second lines go to a new file, whether that program has made it or not."""
    for n, create in enumerate((False, True)):
        file.write(b"before")
        file.path.rename(file.path.with_name(f"moved.{n}"))
        if create:
            file.path.touch()
        file.write(b"just after")
        seconds.now += LOOK_EVERY
        file.write(b"after")
        assert contents(file)[f"moved.{n}"].endswith("before\njust after\n")
        assert contents(file)["x.log"] == "after\n"


def test_log_that_was_moved_away_is_opened_anew_and_not_rolled(file: LogFile, seconds: Seconds) -> None:
    """The other program may tell us to rotate, before or after we have noticed: it is one rotation, and not two."""
    file.write(b"gone")
    file.path.unlink()
    assert file.rotate(NOW) == Rolled(moved=True)
    file.write(b"here")
    assert file.path.read_text() == "here\n"
    assert file.rotate(NOW) == Rolled(moved=True)
    seconds.now += JUST_NOW
    assert file.rotate(NOW).old == file.path.with_name(ROLLED)


def test_log_that_was_cut_is_written_on(file: LogFile, seconds: Seconds) -> None:
    """As with logrotate's copytruncate: lines go to the beginning, without a hole, and count from there."""
    file.keeping = Keeping(max_size=0.0001)
    file.write(b"x" * 90)
    os.truncate(file.path, 0)
    seconds.now += LOOK_EVERY
    file.write(b"new")
    file.write(b"lines")
    assert contents(file) == {"x.log": "new\nlines\n"}


def test_what_is_no_file_is_not_rolled(tmp_path: Path) -> None:
    """Somebody writes the log to a pipe: it is not renamed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file = LogFile(pipe)
    file.write(b"line")
    assert file.rotate(NOW).problems == [f"{pipe} is no file that could be rolled"]
    assert os.read(reader, 100) == b"line\n"
    file.close()
    os.close(reader)


# -- faults


def test_log_that_cannot_be_rolled_is_written_to_all_the_same(
    file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk refuses a new file the old one is used on, under its own name."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(type(file.path), "open", refuse)
        assert file.rotate(NOW).problems == [f"{file.path} cannot be rolled, and is written on: Permission denied"]
    file.write(b"still")
    assert contents(file) == {"x.log": "still\n"}


class _Short:
    """A file of a disk that has room for so many bytes."""

    def __init__(self, file: FileIO, room: int) -> None:
        self.room = room
        self._file = file

    def fileno(self) -> int:
        """As the file's."""
        return self._file.fileno()

    def write(self, data: bytes) -> int:
        """Write what there is room for."""
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._file.write(data[: self.room])
        self.room -= written
        return written

    def close(self) -> None:
        """Close it."""
        self._file.close()


@pytest.mark.parametrize("cut", [True, False])
def test_line_that_finds_no_room_is_glued_to_no_other(
    file: LogFile, monkeypatch: pytest.MonkeyPatch, *, cut: bool
) -> None:
    """What was written of it is cut off again; where that cannot be, it ends before the next line begins."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    if not cut:
        monkeypatch.setattr(os, "ftruncate", refuse)
    file.write(b"one")
    short = _Short(file._file, 5)
    monkeypatch.setattr(file, "_file", short)
    with pytest.raises(OSError, match="No space left"):
        file.write(b"too long")
    short.room = 1000
    file.write(b"three")
    assert file.path.read_text() == ("one\nthree\n" if cut else "one\ntoo l\nthree\n")


def test_line_that_a_power_cut_tore_is_glued_to_no_other(file: LogFile) -> None:
    """A file that does not end with an LF gets one."""
    file.path.write_text('{"event": "ha')
    again = LogFile(file.path)
    again.write(b"whole")
    again.close()
    assert file.path.read_text() == '{"event": "ha\nwhole\n'


def test_old_files_of_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Rolling begins the folder anew."""
    file = LogFile(tmp_path / "logs" / "x.log")
    file.path.unlink()
    file.path.parent.rmdir()
    assert file.rotate(NOW) == Rolled(moved=True)
    file.write(b"here")
    assert contents(file) == {"x.log": "here\n"}
    file.close()
    assert OldFiles(file.path).free_name(NOW).name == ROLLED


# -- not one line


def test_no_line_is_lost_or_torn_while_the_log_is_rolled(tmp_path: Path) -> None:
    """Four threads write thousands of lines while a fifth rolls and compresses: each is there once, whole, in order."""
    file = LogFile(tmp_path / "x.log", Keeping(keep=1000, compress=True))
    count, rolls = 2500, 20
    progress = threading.Semaphore(0)

    def write(writer: str) -> None:
        for n in range(count):
            file.write(json.dumps({"writer": writer, "n": n, "text": "x" * (n % 200)}).encode())
            if n % (4 * count // rolls) == 0:
                progress.release()

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in writers:
        thread.start()
    for _ in range(rolls):
        assert progress.acquire(timeout=30)
        rolled = file.rotate(NOW)
        assert (rolled.old is not None, rolled.problems, rolled.removed) == (True, [], [])
    for thread in writers:
        thread.join()
    file.close()
    written = [json.loads(line) for text in contents(file).values() for line in text.splitlines()]
    assert len(contents(file)) == rolls + 1
    assert sorted((line["writer"], line["n"]) for line in written) == [
        (w, n) for w in "abcd" for n in range(count)
    ]
