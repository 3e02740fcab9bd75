"""Messages on the disk: what any crash leaves behind becomes a message, once, with all that is known of it."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sqlite3
import threading
import time
import wave
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctportd.calls import caller as callers
from ctportd.clock import Clock
from ctportd.errors import AudioError, CallEnded, RequestFailed, StorageError
from ctportd.messages import incoming, notes
from ctportd.messages.incoming import Place
from ctportd.messages.mending import mend
from ctportd.messages.notes import Note
from ctportd.messages.service import Messages
from ctportd.store.durable import DurableStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from pathlib import Path
    from typing import Any

    from ctportd.calls.call import Call
    from ctportd.records import VoiceMessage

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALL = "20261123-120000-1-0a1b2c"
NOTE = Note("100", CALL, NOON, "5550100", "Ada Lovelace", 1.0)
NOBODY = 4_194_305  # above the kernel's highest pid
VOICE = (np.sin(np.arange(24_000) / 5) * 12_000).astype("<i2")  # three seconds


def place_in(tmp_path: Path, name: str = f"{CALL}-beef") -> Place:
    """Where a message of this name is, its folders made."""
    place = Place(tmp_path / "voicemail" / "100", name)
    place.recording.parent.mkdir(parents=True, exist_ok=True)
    return place


def write_wav(path: Path, samples: np.ndarray = VOICE) -> None:
    """A whole recording."""
    soundfile.write(path, samples, 8000, subtype="PCM_16", format="WAV")


def write_part(path: Path, samples: np.ndarray = VOICE) -> None:
    """A recording as our ctserver leaves it when it is killed: its header tells of nothing."""
    with path.open("wb") as file:
        writer = wave.open(file, "wb")  # noqa: SIM115 - never closed: that is the point
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        for at in range(0, len(samples), 4000):
            writer.writeframesraw(samples[at : at + 4000].tobytes())
        file.flush()
        writer._file = None  # type: ignore[attr-defined]


def part_of(place: Place, pid: int = NOBODY) -> Path:
    """The part of a recording that this process wrote."""
    return place.recording.with_name(f"{place.recording.name}.{pid}-0.part")


def leave_alone(place: Place, seconds: float = 10.0) -> None:
    """Let it be so long since anybody wrote to a message's files."""
    then = time.time() - seconds
    for path in place.mailbox.glob(f"incoming/{place.name}.*"):
        os.utime(path, (then, then))


