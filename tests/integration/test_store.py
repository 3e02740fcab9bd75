"""Calls and messages in a real SQLite file: kept, read, mended, and refused in one sentence."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ctportd.config import from_data
from ctportd.errors import StoreError
from ctportd.records import CallRecord, VoiceMessage
from ctportd.store import CRASHED, Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)

RINGING = CallRecord("a", "main:1", NOON, "5550100", "Ada Lovelace")

MESSAGE = VoiceMessage("101", "a", NOON, 2.5, "/state/voicemail/101/a.wav", "5550100", "Ada Lovelace")


@asynccontextmanager
async def opened(path: Path, *, create: bool = True) -> AsyncIterator[Store]:
    """A store in a file, open as long as the block lasts."""
    store = Store(f"sqlite+aiosqlite:///{path}")
    await store.open(create=create)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with opened(tmp_path / "ctportd.db") as made:
        yield made


# -- calls


async def test_call_is_kept_as_it_is_now(store: Store) -> None:
    """A call is one row, from the first ring to the end; what is read is what was kept last."""
    answered = msgspec.structs.replace(RINGING, answered_at=NOON + timedelta(seconds=6))
    ended = msgspec.structs.replace(answered, ended_at=NOON + timedelta(seconds=60), end_reason="hangup")
    for record in (RINGING, answered, ended):
        await store.save_call(record)
        assert await store.calls() == [record]


async def test_calls_come_newest_first(store: Store) -> None:
    """The order is that of their beginning, then of their ids, whatever the order in which they were kept."""
    records = [CallRecord(f"{n}", "main:1", NOON + timedelta(seconds=n // 2)) for n in range(6)]
    for n in (3, 0, 5, 1, 4, 2):
        await store.save_call(records[n])
    assert [record.id for record in await store.calls()] == ["5", "4", "3", "2", "1", "0"]
    assert [record.id for record in await store.calls(2)] == ["5", "4"]
    assert len(await store.calls(100)) == 6


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-3, minutes=-30))])
async def test_moment_is_the_same_moment_in_utc(store: Store, zone: timezone) -> None:
    """A time of any zone comes back aware, in UTC, to the microsecond."""
    await store.save_call(msgspec.structs.replace(RINGING, began=NOON.astimezone(zone), ended_at=NOON))
    (call,) = await store.calls()
    assert call.began == call.ended_at == NOON
    assert call.began.tzinfo is call.began.astimezone(UTC).tzinfo is UTC


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Zoë ☎ 😀", "Zoë ☎ 😀"),
        ("O'Hara\"; DROP TABLE calls;--", "O'Hara\"; DROP TABLE calls;--"),
        ("\udcff?", "??"),
    ],
)
async def test_name_is_kept_whatever_is_in_it(store: Store, told: str, kept: str) -> None:
    """What a telephone line tells may hold anything; bytes that were no UTF-8 are question marks."""
    await store.save_call(msgspec.structs.replace(RINGING, name=told))
    await store.add_message(msgspec.structs.replace(MESSAGE, name=told))
    assert [call.name for call in await store.calls()] == [kept]
    assert [message.name for message in await store.messages()] == [kept]


async def test_name_that_is_too_long_is_cut(store: Store) -> None:
    """A caller cannot lose the record of a call by a name longer than a database takes."""
    await store.save_call(msgspec.structs.replace(RINGING, name="x" * 60_000, number="1" * 60_000))
    (call,) = await store.calls()
    assert (call.name, call.number) == ("x" * 128, "1" * 64)


# -- messages


async def test_messages_of_a_mailbox(store: Store) -> None:
    """Messages come oldest first, of one mailbox or of all, each with an id of its own."""
    kept = [
        await store.add_message(msgspec.structs.replace(MESSAGE, mailbox=mailbox, path=f"/{n}.wav", uid=""))
        for n, mailbox in enumerate(["101", "102", "101"])
    ]
    assert [message.id for message in kept] == [1, 2, 3]
    assert await store.messages() == kept
    assert await store.messages("101") == [kept[0], kept[2]]
    assert await store.messages("103") == []


async def test_recording_belongs_to_one_message(store: Store) -> None:
    """A second message on one recording is refused, and the first one stays."""
    kept = await store.add_message(MESSAGE)
    with pytest.raises(StoreError, match=r"refuses: UNIQUE constraint failed: messages\.path$"):
        await store.add_message(MESSAGE)
    assert await store.messages() == [kept]


# -- opening


async def test_what_is_kept_is_there_again(tmp_path: Path) -> None:
    """A store that is opened again has what was kept, and makes nothing anew."""
    ended = msgspec.structs.replace(RINGING, ended_at=NOON, end_reason="hangup")
    async with opened(tmp_path / "x.db") as store:
        await store.save_call(ended)
        await store.add_message(MESSAGE)
    async with opened(tmp_path / "x.db") as store:
        assert await store.calls() == [ended]
        assert len(await store.messages()) == 1


async def test_calls_that_a_crash_left_open_are_mended(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Their end is the last moment that is known of them, the reason says so, and so does the log; others stay."""
    answered = msgspec.structs.replace(RINGING, id="b", answered_at=NOON + timedelta(seconds=6))
    ended = msgspec.structs.replace(RINGING, id="c", ended_at=NOON, end_reason="hangup")
    async with opened(tmp_path / "x.db") as store:
        for record in (RINGING, answered, ended):
            await store.save_call(record)
    assert log_lines == []
    async with opened(tmp_path / "x.db") as store:
        assert await store.calls() == [
            ended,
            msgspec.structs.replace(answered, ended_at=answered.answered_at, end_reason=CRASHED),
            msgspec.structs.replace(RINGING, ended_at=RINGING.began, end_reason=CRASHED),
        ]
    (line,) = log_lines
    assert (line["event"], line["calls"]) == ("calls were cut short when the daemon last ended", 2)
    async with opened(tmp_path / "x.db"):
        assert len(log_lines) == 1


