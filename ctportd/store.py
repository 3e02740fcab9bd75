"""Call records and voice messages, in a database.

SQLite by default, in WAL mode so that the command line can read while the daemon writes; any other database that
SQLAlchemy knows an asynchronous driver for, by its URL. All times are kept in UTC.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from ctportd.errors import StoreError
from ctportd.records import CallRecord, VoiceMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.engine import Dialect
    from sqlalchemy.ext.asyncio import AsyncEngine

CRASHED = "cut short"
"""Why a call ended whose record was still open when the daemon started again."""

_BUSY_TIMEOUT = 5_000  # milliseconds that SQLite waits for another writer


class _Utc(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, also where the database keeps no time zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


_metadata = sa.MetaData()

_calls = sa.Table(
    "calls",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("began", _Utc, nullable=False, index=True),
    sa.Column("number", sa.String(64), nullable=False, index=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("answered_at", _Utc),
    sa.Column("ended_at", _Utc),
    sa.Column("end_reason", sa.String(64), nullable=False),
)

_messages = sa.Table(
    "messages",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("mailbox", sa.String(64), nullable=False, index=True),
    sa.Column("call", sa.String(64), nullable=False),
    sa.Column("recorded_at", _Utc, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("path", sa.String(1024), nullable=False, unique=True),
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
)


class Store:
    """The database. Every method may raise :class:`~ctportd.errors.StoreError`.

    Args:
        url: As SQLAlchemy writes it, with an asynchronous driver: ``sqlite+aiosqlite:////var/lib/ctportd/ctportd.db``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: AsyncEngine | None = None

    async def open(self, *, create: bool = True) -> None:
        """Connect, make what tables are missing, close the records that a crash left open.

        Args:
            create: False to look only: nothing is made or mended.
        """
        try:
            engine = create_async_engine(self.url)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, sa.exc.InvalidRequestError, ImportError) as error:
            raise StoreError(f"the database cannot be used: {error}; check [store] url") from error
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        self._engine = engine
        if create:
            async with self._begin() as connection:
                await connection.run_sync(_metadata.create_all)
                await connection.execute(
                    sa.update(_calls)
                    .where(_calls.c.ended_at.is_(None))
                    .values(ended_at=_calls.c.began, end_reason=CRASHED)
                )

    async def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def save_call(self, record: CallRecord) -> None:
        """Keep a call's record, new or as it is now."""
        values = msgspec.structs.asdict(record)
        async with self._begin() as connection:
            changed = await connection.execute(sa.update(_calls).where(_calls.c.id == record.id).values(values))
            if changed.rowcount == 0:
                await connection.execute(sa.insert(_calls).values(values))

    async def calls(self, limit: int | None = None) -> list[CallRecord]:
        """The calls, newest first."""
        query = sa.select(_calls).order_by(_calls.c.began.desc(), _calls.c.id.desc()).limit(limit)
        return [CallRecord(**row) for row in await self._rows(query)]

    async def add_message(self, message: VoiceMessage) -> VoiceMessage:
        """Keep a message whose recording is on disk; returns it with its id."""
        values = msgspec.structs.asdict(message)
        del values["id"]
        async with self._begin() as connection:
            result = await connection.execute(sa.insert(_messages).values(values))
        (key,) = result.inserted_primary_key or (0,)
        return msgspec.structs.replace(message, id=key)

    async def messages(self, mailbox: str | None = None) -> list[VoiceMessage]:
        """The messages of one mailbox, or of all, oldest first."""
        query = sa.select(_messages).order_by(_messages.c.id)
        if mailbox is not None:
            query = query.where(_messages.c.mailbox == mailbox)
        return [VoiceMessage(**row) for row in await self._rows(query)]

    async def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        async with self._begin() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[Any]:
        if self._engine is None:
            raise StoreError("the database is not open")
        try:
            async with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            raise StoreError(f"the database {self._engine.url!r} refuses: {reason}") from error


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT}")
    cursor.close()
