"""Records of calls, and their steps, while the database is locked, gone, or from an earlier version."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from ctportd.errors import StoreError
from ctportd.records import CallRecord, Step, VoiceMessage
from ctportd.store import Store
from ctportd.store.durable import DurableStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from typing import Any

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RINGING = CallRecord("a", "main:1", NOON, "5550100", "Ada Lovelace")
ENDED = msgspec.structs.replace(RINGING, ended_at=NOON + timedelta(seconds=60), end_reason="hangup")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is noticed soon."""
    monkeypatch.setattr("ctportd.store.database._BUSY_TIMEOUT", 50)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DurableStore]:
    """An empty store."""
    store = DurableStore(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db")
    await store.open()
    yield store
    await store.close()


def lock(path: Path) -> closing[sqlite3.Connection]:
    """Another program that writes, as long as the block lasts."""
    connection = sqlite3.connect(path / "ctportd.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return closing(connection)


async def test_records_wait_for_a_locked_database(
    store: DurableStore, tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Nothing is raised; the last state of each call is written when the lock is gone; it is told of once."""
    with lock(tmp_path):
        for record in (RINGING, ENDED, msgspec.structs.replace(ENDED, id="b")):
            await store.save_call(record)
        assert list(store.waiting) == ["a", "b"]
    await store._look_after()
    assert store.waiting == {}
    assert {call.id: call.end_reason for call in await store.calls()} == {"a": "hangup", "b": "hangup"}
    assert [line["event"] for line in log_lines] == [
        "records of calls wait for the database",
        "the records of calls that waited for the database are written",
    ]


async def test_record_that_is_being_written_has_not_waited(
    store: DurableStore, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """The look that follows each call may come in the middle of it: nothing is told of a trouble that there was not."""
    writing = asyncio.ensure_future(store.save_call(ENDED))
    await asyncio.sleep(0)
    assert list(store.waiting) == ["a"]
    await store._look_after()
    await writing
    assert log_lines == []


async def test_steps_wait_for_a_locked_database(
    store: DurableStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Whoever keeps them waits for nothing; they are written when the lock is gone, or at the end, and once."""
    monkeypatch.setattr("ctportd.store.durable.MOST_STEPS_WAITING", 4)
    ring, mail, late = (Step(NOON, kind) for kind in ("ring", "mail", "late"))
    with lock(tmp_path):
        store.keep_steps("lost", [ring])
        store.keep_steps("a", [ring])
        await store.add_steps("a", [mail])
        store.keep_steps("b", [ring])
        with pytest.raises(StoreError):
            await store._look_after()
    writing = asyncio.create_task(store.run())
    store.keep_steps("a", [late])
    assert [line["call"] for line in log_lines if "steps of a call are lost" in line["event"]] == ["lost"]
    while store.waiting_steps:  # noqa: ASYNC110 - only a look can tell
        await asyncio.sleep(0.01)
    writing.cancel()
    await Store.add_steps(
        store, "a", [mail]
    )  # as a crash may leave it that comes when they have just been written
    assert [step.kind for step in await store.steps("a")] == ["ring", "mail", "late"]
    store.keep_steps("b", [mail])
    await store.close()
    await store.open()
    assert [step.kind for step in await store.steps("b")] == ["ring", "mail"]
    assert await store.call_ids() == ["b", "a"]


async def test_steps_that_no_json_can_hold(store: DurableStore, log_lines: list[MutableMapping[str, Any]]) -> None:
    """Bytes of a caller's name, and whatever a plugin tells of: written as text, or left out, and none is held up."""
    circle: list[object] = []
    circle.append(circle)
    for step in (
        Step(NOON, "\udcff", {"\udcff": "\udcff"}),
        Step(NOON, "file", {"path": Path("a.wav")}),
        Step(NOON, "circle", {"circle": circle}),
        Step(NOON, "ring", {"level": float("nan")}),
    ):
        store.keep_steps("a", [step])
    await store._look_after()
    assert [(step.kind, step.details) for step in await store.steps("a")] == [
        ("?", {"?": "?"}),
        ("file", {"path": "a.wav"}),
        ("ring", {"level": None}),
    ]
    assert [line["event"] for line in log_lines] == ["the database refuses the steps of a call for good"]


async def test_old_calls_are_forgotten(tmp_path: Path) -> None:
    """With what happened on them, after keep_days; by default none is."""
    store = DurableStore(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db", keep_days=30)
    await store.open()
    old, new = NOON - timedelta(days=9000), datetime.now(UTC)
    for call, began in (("old", old), ("new", new)):
        await store.save_call(msgspec.structs.replace(ENDED, id=call, began=began))
        await store.add_steps(call, [Step(began, "ring")])
    await store._look_after()
    assert [call.id for call in await store.calls()] == ["new"]
    assert (await store.steps("old"), await store.call_ids()) == ([], ["new"])
    await store.close()


async def test_what_waits_is_written_at_the_end(store: DurableStore, tmp_path: Path) -> None:
    """A daemon that stops after the lock is gone loses nothing."""
    with lock(tmp_path):
        await store.save_call(ENDED)
    await store.close()
    await store.open()
    assert await store.calls() == [ENDED]


async def test_what_cannot_be_written_to_the_end_is_in_the_log(
    store: DurableStore, tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """The record itself is told, so that a person can put it in."""
    with lock(tmp_path):
        await store.save_call(ENDED)
        await store.close()
    assert log_lines[-1]["event"] == "the record of a call is lost"
    assert "5550100" in log_lines[-1]["record"]


async def test_file_that_is_removed_is_made_anew(store: DurableStore, tmp_path: Path) -> None:
    """Without it, rows would go into a file that nobody can read any more."""
    await store.save_call(RINGING)
    (tmp_path / "ctportd.db").unlink()
    await store._look_after()
    assert store.remade == 1
    await store.save_call(ENDED)
    with closing(sqlite3.connect(tmp_path / "ctportd.db")) as connection:
        assert connection.execute("SELECT end_reason FROM calls").fetchall() == [("hangup",)]


async def test_start_with_a_database_that_is_locked(tmp_path: Path) -> None:
    """Lines are answered without it, and it is opened when the lock is gone."""
    with closing(sqlite3.connect(tmp_path / "ctportd.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    store = DurableStore(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db")
    with lock(tmp_path):
        await store.open()
        await store.save_call(ENDED)
        with pytest.raises(StoreError):
            await store._look_after()
    await store._look_after()
    assert await store.calls() == [ENDED]
    await store.close()


async def test_database_that_cannot_be_used_is_a_fault_of_the_start(tmp_path: Path) -> None:
    """What will not pass by waiting is told at once."""
    (tmp_path / "ctportd.db").write_bytes(b"not a database at all, but long enough to be one" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        await DurableStore(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db").open()


async def test_memory_is_bounded(
    store: DurableStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """A database that stays away for weeks costs the oldest records, each told in the log."""
    monkeypatch.setattr("ctportd.store.durable.MOST_WAITING", 3)
    with lock(tmp_path):
        for number in range(5):
            await store.save_call(msgspec.structs.replace(ENDED, id=str(number)))
        assert list(store.waiting) == ["2", "3", "4"]
    assert [line["record"].split("'")[1] for line in log_lines if "lost" in line["event"]] == ["0", "1"]


async def test_column_that_a_later_version_added(tmp_path: Path) -> None:
    """A database of an earlier version gets what it lacks, and its messages stay."""
    store = DurableStore(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db")
    await store.open()
    await store.add_message(VoiceMessage("100", "a", NOON, 3.0, "/x.wav"))
    await store.close()
    with closing(sqlite3.connect(tmp_path / "ctportd.db")) as connection:
        connection.execute("ALTER TABLE messages DROP COLUMN cut_short")
        connection.commit()
    await store.open()
    (message,) = await store.messages()
    assert message.cut_short is False
    await store.close()


async def test_records_of_many_calls_at_once(store: DurableStore) -> None:
    """Each is written once as it is last, whatever overlaps."""
    changed = [msgspec.structs.replace(RINGING, id=str(n % 10), name=str(n)) for n in range(100)]
    await asyncio.gather(*map(store.save_call, changed))
    assert {call.id: call.name for call in await store.calls()} == {str(n % 10): str(n) for n in range(90, 100)}
    assert store.waiting == {}
