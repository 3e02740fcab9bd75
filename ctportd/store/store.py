"""Call records and voice messages, in a database.

SQLite by default, in WAL mode so that the command line can read while the daemon writes; any other database that
SQLAlchemy knows an asynchronous driver for, by its URL. All times are kept in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from ctportd.store.calls import CallStore, calls_table
from ctportd.store.messages import MessageStore
from ctportd.store.steps import StepStore, steps_table
from ctportd.store.values import ValueStore
from ctportd.store.wrong_pins import WrongPinStore

if TYPE_CHECKING:
    from datetime import datetime


class Store(CallStore, StepStore, MessageStore, WrongPinStore, ValueStore):
    """The database, with all that is kept in it."""

    async def open(self, *, create: bool = True) -> None:
        """Connect, make what tables are missing, close the records that a crash left open.

        Args:
            create: False to look only: nothing is made or mended.
        """
        await super().open(create=create)
        if create:
            await self.end_open_calls()

    async def call_ids(self, beginning: str = "", limit: int | None = None) -> list[str]:
        """The ids of calls that begin so, the newest first: those that are logged, and those of which steps are kept."""
        ids: set[str] = set()
        for column in (calls_table.c.id, steps_table.c.call):
            query = sa.select(column.label("id")).where(column.startswith(beginning, autoescape=True)).distinct()
            ids.update(row["id"] for row in await self._rows(query.order_by(column.desc()).limit(limit)))
        return sorted(ids, reverse=True)[:limit]

    async def forget_calls(self, before: datetime) -> None:
        """Forget the calls that began before this moment, and what happened on them."""
        async with self._begin() as connection:
            await connection.execute(sa.delete(calls_table).where(calls_table.c.began < before))
            await connection.execute(sa.delete(steps_table).where(steps_table.c.at < before))
