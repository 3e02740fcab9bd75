"""Messages in their mailboxes: filed, counted, forwarded, removed, and what crashes in between leave."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sqlite3
import time
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import pytest
import soundfile

from ctportd.calls.caller import Caller
from ctportd.errors import AudioError, CallEnded, InvalidArgument, StorageError, StoreError
from ctportd.messages import notes, sound
from ctportd.messages.incoming import Place
from ctportd.messages.notes import Note
from ctportd.messages.service import Messages
from ctportd.records import INBOX, OLD, TRASH, Counts
from ctportd.store.durable import DurableStore
from ctportd.testing import audio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ctportd.calls.call import Call
    from ctportd.records import VoiceMessage

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALL = "20261123-120000-1-0a1b2c"
VOICE = audio.voice(2.0)


class House:
    """The messages of a state folder, with their store, and what plugins were told."""

    def __init__(self, messages: Messages, store: DurableStore, told: list[tuple[Any, ...]]) -> None:
        self.messages = messages
        self.store = store
        self.told = told

    def told_of(self, hook: str) -> list[tuple[Any, ...]]:
        """What was told by one hook."""
        return [what[1:] for what in self.told if what[0] == hook]

    async def only(self) -> VoiceMessage:
        """The only row."""
        (message,) = await self.store.messages()
        return message


@asynccontextmanager
async def started(state: Path) -> AsyncIterator[House]:
    """As a start of the daemon: rows are compared with the disk."""
    told: list[tuple[Any, ...]] = []

    def tell(hook: str, **arguments: Any) -> None:
        told.append((hook, *arguments.values()))

    store = DurableStore(f"sqlite+aiosqlite:///{state}/ctportd.db")
    await store.open()
    try:
        house = House(Messages(state, store, 0.0, tell, lambda: NOON), store, told)
        await house.messages.put_in_order()
        yield house
    finally:
        await store.close()


def put(state: Path, name: str = "a", **fields: Any) -> Place:
    """A message on the disk, with a note that says this more of it."""
    place = Place(state / "voicemail" / "100", f"{CALL}-{name}")
    place.recording.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(place.kept, VOICE, 8000)
    notes.write(Note("100", CALL, NOON, "555", "Ada", seconds=2.0, cut_short=False, **fields), place.note)
    return place


def note_of(message: VoiceMessage) -> dict[str, Any]:
    """What a message's note says, as a file."""
    return cast("dict[str, Any]", json.loads(Path(message.path).with_suffix(".json").read_text()))


def at_rest(state: Path) -> None:
    """Let it be long since anybody wrote to what is incoming."""
    then = time.time() - 300
    for path in state.glob("voicemail/*/incoming/*"):
        os.utime(path, (then, then))


def files(state: Path, pattern: str) -> list[Path]:
    """What there is on the disk."""
    return list(state.glob(pattern))


class Crash(BaseException):
    """The machine stops here."""


