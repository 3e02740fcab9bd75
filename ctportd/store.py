"""Call records and voice messages, in a database.

SQLite by default, in WAL mode so that the command line can read while the daemon writes; any other database that
SQLAlchemy knows an asynchronous driver for, by its URL. All times are kept in UTC.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import create_async_engine

from ctportd.callstore import CallStore
from ctportd.callstore import calls_table as _calls
from ctportd.errors import StoreError
from ctportd.records import CALLER, INBOX, VoiceMessage, WrongPins
from ctportd.steps import StepStore, steps_table
from ctportd.tables import Told, Utc, metadata

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

CRASHED = "cut short"
"""Why a call ended whose record was still open when the daemon started again."""

_BUSY_TIMEOUT = 5_000  # milliseconds that SQLite waits for another writer

_LONGEST_WAIT = 15.0
"""Seconds that anything may take, locks of SQLite included: a server that hangs must not hang us (our figure)."""

_T = TypeVar("_T")

log = structlog.stdlib.get_logger("ctportd.store")


_messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("mailbox", sa.String(64), nullable=False, index=True),
    sa.Column("call", sa.String(64), nullable=False),
    sa.Column("recorded_at", Utc, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("path", sa.String(1024), nullable=False, unique=True),
    sa.Column("number", Told(64), nullable=False),
    sa.Column("name", Told(128), nullable=False),
    sa.Column("cut_short", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("folder", sa.String(16), nullable=False, server_default=INBOX),
    sa.Column("heard", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("filed_at", Utc),
)

_wrong_pins = sa.Table(
    "wrong_pins",
    metadata,
    sa.Column("subject", Told(128), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last", Utc, nullable=False),
    sa.Column("locked_until", Utc),
)

_values = sa.Table(
    "plugin_values",
    metadata,
    sa.Column("family", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


class Store(CallStore, StepStore):
    """The database. Every method may raise :class:`~ctportd.errors.StoreError`.

    Args:
        url: As SQLAlchemy writes it, with an asynchronous driver: ``sqlite+aiosqlite:////var/lib/ctportd/ctportd.db``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: AsyncEngine | None = None
        self._file: tuple[int, int] | None = None

    async def open(self, *, create: bool = True) -> None:
        """Connect, make what tables are missing, close the records that a crash left open.

        Args:
            create: False to look only: nothing is made or mended.
        """
        self._engine = await asyncio.to_thread(_make_engine, self.url, create=create)
        if create:
            async with self._begin() as connection:
                await connection.run_sync(_make_tables)
                mended = await connection.execute(
                    sa.update(_calls)
                    .where(_calls.c.ended_at.is_(None))
                    .values(ended_at=sa.func.coalesce(_calls.c.answered_at, _calls.c.began), end_reason=CRASHED)
                )
            self._file = await asyncio.to_thread(_identity, self._engine.url)
            if mended.rowcount:
                log.warning("calls were cut short when the daemon last ended", calls=mended.rowcount)

    async def is_gone(self) -> bool:
        """Whether the file of the database has been removed, or replaced, since it was opened."""
        if self._engine is None or self._file is None:
            return False
        return await asyncio.to_thread(_identity, self._engine.url) != self._file

    async def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def call_ids(self, beginning: str = "", limit: int | None = None) -> list[str]:
        """The ids of calls that begin so, the newest first: those that are logged, and those of which steps are kept."""
        ids: set[str] = set()
        for column in (_calls.c.id, steps_table.c.call):
            query = sa.select(column.label("id")).where(column.startswith(beginning, autoescape=True)).distinct()
            ids.update(row["id"] for row in await self._rows(query.order_by(column.desc()).limit(limit)))
        return sorted(ids, reverse=True)[:limit]

    async def forget_calls(self, before: datetime) -> None:
        """Forget the calls that began before this moment, and what happened on them."""
        async with self._begin() as connection:
            await connection.execute(sa.delete(_calls).where(_calls.c.began < before))
            await connection.execute(sa.delete(steps_table).where(steps_table.c.at < before))

    async def add_message(self, message: VoiceMessage) -> VoiceMessage:
        """Keep a message whose recording is on disk; returns it with its id."""
        async with self._begin() as connection:
            result = await connection.execute(sa.insert(_messages).values(_row_of(message)))
        (key,) = result.inserted_primary_key or (0,)
        return msgspec.structs.replace(message, id=key)

    async def messages(self, mailbox: str | None = None) -> list[VoiceMessage]:
        """The messages of one mailbox, or of all, oldest first."""
        query = sa.select(_messages).order_by(_messages.c.id)
        if mailbox is not None:
            query = query.where(_messages.c.mailbox == mailbox)
        return [VoiceMessage(**row) for row in await self._rows(query)]

    async def message(self, id: int) -> VoiceMessage | None:  # noqa: A002 - what it is called in the record
        """The message with this id."""
        rows = await self._rows(sa.select(_messages).where(_messages.c.id == id))
        return VoiceMessage(**rows[0]) if rows else None

    async def message_of(self, uid: str, mailbox: str) -> VoiceMessage | None:
        """The message of a mailbox whose files are called so."""
        named = _messages.c.path.endswith(f"/{uid}.wav", autoescape=True)
        rows = await self._rows(sa.select(_messages).where(_messages.c.mailbox == mailbox, named))
        return VoiceMessage(**rows[0]) if rows else None

    async def update_message(self, message: VoiceMessage) -> None:
        """Keep a message as it is now; it is known by its id."""
        values = _row_of(message)
        async with self._begin() as connection:
            await connection.execute(sa.update(_messages).where(_messages.c.id == message.id).values(values))

    async def remove_message(self, message: VoiceMessage) -> None:
        """Forget a message, which is known by its id."""
        async with self._begin() as connection:
            await connection.execute(sa.delete(_messages).where(_messages.c.id == message.id))

    async def wrong_pins(self) -> list[WrongPins]:
        """The wrong PINs that are not forgotten yet."""
        return [WrongPins(**row) for row in await self._rows(sa.select(_wrong_pins))]

    async def save_wrong_pins(self, wrong: WrongPins) -> None:
        """Keep what wrong PINs were given; a count of 0 forgets them."""
        async with self._begin() as connection:
            await connection.execute(sa.delete(_wrong_pins).where(_wrong_pins.c.subject == wrong.subject))
            if wrong.count:
                await connection.execute(sa.insert(_wrong_pins).values(msgspec.structs.asdict(wrong)))

    async def forget_wrong_pins(self, before: datetime) -> None:
        """Forget those of callers whose last one was given before this moment; mailboxes' are kept."""
        old = sa.and_(_wrong_pins.c.last < before, _wrong_pins.c.subject.startswith(CALLER))
        async with self._begin() as connection:
            await connection.execute(sa.delete(_wrong_pins).where(old))

    async def put(self, family: str, key: str, value: Any) -> None:
        """Remember a value under a key of a family, instead of the one that is there.

        Args:
            family: Whose it is, such as a plugin's name: up to 64 characters.
            key: Up to 255 characters.
            value: Anything that msgspec can write as JSON.
        """
        there = sa.and_(_values.c.family == family, _values.c.key == key)
        text = msgspec.json.encode(value).decode()
        async with self._begin() as connection:
            changed = await connection.execute(sa.update(_values).where(there).values(value=text))
            if changed.rowcount == 0:
                await connection.execute(sa.insert(_values).values(family=family, key=key, value=text))

    async def put_all(self, family: str, values: Mapping[str, Any]) -> None:
        """As :meth:`put`, for many at once: all of them, or none."""
        if not values:
            return
        rows = [
            {"family": family, "key": key, "value": msgspec.json.encode(value).decode()}
            for key, value in values.items()
        ]
        old = sa.delete(_values).where(_values.c.family == family, _values.c.key == sa.bindparam("old"))
        async with self._begin() as connection:
            await connection.execute(old, [{"old": key} for key in values])
            await connection.execute(sa.insert(_values), rows)

    async def get(self, family: str, key: str, type: type[_T]) -> _T | None:  # noqa: A002 - msgspec calls it so, too
        """The value of a key; None where there is none. Raises StoreError where it is of another type."""
        there = sa.and_(_values.c.family == family, _values.c.key == key)
        rows = await self._rows(sa.select(_values).where(there))
        return _decoded(rows[0], type) if rows else None

    async def family(self, family: str, type: type[_T]) -> dict[str, _T]:  # noqa: A002 - as above
        """All values of a family by their keys, in the keys' order."""
        query = sa.select(_values).where(_values.c.family == family).order_by(_values.c.key)
        return {row["key"]: _decoded(row, type) for row in await self._rows(query)}

    async def remove(self, family: str, key: str) -> bool:
        """Forget a value; returns whether there was one."""
        there = sa.and_(_values.c.family == family, _values.c.key == key)
        async with self._begin() as connection:
            gone = await connection.execute(sa.delete(_values).where(there))
        return bool(gone.rowcount)

    async def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        async with self._begin() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[Any]:
        if self._engine is None:
            raise StoreError("the database is not open")
        try:
            async with asyncio.timeout(_LONGEST_WAIT), self._engine.begin() as connection:
                yield connection
        except (sa.exc.SQLAlchemyError, OSError) as error:  # TimeoutError is an OSError
            reason = getattr(error, "orig", None) or str(error) or f"no answer within {_LONGEST_WAIT:g} s"
            of_data = isinstance(error, sa.exc.IntegrityError | sa.exc.DataError)
            raise StoreError(
                f"the database {self._engine.url!r} refuses: {reason}", passing=_passes(error), of_data=of_data
            ) from error


