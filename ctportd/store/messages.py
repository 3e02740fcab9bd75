"""The messages of all mailboxes, in the database."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from ctportd.records import INBOX, VoiceMessage
from ctportd.store.database import Database
from ctportd.store.tables import Told, Utc, metadata

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


class MessageStore(Database):
    """The part of the store that keeps the messages' rows; their recordings are files."""

    async def add_message(self, message: VoiceMessage) -> VoiceMessage:
        """Keep a message whose recording is on disk; returns it with its id."""
        async with self._begin() as connection:
            result = await connection.execute(sa.insert(_messages).values(_row_of(message)))
        (key,) = result.inserted_primary_key or (0,)
        return msgspec.structs.replace(message, id=key)

    async def messages(
        self, mailbox: str | None = None, *, folder: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[VoiceMessage]:
        """The messages of one mailbox, or of all, oldest first.

        Args:
            mailbox: Whose; None: everybody's.
            folder: Those in this folder; None: in any.
            after: Those whose id is greater, which is how one goes on with a long list.
            limit: How many at most.
        """
        query = sa.select(_messages).where(_messages.c.id > after).order_by(_messages.c.id).limit(limit)
        if mailbox is not None:
            query = query.where(_messages.c.mailbox == mailbox)
        if folder is not None:
            query = query.where(_messages.c.folder == folder)
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


def _row_of(message: VoiceMessage) -> dict[str, Any]:
    values = msgspec.structs.asdict(message)
    del values["id"], values["uid"]  # the one is the database's, the other is told by the path
    return values
