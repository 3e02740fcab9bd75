"""What happened on calls, in the database: a row for each call's steps, and one for each time that more came later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from ctportd.records import Step
from ctportd.store.database import Database
from ctportd.store.encoding import as_json
from ctportd.store.tables import Utc, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

steps_table = sa.Table(
    "steps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("call", sa.String(64), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, index=True),  # the first step's
    sa.Column("steps", sa.Text, nullable=False),
)


class StepStore(Database):
    """The part of the store that keeps steps: as JSON, for they are read whole, and only for people."""

    async def add_steps(self, call: str, steps: Sequence[Step]) -> None:
        """Add steps to what happened on a call, be it over or not.

        Args:
            call: The call's id.
            steps: What happened, such as ``Step(daemon.clock.now(), "mail", {"to": "ada@example.org"})``.

        Raises:
            StoreError: The database cannot be used, or no JSON can hold the steps.
        """
        if steps:
            row = {"call": call, "at": steps[0].at, "steps": as_json(steps, str)}
            async with self._begin() as connection:
                await connection.execute(sa.insert(steps_table).values(row))

    async def steps(self, call: str) -> list[Step]:
        """What happened on a call, in the order in which it did."""
        query = sa.select(steps_table).where(steps_table.c.call == call).order_by(steps_table.c.id)
        texts = dict.fromkeys(
            row["steps"] for row in await self._rows(query)
        )  # a crash may have written one twice
        found = [step for text in texts for step in msgspec.json.decode(text, type=list[Step])]
        return sorted(found, key=lambda step: step.at)