def _row_of(message: VoiceMessage) -> dict[str, Any]:
    values = msgspec.structs.asdict(message)
    del values["id"], values["uid"]  # the one is the database's, the other is told by the path
    return values


def _decoded(row: dict[str, Any], type: type[_T]) -> _T:  # noqa: A002 - as above
    try:
        return msgspec.json.decode(row["value"], type=type)
    except msgspec.MsgspecError as error:
        raise StoreError(f"what is kept as {row['key']!r} of {row['family']!r} cannot be read: {error}") from error


_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
"""What SQLite says of a database that is well, and that cannot be used now."""


def _passes(error: BaseException | None) -> bool:
    """Whether the same may succeed in a while: a lock, a full disk, a server that is away."""
    name = getattr(getattr(error, "orig", error), "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(_PASSING)
    return isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | OSError)


def _make_tables(connection: sa.Connection) -> None:
    """Make the tables that are missing, and the columns that a later version has added to them."""
    metadata.create_all(connection)
    there = sa.inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                added = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")


def _identity(url: sa.URL) -> tuple[int, int] | None:
    """Which file a database is in: device and inode; None where it is none, or not there."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:" or "uri" in url.query:
        return None
    try:
        file = Path(url.database).stat()
    except OSError:
        return None
    return file.st_dev, file.st_ino


def _make_engine(url: str, *, create: bool) -> AsyncEngine:
    """The database's engine; it loads its driver, and looks at the disk."""
    try:
        engine = create_async_engine(url)
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
        reason = str(error.args[0]).rstrip(".")
        raise StoreError(f"the database cannot be used: {reason}; check [store] url") from error
    if engine.dialect.name == "sqlite":
        _try_sqlite(engine.url, create=create)
        sa.event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine


def _try_sqlite(url: sa.URL, *, create: bool) -> None:
    """Open SQLite's file once: what is wrong with it is told before the engine's own thread has to do with it."""
    if not url.database or url.database == ":memory:" or "uri" in url.query:
        return
    path = Path(url.database).absolute()
    if not path.parent.is_dir():
        raise StoreError(f"the database {path} cannot be opened: there is no folder {path.parent}")
    if not create and not path.exists():
        raise StoreError(f"there is no database {path} yet: the daemon makes it when it first runs")
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise StoreError(f"the database {path} cannot be opened: {error}", passing=_passes(error)) from error


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT}")
    cursor.close()
