"""The log of calls, in the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
import structlog

from ctportd.records import INCOMING, CallCount, CallerCount, CallFilter, CallRecord
from ctportd.store.database import Database
from ctportd.store.tables import Told, Utc, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL_CALLS = CallFilter()

CRASHED = "cut short"
"""Why a call ended whose record was still open when the daemon started again."""

QUARTER = 900
"""Seconds of what is counted together: every time zone is whole quarters of an hour away from UTC."""

log = structlog.stdlib.get_logger("ctportd.store")

calls_table = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("port", sa.String(64), nullable=False),
    sa.Column("began", Utc, nullable=False, index=True),
    sa.Column("number", Told(64), nullable=False, index=True),
    sa.Column("name", Told(128), nullable=False),
    sa.Column("answered_at", Utc),
    sa.Column("ended_at", Utc),
    sa.Column("end_reason", sa.String(64), nullable=False),
    sa.Column("e164", Told(64), nullable=False, server_default=""),
    sa.Column("country", sa.String(2), nullable=False, server_default=""),
    sa.Column("region", sa.String(128), nullable=False, server_default=""),
    sa.Column("verdict", sa.String(16), nullable=False, server_default=""),
    sa.Column("rule", Told(255), nullable=False, server_default=""),
    sa.Column("direction", sa.String(16), nullable=False, server_default=INCOMING),
)

_columns = calls_table.c
_number = sa.func.coalesce(sa.func.nullif(_columns.e164, ""), _columns.number)
_answered = sa.func.count(_columns.answered_at)


class CallStore(Database):
    """The part of the store that keeps the log of calls."""

    async def save_call(self, record: CallRecord) -> None:
        """Keep a call's record, new or as it is now."""
        values = msgspec.structs.asdict(record)
        async with self._begin() as connection:
            changed = await connection.execute(
                sa.update(calls_table).where(_columns.id == record.id).values(values)
            )
            if changed.rowcount == 0:
                await connection.execute(sa.insert(calls_table).values(values))

    async def calls(
        self, limit: int | None = None, which: CallFilter = ALL_CALLS, *, before: CallRecord | None = None
    ) -> list[CallRecord]:
        """The calls, newest first: the last so many of those that are meant.

        Args:
            limit: How many at most.
            which: Those that are meant.
            before: Those only that come after this one in that order, which is how one goes on with a long list.
        """
        query = sa.select(calls_table).where(*_meant(which)).order_by(_columns.began.desc(), _columns.id.desc())
        if before is not None:
            query = query.where(
                sa.tuple_(_columns.began, _columns.id)
                < sa.tuple_(sa.bindparam("began", before.began, Utc), before.id)
            )
        return [CallRecord(**row) for row in await self._rows(query.limit(limit))]

    async def call(self, call: str) -> CallRecord | None:
        """The record of a call; None where it was not logged."""
        rows = await self._rows(sa.select(calls_table).where(_columns.id == call))
        return CallRecord(**rows[0]) if rows else None

    async def call_counts(self, which: CallFilter = ALL_CALLS) -> list[CallCount]:
        """How many calls there were in each quarter of an hour in which there were any, by the callers' class."""
        quarter = (sa.extract("epoch", _columns.began) // QUARTER).label("quarter")
        lasted = sa.extract("epoch", _columns.ended_at) - sa.extract("epoch", _columns.answered_at)
        counted: list[sa.ColumnElement[Any]] = [
            quarter,
            _columns.verdict,
            sa.func.count().label("calls"),
            _answered.label("answered"),
            sa.func.coalesce(sa.func.sum(lasted), 0).label("seconds"),
        ]
        query = (
            sa.select(*counted)
            .where(*_meant(which))
            .group_by(quarter, _columns.verdict)
            .order_by(quarter, _columns.verdict)
        )
        return [
            CallCount(datetime.fromtimestamp(int(row.pop("quarter")) * QUARTER, UTC), **row)
            for row in await self._rows(query)
        ]

    async def top_callers(self, limit: int, which: CallFilter = ALL_CALLS) -> list[CallerCount]:
        """Who calls most; callers without a number are not counted."""
        calls = sa.func.count().label("calls")
        counted: list[sa.ColumnElement[Any]] = [
            _number.label("number"),
            sa.func.max(_columns.name).label("name"),
            calls,
            _answered.label("answered"),
            sa.func.max(_columns.began, type_=Utc).label("last"),
        ]
        query = (
            sa.select(*counted)
            .where(_number != "", *_meant(which))
            .group_by(_number)
            .order_by(calls.desc(), _number)
            .limit(limit)
        )
        return [CallerCount(**row) for row in await self._rows(query)]

    async def end_open_calls(self) -> None:
        """End the records that are still open, since the daemon that kept them has gone."""
        async with self._begin() as connection:
            mended = await connection.execute(
                sa.update(calls_table)
                .where(_columns.ended_at.is_(None))
                .values(ended_at=sa.func.coalesce(_columns.answered_at, _columns.began), end_reason=CRASHED)
            )
        if mended.rowcount:
            log.warning("calls were cut short when the daemon last ended", calls=mended.rowcount)


def _meant(which: CallFilter) -> Iterator[sa.ColumnElement[bool]]:
    """What has to hold of a call."""
    if which.number:
        found = (column.contains(which.number, autoescape=True) for column in (_columns.number, _columns.e164))
        yield sa.or_(*found)
    if which.name:
        yield _columns.name.icontains(which.name, autoescape=True)
    if which.since is not None:
        yield _columns.began >= which.since
    if which.until is not None:
        yield _columns.began < which.until
    if which.port:
        yield _columns.port == which.port
    if which.verdict:
        yield _columns.verdict == which.verdict
    if which.direction:
        yield _columns.direction == which.direction
