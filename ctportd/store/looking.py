"""The store as it is seen without a daemon: opened when it is first used, and empty where there is none."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ctportd.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class LookStore(Store):
    """A store to look into. Nothing is made or mended, and what is not there yet is empty.

    Args:
        url: As for :class:`~ctportd.store.Store`.
        writable: Whether values may be changed: a database is not made for it all the same.
    """

    def __init__(self, url: str, *, writable: bool = False) -> None:
        super().__init__(url)
        self._writable = writable
        self._tables: set[str] | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Let go of the database, if it was ever used."""
        await super().close()
        self._tables = None

    async def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        if not await asyncio.to_thread(_is_there, self.url):
            return []
        async with self._begin() as connection:
            if self._tables is None:
                self._tables = set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))
        asked = {table.name for table in query.get_final_froms() if isinstance(table, sa.Table)}
        return await super()._rows(query) if asked <= self._tables else []

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[Any]:
        async with self._opening:
            if self._engine is None:
                await self.open(create=False)
        async with super()._begin() as connection:
            if not self._writable and connection.dialect.name == "sqlite":
                await connection.exec_driver_sql("PRAGMA query_only = ON")
            yield connection


def _is_there(url: str) -> bool:
    """Whether there is a database: a file that is missing is none; of a server, only asking it tells."""
    parts = sa.make_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database or "uri" in parts.query:
        return True
    return Path(parts.database).exists()