def crash_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """Let that many things reach the disk, and no more."""
    left = itertools.count(steps, -1)

    def stop_at_last(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            if next(left) <= 0:
                raise Crash
            return real(*args, **kwargs)

        return step

    for name in ("replace", "rename", "unlink"):
        patch.setattr(f"pathlib.Path.{name}", stop_at_last(getattr(Path, name)))
    patch.setattr("os.fsync", stop_at_last(os.fsync))


# -- filing


async def test_life_of_a_message(tmp_path: Path) -> None:
    """Heard, filed, deleted, restored, removed: note, row and the call's timeline say so, and each change is told."""
    await asyncio.to_thread(put, tmp_path)
    async with started(tmp_path) as house:
        messages = house.messages
        message = await house.only()
        assert (message.folder, message.heard, message.urgent, message.uid) == (INBOX, False, False, f"{CALL}-a")
        message = await messages.update(message, heard=True, folder=OLD)
        assert message.filed_at == NOON
        assert await messages.counts("100") == Counts(0, 1, 2.0)
        message = await messages.update(message, urgent=True)
        assert (await messages.of("100", OLD), await messages.of("100", INBOX)) == ([message], [])
        deleted = await messages.discard(message)
        assert (deleted.folder, await messages.counts("100")) == (TRASH, Counts())
        assert (await messages.restore(deleted)).folder == OLD
        assert (await messages.restore(msgspec.structs.replace(deleted, heard=False))).folder == INBOX
        message = await house.only()
        assert message.heard
        deleted = await messages.discard(await messages.update(message, folder="Work"))
        restored = await messages.restore(deleted)
        assert restored.folder == "Work"
        message = await messages.update(restored, folder=INBOX)
        said = await asyncio.to_thread(note_of, message)
        assert (said.get("folder", INBOX), said["heard"], said["urgent"]) == (INBOX, True, True)
        with pytest.raises(InvalidArgument, match="folder is 'Odl' where one of INBOX, Old"):
            await messages.update(message, folder="Odl")
        await messages.purge(message)
        await messages.purge(message)
        assert await house.store.messages() == []
        with pytest.raises(StorageError, match="is not there any more"):
            await messages.update(message, heard=False)
        assert await messages.put_in_order()
        waiting = [(new, old) for _, new, old in house.told_of("message_waiting")]
        assert waiting == [(1, 0), (0, 1), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0)]
        await house.store.write_what_waits()
        steps = [(step.kind, step.details.get("folder", "")) for step in await house.store.steps(CALL)]
        assert steps[:3] == [("message heard", ""), ("message filed", OLD), ("message deleted", TRASH)]
        assert steps[-4:] == [  # what happens twice at one moment is one step
            ("message filed", "Work"),
            ("message restored", "Work"),
            ("message filed", INBOX),
            ("message removed", ""),
        ]
    assert [path.name for path in files(tmp_path, "voicemail/100/*")] == ["incoming"]


