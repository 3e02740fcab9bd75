"""What owners do with the messages in their mailboxes. A note is changed first, and its row follows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import InvalidArgument, StoreError
from ctportd.logs import nobodys_threads
from ctportd.messages import notes
from ctportd.messages.filing import as_noted, place_of, remove, restored_to
from ctportd.messages.rows import Rows
from ctportd.records import FOLDERS, TRASH, Step

if TYPE_CHECKING:
    from ctportd.records import VoiceMessage


class Mailboxes(Rows):
    """The messages that are in their mailboxes."""

    async def update(
        self,
        message: VoiceMessage,
        *,
        folder: str | None = None,
        heard: bool | None = None,
        urgent: bool | None = None,
    ) -> VoiceMessage:
        """Put a message into another folder, or mark it; what is None stays as it is.

        Returns:
            The message as it is now.

        Raises:
            InvalidArgument: There is no such folder.
            StorageError: The disk refuses, or the message is not there any more; nothing is changed.
        """
        if folder not in (None, *FOLDERS):
            raise InvalidArgument(
                "update", "folder", f"is {folder!r} where one of {', '.join(FOLDERS)} is expected"
            )
        marks = {"folder": folder, "heard": heard, "urgent": urgent}
        wanted = {key: value for key, value in marks.items() if value is not None}
        async with self._turn:
            with self._doubtful():
                note = await self._change_note(message, wanted)
                changed = await self._put_row(as_noted(message, note))
        self._follow_up(message, changed)
        await self._tell_waiting(message.mailbox)
        return changed

    async def discard(self, message: VoiceMessage) -> VoiceMessage:
        """Put a message into the trash, whence it comes back until it is purged. Raises as :meth:`update` does."""
        return await self.update(message, folder=TRASH)

    async def restore(self, message: VoiceMessage) -> VoiceMessage:
        """Take a message out of the trash, to where it was; what was new and is heard goes to the old ones.

        Raises as :meth:`update` does.
        """
        with nobodys_threads():
            folder = await asyncio.to_thread(restored_to, message)
        return await self.update(message, folder=folder)

    async def purge(self, message: VoiceMessage, *, unchanged: bool = False) -> bool:
        """Remove a message for good; one that is not there is no fault.

        The recording goes first: a note without one is a message whose removal is to be finished.

        Args:
            message: The message.
            unchanged: Whether it is removed only if its note agrees that it is as given, for rows may lag behind.

        Returns:
            Whether it is removed.

        Raises:
            StorageError: The disk refuses.
        """
        place = place_of(message)
        async with self._turn:
            with self._doubtful():
                if unchanged and not await self._agrees(message):
                    self._follow()
                    return False
                with nobodys_threads():
                    there = await asyncio.to_thread(place.kept.exists)
                    await asyncio.to_thread(remove, place.kept)
                self.unlisted.pop(message.path, None)
                self._untold.discard(message.path)
                try:
                    await self._purge_row(place)
                except StoreError as error:
                    self._follow_later("a message is removed, and its row waits for the database", message, error)
        if there:
            self._add_step(message, "message removed")
        await self._tell_waiting(message.mailbox)
        return True

    async def _agrees(self, message: VoiceMessage) -> bool:
        """Whether a message's note says the same of it; what has none is as its row says."""
        with nobodys_threads():
            note = await asyncio.to_thread(notes.read, place_of(message).note)
        return note is None or as_noted(message, note) == message

    def _follow_up(self, before: VoiceMessage, now: VoiceMessage) -> None:
        """Add what has become of a message to the timeline of the call in which it was left."""
        if now.heard and not before.heard:
            self._add_step(now, "message heard")
        if now.folder != before.folder:
            moved = "message restored" if before.folder == TRASH else "message filed"
            self._add_step(now, "message deleted" if now.folder == TRASH else moved, folder=now.folder)

    def _add_step(self, message: VoiceMessage, kind: str, **details: str) -> None:
        of = {"mailbox": message.mailbox, "message": message.uid}
        self._store.keep_steps(message.call, [Step(self._now(), kind, of | details)])

    async def _put_row(self, message: VoiceMessage) -> VoiceMessage:
        """Let a row follow its note; it may have to wait. Returns the message, with its id if that is known."""
        if message.path in self.unlisted:
            self.unlisted[message.path] = message
            return message
        try:
            return await self._row(message)
        except StoreError as error:
            self._follow_later("a change of a message waits for the database", message, error)
            return message
