"""What plugins remember, in the database: small values by family and key, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa

from ctportd.errors import StoreError
from ctportd.store.database import Database
from ctportd.store.encoding import as_json
from ctportd.store.tables import Told, metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")

_values = sa.Table(
    "plugin_values",
    metadata,
    sa.Column("family", sa.String(64), primary_key=True),
    sa.Column("key", Told(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


class ValueStore(Database):
    """The part of the store that keeps values."""

    async def put(self, family: str, key: str, value: Any) -> None:
        """Remember a value under a key of a family, instead of the one that is there.

        Args:
            family: Whose it is, such as a plugin's name: up to 64 characters.
            key: Up to 255 characters.
            value: Anything that msgspec can write as JSON.

        Raises:
            StoreError: The database cannot be used, or no JSON can hold the value.
        """
        there = sa.and_(_values.c.family == family, _values.c.key == key)
        text = as_json(value)
        async with self._begin() as connection:
            changed = await connection.execute(sa.update(_values).where(there).values(value=text))
            if changed.rowcount == 0:
                await connection.execute(sa.insert(_values).values(family=family, key=key, value=text))

    async def put_all(self, family: str, values: Mapping[str, Any]) -> None:
        """As :meth:`put`, for many at once: all of them, or none."""
        if not values:
            return
        rows = [{"family": family, "key": key, "value": as_json(value)} for key, value in values.items()]
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


def _decoded(row: dict[str, Any], type: type[_T]) -> _T:  # noqa: A002 - as above
    try:
        return msgspec.json.decode(row["value"], type=type)
    except msgspec.MsgspecError as error:
        raise StoreError(f"what is kept as {row['key']!r} of {row['family']!r} cannot be read: {error}") from error
