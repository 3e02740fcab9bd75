"""The rows of messages: each follows from a note on the disk, and plugins are told of it when it has one.

Whatever happens between the two, the next look at the disk puts the row right.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import structlog

from ctportd.errors import AudioError, StorageError, StoreError
from ctportd.logs import nobodys_threads
from ctportd.messages import incoming
from ctportd.messages.filing import as_noted, change_note, place_of
from ctportd.records import counts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from ctportd.messages.incoming import Place
    from ctportd.messages.notes import Note
    from ctportd.records import Counts, VoiceMessage
    from ctportd.store.durable import DurableStore

_FILED = ("path", "folder", "heard", "urgent", "filed_at")
"""What of a row may change."""

log = structlog.stdlib.get_logger("ctportd.messages")


class Tell(Protocol):
    """Tells plugins what has happened."""

    def __call__(self, hook: str, **arguments: Any) -> None:
        """Tell of one hook."""


class Rows:
    """Every message that is in a mailbox, as the store has it.

    Args:
        state: The folder of all that must survive.
        store: Where each message has a row.
        tell: Told of ``message_left`` and ``message_waiting``.
        now: The date and time of day, in UTC.

    Attributes:
        unlisted: Messages on the disk that have no row yet, by their recordings.
    """

    def __init__(self, state: Path, store: DurableStore, tell: Tell, now: Callable[[], datetime]) -> None:
        self.unlisted: dict[str, VoiceMessage] = {}
        self._state = state
        self._store = store
        self._tell = tell
        self._now = now
        self._untold: set[str] = set()  # recordings of those that no plugin has been told of
        self._counts: dict[str, Counts] = {}  # what was told last, by mailboxes
        self._turn = asyncio.Lock()  # of whoever changes a note, or a row
        self._telling = asyncio.Lock()
        self._left_over = asyncio.Event()
        store.when_remade.append(self._left_over.set)
        self._listed = -1  # which making of the database agrees with what is on the disk

    # -- looking

    async def of(self, mailbox: str, folder: str | None = None) -> list[VoiceMessage]:
        """The messages of a mailbox, or of one of its folders, oldest first. Raises StoreError."""
        waiting = [message for message in self.unlisted.values() if message.mailbox == mailbox]
        listed = [message for message in await self._store.messages(mailbox) if message.path not in self.unlisted]
        found = [message for message in (*listed, *waiting) if folder in (None, message.folder)]
        return sorted(found, key=lambda message: message.recorded_at)

    async def counts(self, mailbox: str) -> Counts:
        """How much is in a mailbox. Raises StoreError."""
        return counts_of(await self.of(mailbox))

    # -- rows

    async def _row(self, message: VoiceMessage) -> VoiceMessage:
        """Give a message its row; one that has it already, from before a crash say, gets no second one."""
        there = await self._store.message_of(message.uid, message.mailbox)
        if there is None:
            return await self._store.add_message(message)
        changed = msgspec.structs.replace(there, **{key: getattr(message, key) for key in _FILED})
        if changed != there:
            await self._store.update_message(changed)
        return changed

    async def _list(self, message: VoiceMessage) -> VoiceMessage:
        """Give a message its row, and tell of it."""
        async with self._turn:
            waiting = self.unlisted.get(message.path)
            if waiting is None:  # it has been listed meanwhile, or removed
                return await self._store.message_of(message.uid, message.mailbox) or message
            listed = await self._row(waiting)
            del self.unlisted[message.path]
            await self._tell_left(listed)
        await self._tell_waiting(listed.mailbox)
        return listed

    async def _tell_left(self, message: VoiceMessage) -> None:
        if message.path not in self._untold:
            return
        told = log.warning if message.cut_short else log.info
        seconds = round(message.seconds, 1)
        told("message", mailbox=message.mailbox, id=message.id, seconds=seconds, cut_short=message.cut_short)
        self._tell("message_left", message=message)
        self._untold.discard(message.path)
        try:
            await self._change_note(message, {"told": True})
        except StorageError as error:  # no harm: should the daemon end here, it is told of once more
            log.warning("a note is kept as it was", error=str(error))

    async def _list_all(self) -> bool:
        """See that every row agrees with the disk; returns whether that succeeded."""
        try:
            if self._listed != self._store.remade:
                remade = self._store.remade
                async with self._turn:
                    mailboxes = await self._compare()
                    self._listed = remade
                for mailbox in sorted(mailboxes | set(self._counts)):
                    await self._tell_waiting(mailbox)
            for message in list(self.unlisted.values()):
                await self._list_if_taken(message)
        except StoreError as error:
            log.warning("messages wait for the database", messages=len(self.unlisted), error=str(error))
        return not self.unlisted and self._listed == self._store.remade

    async def _list_if_taken(self, message: VoiceMessage) -> None:
        """Give a message its row; one that the database refuses keeps no others waiting."""
        try:
            await self._list(message)
        except StoreError as error:
            if not error.of_data:
                raise
            log.error("the database refuses a message", path=message.path, error=str(error))  # noqa: TRY400

    async def _compare(self) -> set[str]:
        """Put rows right that do not agree with their notes, and note what has none; returns the mailboxes to tell of.

        One whose first message has no row yet is told when that is listed.
        """
        rows = {(row.mailbox, row.uid): row for row in await self._store.messages()}
        with nobodys_threads():
            there = await asyncio.to_thread(lambda: list(incoming.kept(self._state)))
            mailboxes = await asyncio.to_thread(incoming.mailboxes, self._state)
        for place, note in there:
            row = rows.get((place.mailbox.name, place.name))
            if note is None:
                await self._purge_row(place)
            elif row is None:
                await self._miss(place, note)
            else:
                await self._agree(row, place, note)
        await self._forget_gone(rows.keys() - {(place.mailbox.name, place.name) for place, _ in there}, rows)
        waiting = {message.mailbox for message in self.unlisted.values()}
        return {mailbox for mailbox, _ in rows} | (mailboxes - waiting)

    async def _forget_gone(self, keys: set[tuple[str, str]], rows: dict[tuple[str, str], VoiceMessage]) -> None:
        """Remove the rows of messages whose files somebody has removed by hand: they would be waited for for ever."""
        for row in (rows[key] for key in sorted(keys)):
            with nobodys_threads():
                there = await asyncio.to_thread(incoming.is_there, row, self._state)
            if not there:
                log.warning("a message is gone from the disk", mailbox=row.mailbox, path=row.path)
                await self._store.remove_message(row)

    async def _agree(self, row: VoiceMessage, place: Place, note: Note) -> None:
        changed = msgspec.structs.replace(as_noted(row, note), path=str(place.kept))
        if changed != row:
            await self._store.update_message(changed)
        if not note.told:
            self._untold.add(changed.path)
            await self._tell_left(changed)

    async def _miss(self, place: Place, note: Note) -> None:
        """A message that has no row."""
        try:
            with nobodys_threads():
                message = await asyncio.to_thread(incoming.message_of, place, note)
        except AudioError as error:
            log.error("a recording cannot be read", recording=str(place.kept), error=str(error))  # noqa: TRY400
            return
        self.unlisted.setdefault(message.path, message)
        if not note.told:
            self._untold.add(message.path)

    async def _purge_row(self, place: Place) -> None:
        row = await self._store.message_of(place.name, place.mailbox.name)
        if row is not None:
            await self._store.remove_message(row)
        with nobodys_threads():
            await asyncio.to_thread(place.note.unlink, missing_ok=True)

    # -- how many there are

    async def _tell_waiting(self, mailbox: str) -> None:
        """Tell how many messages a mailbox has, if it is not what was told last.

        What was told before a crash nobody knows: a lamp may be lit still for a mailbox that is empty now.
        """
        async with self._telling:
            try:
                counts = await self.counts(mailbox)
            except StoreError as error:
                log.warning("messages cannot be counted now", mailbox=mailbox, error=str(error))
                self._follow()
                return
            last = self._counts.get(mailbox)
            self._counts[mailbox] = counts
            if last is None or (counts.new, counts.old) != (last.new, last.old):
                self._tell("message_waiting", mailbox=mailbox, new=counts.new, old=counts.old)

    # -- what may not agree with the disk

    @contextmanager
    def _doubtful(self) -> Iterator[None]:
        """Whoever is cancelled within, or fails, leaves rows that may not agree with the disk."""
        try:
            yield
        except BaseException:
            self._follow()
            raise

    def _follow_later(self, what: str, message: VoiceMessage, error: StoreError) -> None:
        log.error(what, path=message.path, error=str(error))
        self._follow()

    def _follow(self) -> None:
        """Have all rows compared with the disk."""
        self._listed = -1
        self._left_over.set()

    async def _change_note(self, message: VoiceMessage, wanted: dict[str, Any]) -> Note:
        with nobodys_threads():
            return await asyncio.to_thread(change_note, place_of(message), message, wanted, self._now())