async def test_looking_mends_nothing(tmp_path: Path) -> None:
    """The command line may look at any time: a call under way stays one."""
    async with opened(tmp_path / "x.db") as store:
        await store.save_call(RINGING)
        async with opened(tmp_path / "x.db", create=False) as looking:
            assert await looking.calls() == [RINGING]


async def test_looking_makes_nothing(tmp_path: Path) -> None:
    """Where no daemon has run there is nothing to see, and nothing is left there."""
    with pytest.raises(StoreError) as refused:
        async with opened(tmp_path / "x.db", create=False):
            raise AssertionError
    assert (
        str(refused.value) == f"there is no database {tmp_path}/x.db yet: the daemon makes it when it first runs"
    )
    assert not (tmp_path / "x.db").exists()


async def test_reader_sees_what_is_done_while_another_writes(tmp_path: Path) -> None:
    """With a write under way a second store reads at once what was there before; then it sees the new."""
    async with opened(tmp_path / "x.db") as writer, opened(tmp_path / "x.db", create=False) as reader:
        await writer.save_call(RINGING)
        other = msgspec.structs.replace(RINGING, id="b")
        async with asyncio.timeout(2), writer._begin() as connection:
            await connection.exec_driver_sql("UPDATE calls SET name = 'half done'")
            assert await reader.calls() == [RINGING]
        await reader.save_call(other)
        assert {call.id: call.name for call in await writer.calls()} == {"a": "half done", "b": "Ada Lovelace"}


async def test_many_write_at_once(store: Store) -> None:
    """Calls of many ports at the same moment are all kept."""
    records = [CallRecord(f"{n:03}", f"main:{n}", NOON) for n in range(40)]
    await asyncio.gather(*map(store.save_call, records))
    assert await store.calls() == records[::-1]


@pytest.mark.parametrize("folder", ["with space", "100%25", "who?", "a#b", "ü"])
async def test_state_folder_of_any_name(tmp_path: Path, folder: str) -> None:
    """The file is where the configuration says, also where a URL would read something else into it."""
    state = tmp_path / folder
    state.mkdir()
    config = from_data({"daemon": {"state": str(state)}}, "x.toml")
    store = Store(await asyncio.to_thread(getattr, config, "store_url"))
    await store.open()
    await store.save_call(RINGING)
    await store.close()
    with closing(sqlite3.connect(state / "ctportd.db")) as connection:
        assert connection.execute("SELECT name FROM calls").fetchall() == [("Ada Lovelace",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


# -- what cannot be used


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "Could not parse SQLAlchemy URL from given URL string"),
        ("nonsense", "Could not parse SQLAlchemy URL from given URL string"),
        ("foo://x", "Can't load plugin: sqlalchemy.dialects:foo"),
        (
            "sqlite:///x.db",
            "The asyncio extension requires an async driver to be used. The loaded 'pysqlite' is not async",
        ),
        ("mysql+nodriver://u:secret@host/db", "Can't load plugin: sqlalchemy.dialects:mysql.nodriver"),
        ("postgresql://u:secret@host:port/db", "invalid literal for int() with base 10: 'port'"),
    ],
)
async def test_url_that_cannot_be_used(url: str, told: str) -> None:
    """It is told in one sentence that names the key, and never the password."""
    with pytest.raises(StoreError) as refused:
        await Store(url).open()
    assert str(refused.value) == f"the database cannot be used: {told}; check [store] url"


