"""What all tables of the database have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class Utc(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, also where the database keeps no time zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """A moment as it is kept."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """A moment as it is read."""
        return None if value is None else value.replace(tzinfo=UTC)


class Told(sa.types.TypeDecorator[str]):
    """Text that came over a telephone line: no database takes bytes that are no UTF-8, some none that is too long."""

    impl = sa.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Text as it is kept."""
        return None if value is None else value.encode("utf-8", "replace").decode()[: self.length]


metadata = sa.MetaData()
"""All tables: whoever adds one is imported by the store, which makes those that are missing."""