async def test_notes_and_databases_of_earlier_versions(tmp_path: Path) -> None:
    """What they do not say is as it was then: new messages, in the one folder that there was, told of already."""
    place = await asyncio.to_thread(put, tmp_path)
    said = {"mailbox": "100", "call": CALL, "recorded_at": NOON.isoformat(), "seconds": 2.0, "cut_short": False}
    await asyncio.to_thread(place.note.write_text, json.dumps(said))
    columns = "mailbox, call, recorded_at, seconds, path, number, name, cut_short"
    with closing(sqlite3.connect(tmp_path / "ctportd.db")) as old:
        old.execute(f"CREATE TABLE messages (id INTEGER PRIMARY KEY, {columns})")
        row = ("100", CALL, "2026-11-23 12:00:00.000000", 2.0, str(place.kept), "", "", 0)
        old.execute(f"INSERT INTO messages ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        old.commit()
    async with started(tmp_path) as house:
        message = await house.only()
        assert (message.folder, message.heard, message.urgent, message.filed_at) == (INBOX, False, False, None)
        assert house.told == [("message_waiting", "100", 1, 0)]
        await house.messages.discard(message)
    async with started(tmp_path) as house:
        assert (await house.only()).folder == TRASH


async def test_row_follows_its_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the database could not take it, or the machine stopped before; and so does one that was removed."""
    first = await asyncio.to_thread(put, tmp_path)
    async with started(tmp_path) as house:
        message = await house.only()
        with monkeypatch.context() as patch:
            patch.setattr(house.store, "update_message", refuse)
            assert (await house.messages.update(message, folder="Work")).folder == "Work"
            assert not await house.messages.purge(await house.only(), unchanged=True)
            assert not await house.messages.put_in_order()
        assert (await house.only()).folder == INBOX
        assert await house.messages.put_in_order()
        assert (await house.only()).folder == "Work"
    note = await asyncio.to_thread(notes.read, first.note)
    assert note is not None
    await asyncio.to_thread(notes.write, msgspec.structs.replace(note, folder="Family", urgent=True), first.note)
    async with started(tmp_path) as house:
        message = await house.only()
        assert (message.folder, message.urgent) == ("Family", True)
        with monkeypatch.context() as patch:
            patch.setattr(house.store, "remove_message", refuse)
            await house.messages.purge(message)
        assert await house.only() == message
    async with started(tmp_path) as house:
        assert await house.store.messages() == []
        assert house.told == [("message_waiting", "100", 0, 0)]
    async with started(tmp_path) as house:
        assert house.told == [("message_waiting", "100", 0, 0)]
    assert not first.note.exists()
    by_hand = await asyncio.to_thread(put, tmp_path, "b")
    async with started(tmp_path) as house:
        assert await house.messages.counts("100") == Counts(1, 0, 2.0)
    for path in (by_hand.kept, by_hand.note):
        await asyncio.to_thread(path.unlink)
    async with started(tmp_path) as house:
        assert await house.store.messages() == []


async def refuse(_message: VoiceMessage) -> None:
    """As a database that is locked."""
    raise StoreError("the database is locked", passing=True)


async def test_plugins_are_told_until_it_is_certain_that_they_were(tmp_path: Path) -> None:
    """A start tells of what the last end came before; a database that is gone makes nobody hear of old messages."""
    first = await asyncio.to_thread(put, tmp_path, told=False)
    second = await asyncio.to_thread(put, tmp_path, "b")
    for expected in ([first.name], []):
        async with started(tmp_path) as house:
            left = [message.uid for (message,) in house.told_of("message_left")]
            assert left == expected
            assert house.told_of("message_waiting")[-1] == ("100", 2, 0)
        for path in files(tmp_path, "ctportd.db*"):
            path.unlink()
    note = await asyncio.to_thread(notes.read, second.note)
    async with started(tmp_path):
        assert note is not None
        await asyncio.to_thread(notes.write, msgspec.structs.replace(note, told=False), second.note)
    async with started(tmp_path) as house:
        assert [message.uid for (message,) in house.told_of("message_left")] == [second.name]


# -- forwarding


def write_introduction(path: Path) -> Path:
    """A second of voice, in stereo and at another rate."""
    samples = np.repeat(audio.voice(1.0), 2)  # 16 kHz
    soundfile.write(path, np.stack([samples, samples], axis=1), 16000, format="FLAC")
    return path


async def test_forward_and_deliver(tmp_path: Path) -> None:
    """Copies, as they are or with an introduction before them; the message stays; who sends it is told."""
    await asyncio.to_thread(put, tmp_path, urgent=True, heard=True, folder=OLD)
    introduction = await asyncio.to_thread(write_introduction, tmp_path / "hello.flac")
    async with started(tmp_path) as house:
        message = await house.only()
        copied = await house.messages.forward(message, "200")
        told = await house.messages.forward(message, "300", introduction=introduction, number="100", name="Ada")
        assert (copied.mailbox, copied.number, copied.name, copied.urgent) == ("200", "555", "Ada", True)
        assert (copied.folder, copied.heard, copied.cut_short, copied.call) == (INBOX, False, False, CALL)
        assert (told.number, told.name, told.recorded_at) == ("100", "Ada", NOON)
        assert told.seconds == pytest.approx(3.5, abs=0.05)
        samples, rate = await asyncio.to_thread(soundfile.read, told.path, dtype="int16")
        assert rate == 8000
        assert np.array_equal(samples[-len(VOICE) :], VOICE)
        assert audio.loudness(samples[:8000]) > 1000
        call = cast("Call", Speaker())
        sent = await house.messages.deliver(introduction, "100", call=call, number="200", name="Bob", urgent=True)
        assert sent.seconds == pytest.approx(1.0, abs=0.01)
        assert (sent.number, sent.urgent) == ("200", True)
        with pytest.raises(StorageError, match="there is nothing to be heard in"):
            await house.messages.deliver(tmp_path / "nothing.wav", "100", call=call)
        with pytest.raises(StorageError, match="cannot be put together"):
            await house.messages.deliver(tmp_path / "ctportd.db", "100", call=call)
        with pytest.raises(InvalidArgument, match="letters, digits"):
            await house.messages.forward(message, "../200")
        await house.messages.purge(message)
        with pytest.raises(StorageError, match="there is nothing to be heard in"):
            await house.messages.forward(message, "300", introduction=introduction)
        at_rest(tmp_path)
        assert await house.messages.put_in_order()
        assert [(await house.messages.counts(box)).new for box in ("100", "200", "300")] == [1, 1, 1]
        assert len(house.told_of("message_left")) == 3
    assert files(tmp_path, "voicemail/*/incoming/*") == []


@pytest.mark.parametrize("end", [None, CallEnded("hang-up"), StorageError("full"), asyncio.CancelledError()])
@pytest.mark.parametrize("spoken", [True, False])
async def test_draft_that_is_not_sent(tmp_path: Path, end: BaseException | None, *, spoken: bool) -> None:
    """It is gone once all is done; else what was spoken is in its own mailbox, be it at the next start."""
    call = cast("Call", Speaker())
    async with started(tmp_path) as house:
        with suppress(CallEnded, StorageError, asyncio.CancelledError):
            async with house.messages.draft(call, "100", shortest=1.0, number="100", name="Ada") as path:
                if spoken:
                    await asyncio.to_thread(soundfile.write, path, VOICE, 8000)
                assert await house.messages.put_in_order()
                if end:
                    raise end
    await asyncio.to_thread(at_rest, tmp_path)
    async with started(tmp_path) as house:
        known = [(message.number, message.name, message.seconds) for message in await house.store.messages()]
        assert known == ([("100", "Ada", 2.0)] if end and spoken else [])
        assert len(house.told_of("message_left")) == len(known)
    assert files(tmp_path, "voicemail/*/incoming/*") == []


class Speaker:
    """A call in which something is sent."""

    id = CALL
    caller = Caller()

    def __init__(self) -> None:
        self.clock = self

    @staticmethod
    def now() -> datetime:
        """The date and time of day."""
        return NOON + timedelta(minutes=1)


_LAST = 18
"""More than ever reaches the disk when a message is forwarded."""


@pytest.mark.parametrize("steps", range(_LAST + 1))
async def test_forwarding_that_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """The copy is there, whole, or it is not there at all; once done to its end, there is one; the message stays."""
    place = await asyncio.to_thread(put, tmp_path)
    introduction = await asyncio.to_thread(write_introduction, tmp_path / "hello.flac")
    whole = False
    async with started(tmp_path) as house:
        message = await house.only()
        with monkeypatch.context() as patch:
            crash_after(steps, patch)
            try:
                await house.messages.forward(message, "200", introduction=introduction)
            except Crash:
                pass
            else:
                whole = True
    assert whole or steps < _LAST
    await asyncio.to_thread(at_rest, tmp_path)
    for _ in range(2):
        async with started(tmp_path) as house:
            copies = await house.store.messages("200")
            assert len(copies) == 1 if whole else len(copies) <= 1
            for copy in copies:
                assert copy.seconds == pytest.approx(3.5, abs=0.05)
                assert (copy.name, copy.number, copy.cut_short) == ("Ada", "555", False)
            assert [message.uid for message in await house.store.messages("100")] == [place.name]
    assert files(tmp_path, "voicemail/*/incoming/*") == []


# -- sound


def test_silence_at_the_end_is_left_out(tmp_path: Path) -> None:
    """Half a second of it is left; a recording of nothing, and one that fails, stay as they are."""
    path = tmp_path / "x.wav"
    silence = np.zeros(40_000, np.int16)
    for name, samples, seconds in (
        ("wav", [silence, VOICE, silence], 7.5),
        ("au", [silence], 5.0),
        ("wav", [VOICE], 2.0),
    ):
        path = tmp_path / f"x.{name}"
        soundfile.write(path, np.concatenate(samples), 8000, subtype="ULAW")
        before = path.read_bytes()
        sound.trim(path)
        info = soundfile.info(path)
        assert (info.duration, info.subtype) == (pytest.approx(seconds, abs=0.1), "ULAW")
        assert (path.read_bytes() == before) is (len(samples) == 1)
        assert sound.is_silent(path) is all(part is silence for part in samples)
    path.write_bytes(b"no recording")
    with pytest.raises(AudioError, match="cannot be left out"):
        sound.trim(path)
    with pytest.raises(AudioError, match="cannot be listened to"):
        sound.is_silent(path)
    assert path.read_bytes() == b"no recording"
    assert len(list(tmp_path.iterdir())) == 2