# -- mending


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 2000), form=st.sampled_from(["WAV", "AU", "WAVEX"]), whole=st.booleans())
def test_recording_that_was_cut_anywhere_plays(tmp_path: Path, cut: int, form: str, *, whole: bool) -> None:
    """Every whole sample that is there is heard, whatever the header says; mending twice changes nothing."""
    path = tmp_path / f"x.{form.lower()}"
    soundfile.write(path, VOICE[:800], 8000, subtype="PCM_16", format=form)
    data = path.read_bytes()
    header = len(data) - 1600
    cut = len(data) if whole else min(header + cut, len(data))
    path.write_bytes(data[:cut])
    mend(path)
    mended = path.read_bytes()
    samples, _ = soundfile.read(path, dtype="int16") if cut - header >= 2 else (VOICE[:0], 0)
    assert np.array_equal(samples, VOICE[: (cut - header) // 2])
    mend(path)
    assert path.read_bytes() == mended


@pytest.mark.parametrize("form", ["WAV", "AU"])
def test_recording_that_is_well_stays_as_it_is(tmp_path: Path, form: str) -> None:
    """With all that its writer has put behind the voice."""
    path = tmp_path / "x"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16", format=form) as file:
        file.write(VOICE)
        if form == "WAV":
            file.comment = "and a word after it"
    before = path.read_bytes()
    mend(path)
    assert path.read_bytes() == before


def test_recording_without_its_lengths_plays(tmp_path: Path) -> None:
    """What our own ctserver had written when it was killed is heard to the last sample."""
    write_part(tmp_path / "x.wav")
    mend(tmp_path / "x.wav")
    with wave.open(str(tmp_path / "x.wav")) as mended:
        assert mended.getnframes() == len(VOICE)
        assert mended.readframes(len(VOICE)) == VOICE.tobytes()


@pytest.mark.parametrize("size", range(0, 44, 5))
def test_file_that_is_all_header_is_no_fault(tmp_path: Path, size: int) -> None:
    """A writer that was killed in its first moment has left less than a header."""
    write_wav(tmp_path / "x.wav")
    (tmp_path / "x.wav").write_bytes((tmp_path / "x.wav").read_bytes()[:size])
    if 0 < size < 4:
        return
    mend(tmp_path / "x.wav")


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    """It stays as it is."""
    (tmp_path / "x.wav").write_bytes(b"not a recording")
    with pytest.raises(AudioError, match=r"x\.wav cannot be mended: it begins like no sound file"):
        mend(tmp_path / "x.wav")
    assert (tmp_path / "x.wav").read_bytes() == b"not a recording"


# -- finishing


def test_whole_recording_becomes_a_message(tmp_path: Path) -> None:
    """With its note, in its mailbox, and nothing is left of its growing."""
    place = place_in(tmp_path)
    incoming.begin(place, NOTE)
    write_wav(place.recording)
    message = incoming.finish(place, cut_short=False)
    assert message is not None
    assert (message.mailbox, message.call, message.number, message.name) == (
        "100",
        CALL,
        "5550100",
        "Ada Lovelace",
    )
    assert (message.recorded_at, message.seconds, message.cut_short) == (NOON, 3.0, False)
    assert message.path == str(place.kept)
    assert sorted(path.name for path in place.mailbox.rglob("*")) == [place.note.name, place.kept.name, "incoming"]


def test_part_of_a_recording_becomes_a_message(tmp_path: Path) -> None:
    """What a killed ctserver has left is mended, and marked as cut short."""
    place = place_in(tmp_path)
    incoming.begin(place, NOTE)
    write_part(part_of(place))
    message = incoming.finish(place, cut_short=False)
    assert message is not None
    assert (message.seconds, message.cut_short) == (3.0, True)
    assert soundfile.info(place.kept).frames == len(VOICE)


@pytest.mark.parametrize("spoken", [0.0, 0.9])
def test_too_little_is_forgotten(tmp_path: Path, spoken: float) -> None:
    """Who did not speak, or for less than the mailbox wants, has left no message, and no file."""
    place = place_in(tmp_path)
    incoming.begin(place, NOTE)
    write_part(part_of(place), VOICE[: int(8000 * spoken)])
    assert incoming.finish(place, cut_short=True) is None
    assert [path.name for path in place.mailbox.rglob("*")] == ["incoming"]


def test_recording_without_a_note_is_a_message_all_the_same(tmp_path: Path) -> None:
    """Its names and its time tell what can be told."""
    place = place_in(tmp_path)
    write_part(part_of(place))
    os.utime(part_of(place), (1_000_000_000, 1_000_000_000))
    message = incoming.finish(place, cut_short=True)
    assert message is not None
    assert (message.mailbox, message.call, message.number) == ("100", CALL, "")
    assert message.recorded_at.year == 2001


class Crash(Exception):  # noqa: N818 - named after what happens
    """The machine stops here."""


@pytest.mark.parametrize("steps", range(12))
def test_crash_between_any_two_steps_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Whatever the last thing was that reached the disk, finishing it later gives the one message."""
    place = place_in(tmp_path)
    incoming.begin(place, NOTE)
    write_part(part_of(place))
    left = itertools.count(steps, -1)

    def stop_at_last(real: object) -> object:
        def step(*args: object, **kwargs: object) -> object:
            if next(left) <= 0:
                raise Crash
            return real(*args, **kwargs)  # type: ignore[operator]

        return step

    with monkeypatch.context() as patch:
        for name in ("replace", "rename", "unlink"):
            patch.setattr(f"pathlib.Path.{name}", stop_at_last(getattr(type(tmp_path), name)))
        patch.setattr("os.fsync", stop_at_last(os.fsync))
        try:
            finished = incoming.finish(place, cut_short=False)
        except Crash:
            finished = None
    again = incoming.finish(place, cut_short=True)
    assert again is not None
    assert (again.number, again.seconds, again.cut_short) == ("5550100", 3.0, True)
    assert finished in (None, again)
    assert soundfile.info(place.kept).frames == len(VOICE)
    assert not list(place.recording.parent.glob("*.wav*"))


# -- the whole


class Told:
    """Remembers what plugins were told."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, int, int]] = []
        self.left: list[str] = []

    def __call__(self, hook: str, **arguments: Any) -> None:
        """Be told."""
        if hook == "message_left":
            self.left.append(arguments["message"].uid)
        else:
            assert hook == "message_waiting"
            self.waiting.append((arguments["mailbox"], arguments["new"], arguments["old"]))


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Messages, DurableStore]]:
    """The messages of a state folder, with its store."""
    store = DurableStore(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db")
    await store.open()
    try:
        yield Messages(tmp_path, store, 0.0, Told(), Clock().now), store
    finally:
        await store.close()


async def test_what_a_crash_left_is_in_its_mailbox(tmp_path: Path) -> None:
    """Parts of dead writers, and recordings that nobody writes to any more; what may still grow is left alone."""
    dead, whole, elsewhere, growing, stalled = (place_in(tmp_path, f"{CALL}-{n:04x}") for n in range(5))
    for place in (dead, whole, elsewhere, growing, stalled):
        await asyncio.to_thread(incoming.begin, place, NOTE)
    write_part(part_of(dead))
    write_wav(whole.recording)
    write_part(part_of(elsewhere))  # a process of another machine is no process of ours, and may live
    write_part(part_of(growing, os.getpid()))
    write_part(part_of(stalled, os.getpid()))
    for place in (dead, whole, stalled):
        leave_alone(place)
    async with opened(tmp_path) as (messages, store):
        assert not await messages.put_in_order()
        listed = await store.messages("100")
        assert {message.path for message in listed} == {str(dead.kept), str(whole.kept)}
        assert all(message.cut_short and message.number == "5550100" for message in listed)
        for place in (elsewhere, growing, stalled):
            leave_alone(place, 200.0)
        assert await messages.put_in_order()
        assert len(await store.messages()) == 5
        assert await messages.put_in_order()
        assert len(await store.messages()) == 5


async def test_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note that could not be completed is neither in the way nor finished again and again."""
    place = place_in(tmp_path)
    await asyncio.to_thread(incoming.begin, place, NOTE)
    write_part(part_of(place))
    leave_alone(place)

    def full(_note: Note, path: Path) -> None:
        notes.fresh(path).touch()
        raise StorageError("full")

    monkeypatch.setattr("ctportd.messages.notes.write", full)
    async with opened(tmp_path) as (messages, store):
        assert await messages.put_in_order()
        assert await messages.put_in_order()
        assert [message.number for message in await store.messages()] == ["5550100"]
    assert list(place.recording.parent.iterdir()) == []


def test_note_that_cannot_be_written_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a part of it."""
    monkeypatch.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match=r"x\.json cannot be written: No space left on device"):
        notes.write(NOTE, tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


async def test_one_bad_mailbox_keeps_no_other_waiting(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Nor does it end the daemon: it is told of."""
    place = place_in(tmp_path)
    await asyncio.to_thread(incoming.begin, place, NOTE)
    write_part(part_of(place))
    leave_alone(place)
    (tmp_path / "voicemail" / "0").mkdir()
    (tmp_path / "voicemail" / "0" / "incoming").write_text("a file where a folder should be")
    async with opened(tmp_path) as (messages, store):
        assert await messages.put_in_order()
        assert len(await store.messages()) == 1
    assert [line["folder"] for line in log_lines if line["event"] == "a mailbox cannot be looked at"]


async def test_want_of_files_or_threads_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again: a daemon that has too many files open at one moment goes on."""
    faults = [OSError(24, "Too many open files"), RuntimeError("can't start new thread")]
    monkeypatch.setattr("ctportd.messages.arrivals.RETRY", 0.01)
    async with opened(tmp_path) as (messages, _):
        real = messages.put_in_order

        async def fail_first() -> bool:
            if faults:
                raise faults.pop()
            return await real()

        monkeypatch.setattr(messages, "put_in_order", fail_first)
        running = asyncio.create_task(messages.run())
        async with asyncio.timeout(10):
            while faults:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
        assert not running.done()
        running.cancel()


async def test_state_folder_that_was_moved(tmp_path: Path) -> None:
    """A message is known by mailbox and name: it has one row, which tells where it is now."""
    before, after = tmp_path / "before", tmp_path / "after"
    place = place_in(before)
    await asyncio.to_thread(incoming.begin, place, NOTE)
    write_part(part_of(place))
    leave_alone(place)
    async with opened(before) as (messages, _):
        await messages.put_in_order()
    before.rename(after)
    async with opened(after) as (messages, store):
        await messages.put_in_order()
        (message,) = await store.messages()
    assert message.path == str(place_in(after).kept)
    assert message.id == 1


async def test_message_that_the_database_refuses_keeps_no_other_waiting(tmp_path: Path) -> None:
    """It is told of; the others get their rows."""
    first, second = (place_in(tmp_path, f"{CALL}-{n:04x}") for n in range(2))
    for place, name in ((first, "poison"), (second, "Ada")):
        await asyncio.to_thread(incoming.begin, place, msgspec.structs.replace(NOTE, name=name))
        write_part(part_of(place))
        leave_alone(place)
    async with opened(tmp_path) as (messages, store):
        with closing(sqlite3.connect(tmp_path / "ctportd.db")) as connection:
            connection.execute(
                "CREATE TRIGGER t BEFORE INSERT ON messages WHEN NEW.name = 'poison' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        assert not await messages.put_in_order()
        assert [message.name for message in await store.messages()] == ["Ada"]


async def test_database_that_is_gone_is_made_anew_from_the_disk(tmp_path: Path) -> None:
    """The rows follow from the notes: who called, when, for how long."""
    place = place_in(tmp_path)
    await asyncio.to_thread(incoming.begin, place, NOTE)
    write_wav(place.recording)
    os.utime(place.recording, (1, 1))
    os.utime(place.incoming_note, (1, 1))
    async with opened(tmp_path) as (messages, store):
        await messages.put_in_order()
        before = await store.messages()
    assert len(before) == 1
    (tmp_path / "ctportd.db").unlink()
    async with opened(tmp_path) as (messages, store):
        await messages.put_in_order()
        assert await store.messages() == before


async def test_database_that_goes_away_while_it_runs(tmp_path: Path) -> None:
    """Its rows are there again, without a start."""
    place = place_in(tmp_path)
    await asyncio.to_thread(incoming.begin, place, NOTE)
    write_part(part_of(place))
    leave_alone(place)
    async with opened(tmp_path) as (messages, store):
        await messages.put_in_order()
        before = await store.messages()
        (tmp_path / "ctportd.db").unlink()
        await store._look_after()
        assert await store.messages() == []
        await messages.put_in_order()
        assert await store.messages() == before


async def test_message_waits_for_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in its mailbox; the row comes when the lock is gone, and one only."""
    monkeypatch.setattr("ctportd.store.database._BUSY_TIMEOUT", 50)
    place = place_in(tmp_path)
    await asyncio.to_thread(incoming.begin, place, NOTE)
    write_part(part_of(place))
    leave_alone(place)
    async with opened(tmp_path) as (messages, store):
        with locked(tmp_path / "ctportd.db"):
            assert not await messages.put_in_order()
            assert place.kept.exists()
            assert list(messages.unlisted) == [str(place.kept)]
        assert await messages.put_in_order()
        assert [message.path for message in await store.messages()] == [str(place.kept)]


def locked(path: Path) -> closing[sqlite3.Connection]:
    """Another program that writes, as long as the block lasts."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return closing(connection)


async def test_room_on_the_disk(tmp_path: Path) -> None:
    """Where less is free than is wanted, no recording begins."""
    free = shutil.disk_usage(tmp_path).free / 1e6
    async with opened(tmp_path) as (_, store):
        await Messages(tmp_path, store, free / 2, Told(), Clock().now).check_room()
        with pytest.raises(StorageError, match=r"has [0-9]+ MB free where .* are wanted: see \[daemon\] min_free"):
            await Messages(tmp_path, store, free * 2, Told(), Clock().now).check_room()


def test_note_comes_back(tmp_path: Path) -> None:
    """Whatever a line told: bytes that were no UTF-8 too."""
    note = msgspec.structs.replace(NOTE, name=notes.told("\udcff\x00é"))
    notes.write(note, tmp_path / "x.json")
    assert notes.read(tmp_path / "x.json") == note
    (tmp_path / "x.json").write_bytes(b"{")
    assert notes.read(tmp_path / "x.json") is None


async def test_broken_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    """What is no recording is told of once, and set aside; the others become messages."""
    broken, good = (place_in(tmp_path, f"{CALL}-{n:04x}") for n in range(2))
    broken.recording.write_bytes(b"not a recording")
    os.utime(broken.recording, (1, 1))
    write_part(part_of(good))
    leave_alone(good)
    async with opened(tmp_path) as (messages, store):
        assert not await messages.put_in_order()
        listed: list[VoiceMessage] = await store.messages()
        assert [message.path for message in listed] == [str(good.kept)]
        assert await messages.put_in_order()
    assert broken.recording.with_name(f"{broken.recording.name}.broken").read_bytes() == b"not a recording"


# -- taking one


class Caller:
    """A call that is being recorded, as far as taking a message needs one."""

    def __init__(self, record: Callable[[Path], Awaitable[None]]) -> None:
        self.id = CALL
        self.clock = Clock()
        self.caller = callers.Caller("5550100", "Ada \udcff")
        self._record = record

    async def record(self, path: Path, *, limit: int, silence: int) -> None:
        """Speak."""
        await self._record(path)


async def take(messages: Messages, caller: Caller) -> VoiceMessage | None:
    """Take a message of at least a second."""
    return await messages.take(cast("Call", caller), "100", shortest=1.0)


async def test_message_that_is_taken(tmp_path: Path) -> None:
    """Recording, note and row are there when it is done, and nothing is left to do."""

    async def speak(path: Path) -> None:
        await asyncio.to_thread(write_wav, path)

    async with opened(tmp_path) as (messages, store):
        message = await take(messages, Caller(speak))
        assert message is not None
        assert (message.number, message.name, message.seconds, message.cut_short) == (
            "5550100",
            "Ada ?",
            3.0,
            False,
        )
        assert await store.messages() == [message]
        assert await messages.put_in_order()


async def test_ctserver_that_gives_up_leaves_what_was_spoken(tmp_path: Path) -> None:
    """It is a message, cut short; where nothing was spoken, whoever asked is told that none can be taken."""

    async def speak(path: Path) -> None:
        await asyncio.to_thread(write_part, path.with_name(f"{path.name}.{os.getpid()}-0.part"))
        raise RequestFailed("port 1", "ctrecord", ("cannot-record",))

    async def refuse(_path: Path) -> None:
        raise RequestFailed("port 1", "ctrecord", ("cannot-record",))

    async with opened(tmp_path) as (messages, store):
        message = await take(messages, Caller(speak))
        assert message is not None
        assert message.cut_short
        with pytest.raises(StorageError, match="ctserver could not record"):
            await take(messages, Caller(refuse))
        assert await store.messages() == [message]
        assert await messages.put_in_order()


async def test_call_that_ends_before_a_word_leaves_nothing(tmp_path: Path) -> None:
    """Neither a message nor a file, at once."""

    async def hang_up(_path: Path) -> None:
        raise CallEnded("hangup")

    async with opened(tmp_path) as (messages, store):
        with pytest.raises(CallEnded):
            await take(messages, Caller(hang_up))
        assert await asyncio.to_thread(lambda: list(tmp_path.glob("voicemail/100/incoming/*"))) == []
        assert await messages.put_in_order()
        assert await store.messages() == []


async def test_plugin_that_is_cancelled_takes_no_message_with_it(tmp_path: Path) -> None:
    """Ctserver completes the recording when the line is freed, and then it is put into its mailbox."""
    recording: asyncio.Future[Path] = asyncio.get_running_loop().create_future()

    async def speak(path: Path) -> None:
        recording.set_result(path)
        await asyncio.Event().wait()

    async with opened(tmp_path) as (messages, store):
        taking = asyncio.create_task(take(messages, Caller(speak)))
        path = await recording
        assert await messages.put_in_order()  # it is being taken: nobody touches it
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await asyncio.to_thread(write_wav, path)
        assert not await messages.put_in_order()
        leave_alone(Place(path.parent.parent, path.stem))
        assert await messages.put_in_order()
        (message,) = await store.messages()
        assert (message.number, message.seconds, message.cut_short) == ("5550100", 3.0, True)


async def test_plugin_that_is_cancelled_while_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finishing goes on without it."""
    begun, go = threading.Event(), threading.Event()

    def slow(place: Place, *, cut_short: bool) -> VoiceMessage | None:
        begun.set()
        go.wait(20)
        return finish(place, cut_short=cut_short)

    async def speak(path: Path) -> None:
        await asyncio.to_thread(write_wav, path)

    finish = incoming.finish
    monkeypatch.setattr("ctportd.messages.incoming.finish", slow)
    async with opened(tmp_path) as (messages, store):
        taking = asyncio.create_task(take(messages, Caller(speak)))
        await asyncio.to_thread(begun.wait, 20)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        go.set()
        async with asyncio.timeout(20):
            while not await store.messages():  # noqa: ASYNC110 - nobody is there to be told
                await asyncio.sleep(0)
        assert not (await store.messages())[0].cut_short


async def test_want_of_a_thread_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong when it is finished, it is finished later."""

    async def speak(path: Path) -> None:
        await asyncio.to_thread(write_wav, path)

    def fail(_place: Place, *, cut_short: bool) -> VoiceMessage | None:
        raise RuntimeError(f"can't start new thread ({cut_short})")

    async with opened(tmp_path) as (messages, store):
        with monkeypatch.context() as patch:
            patch.setattr("ctportd.messages.incoming.finish", fail)
            with pytest.raises(RuntimeError):
                await take(messages, Caller(speak))
        leave_alone(Place(tmp_path / "voicemail" / "100", "*"))
        assert await messages.put_in_order()
        assert len(await store.messages()) == 1
