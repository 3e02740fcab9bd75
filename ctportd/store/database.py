"""The database itself: opened, its tables made, what it refuses told in our words."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from ctportd.errors import StoreError
from ctportd.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine

_BUSY_TIMEOUT = 5_000  # milliseconds that SQLite waits for another writer

_LONGEST_WAIT = 15.0
"""Seconds that anything may take, locks of SQLite included: a server that hangs must not hang us (our figure)."""


class Database:
    """A database, and a transaction in it. Every method may raise :class:`~ctportd.errors.StoreError`.

    Args:
        url: As SQLAlchemy writes it, with an asynchronous driver: ``sqlite+aiosqlite:////var/lib/ctportd/ctportd.db``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: AsyncEngine | None = None
        self._file: tuple[int, int] | None = None

    async def open(self, *, create: bool = True) -> None:
        """Connect, and make what tables are missing.

        Args:
            create: False to look only: nothing is made.
        """
        self._engine = await asyncio.to_thread(_make_engine, self.url, create=create)
        if create:
            async with self._begin() as connection:
                await connection.run_sync(_make_tables)
            self._file = await asyncio.to_thread(_identity, self._engine.url)

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