async def test_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing module is named."""
    monkeypatch.setitem(__import__("sys").modules, "asyncpg", None)
    with pytest.raises(StoreError) as refused:
        await Store("postgresql+asyncpg://u:secret@host/db").open()
    assert str(refused.value).startswith("the database cannot be used: ")
    assert "asyncpg" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none/x.db", "cannot be opened: there is no folder {folder}/none"),
        ("folder", "cannot be opened: unable to open database file"),
        ("garbage.db", "cannot be opened: file is not a database"),
    ],
)
async def test_file_that_cannot_be_used(tmp_path: Path, name: str, told: str) -> None:
    """The path and the reason are told, nothing is harmed, and no thread stays behind to complain later."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "garbage.db").write_bytes(b"not a database at all, but long enough to be one" * 100)
    before = set(threading.enumerate())
    with pytest.raises(StoreError) as refused:
        async with opened(tmp_path / name):
            raise AssertionError
    assert str(refused.value) == f"the database {tmp_path}/{name} {told.format(folder=tmp_path)}"
    workers = set(threading.enumerate()) - before
    assert not [thread for thread in workers if "_connection_worker_thread" in thread.name]
    assert (tmp_path / "garbage.db").read_bytes().startswith(b"not a database")


async def test_file_that_may_only_be_read(tmp_path: Path) -> None:
    """It can be looked at; keeping something in it is refused in one sentence."""
    async with opened(tmp_path / "x.db") as store:
        await store.save_call(RINGING)
        reading = Store(f"sqlite+aiosqlite:///file:{tmp_path}/x.db?mode=ro&uri=true")
        await reading.open(create=False)
        try:
            assert await reading.calls() == [RINGING]
            with pytest.raises(StoreError, match=r"refuses: attempt to write a readonly database$"):
                await reading.save_call(RINGING)
        finally:
            await reading.close()


async def test_store_that_is_not_open() -> None:
    """Before it is opened and after it is closed, a store says so; it may be closed twice."""
    store = Store("sqlite+aiosqlite:///:memory:")
    with pytest.raises(StoreError, match=r"^the database is not open$"):
        await store.calls()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match=r"^the database is not open$"):
        await store.save_call(RINGING)


async def test_values_are_kept_by_family_and_key(tmp_path: Path) -> None:
    """Each is there as it was put last, for its family only, also in another run; one of another type is told of."""
    async with opened(tmp_path / "x.db") as store:
        await store.put("lists", "b", {"number": "555", "hits": 2})
        await store.put("lists", "a", {"number": "556", "hits": 0})
        await store.put("lists", "b", {"number": "555", "hits": 3})
        await store.put("other", "a", "text")
    async with opened(tmp_path / "x.db") as store:
        assert await store.get("lists", "b", dict[str, Any]) == {"number": "555", "hits": 3}
        assert list((await store.family("lists", dict[str, Any])).items()) == [
            ("a", {"number": "556", "hits": 0}),
            ("b", {"number": "555", "hits": 3}),
        ]
        assert await store.get("lists", "c", dict[str, Any]) is None
        with pytest.raises(StoreError, match="what is kept as 'a' of 'other' cannot be read: Expected `int`"):
            await store.get("other", "a", int)
        await store.put_all("lists", {"b": {"number": "557"}, "d": {"number": "558"}})
        await store.put_all("lists", {})
        await store.put_all("odd", {"5\udcff": "\udcff"})  # a number that came over the line as bytes of no UTF-8
        await store.put("odd", "5\udcff", {"name": "\udcff"})
        assert await store.get("odd", "5\udcff", dict[str, str]) == {"name": "?"}
        assert await store.remove("odd", "5\udcff")
        with pytest.raises(StoreError, match="cannot be written down as JSON"):
            await store.put("odd", "a", store)
        assert list((await store.family("lists", dict[str, Any])).values())[1:] == [
            {"number": "557"},
            {"number": "558"},
        ]
        assert await store.remove("lists", "d")
        assert await store.remove("lists", "a")
        assert not await store.remove("lists", "a")
        assert list(await store.family("lists", dict[str, Any])) == ["b"]
