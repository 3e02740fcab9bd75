"""The wrong PINs that were given, in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from ctportd.records import CALLER, WrongPins
from ctportd.store.database import Database
from ctportd.store.tables import Told, Utc, metadata

if TYPE_CHECKING:
    from datetime import datetime

_wrong_pins = sa.Table(
    "wrong_pins",
    metadata,
    sa.Column("subject", Told(128), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last", Utc, nullable=False),
    sa.Column("locked_until", Utc),
)


class WrongPinStore(Database):
    """The part of the store that counts wrong PINs: who guesses stays locked out though the daemon starts again."""

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
