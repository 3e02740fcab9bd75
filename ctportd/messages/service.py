"""Takes messages so that nothing loses one: neither a crash, nor a full disk, nor a database that is away."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd.errors import AudioError, InvalidArgument, RequestFailed, StorageError, StoreError
from ctportd.logs import nobodys_threads
from ctportd.messages import incoming, notes
from ctportd.messages.incoming import VOICEMAIL, Place
from ctportd.messages.notes import Note

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.durable import DurableStore
    from ctportd.records import VoiceMessage

RETRY = 2.0
LONGEST_RETRY = 60.0
"""Seconds between two looks at what could not be finished; they double in between (our figures)."""

PATIENCE = 1.0
"""Seconds that a caller waits for the database, in silence; the message is on the disk already (our figure)."""

_MEGABYTE = 1_000_000
_MAILBOX = re.compile(r"[A-Za-z0-9_-]+\Z")  # a mailbox is a folder's name, too

log = structlog.stdlib.get_logger("ctportd.messages")


class Messages:
    """The messages of all mailboxes, in the state folder and in the store.

    Args:
        state: The folder of all that must survive.
        store: Where each gets a row.
        min_free: Megabytes that the disk must have free before a recording begins.

    Attributes:
        unlisted: Messages on the disk that have no row yet, by their recordings.
    """

    def __init__(self, state: Path, store: DurableStore, min_free: float) -> None:
        self.unlisted: dict[str, VoiceMessage] = {}
        self._state = state
        self._store = store
        self._min_free = min_free
        self._active: set[str] = set()
        self._left_over = asyncio.Event()
        self._finishing: set[asyncio.Task[VoiceMessage | None]] = set()
        self._listings: set[asyncio.Task[VoiceMessage]] = set()
        self._listing = asyncio.Lock()
        store.when_remade.append(self._left_over.set)
        self._listed = -1  # which making of the database has a row for all that is on the disk

    # -- taking one

    async def check_room(self) -> None:
        """See that a message can be taken.

        Raises:
            StorageError: The disk has less room than is wanted.
        """
        with nobodys_threads():
            try:
                free = await asyncio.to_thread(_free_megabytes, self._state)
            except OSError as error:
                problem = f"the disk of {self._state} cannot be looked at: {error.strerror}"
                raise StorageError(problem) from error
        if free < self._min_free:
            has = f"the disk of {self._state} has {free:.0f} MB free where {self._min_free:g} are wanted"
            raise StorageError(f"{has}: see [daemon] min_free")

    async def take(
        self, call: Call, mailbox: str, *, limit: int = 0, silence: int = 0, shortest: float = 0.0
    ) -> VoiceMessage | None:
        """Record a message and put it into a mailbox. The caller hears nothing but silence.

        What was spoken is kept whatever happens meanwhile: whoever calls this may be cancelled, ctserver or the daemon
        may be killed. Then the message is put into its mailbox later, marked as cut short.

        Args:
            call: The call; it is answered.
            mailbox: Whose it is to be: letters, digits, ``-`` and ``_``.
            limit: Seconds that it may have (0: no limit).
            silence: Seconds of silence that end it (0: none do).
            shortest: Seconds that it must have to be kept.

        Returns:
            The message, with id 0 where its row has to wait for the database; None where too little was spoken.

        Raises:
            InvalidArgument: That cannot be a mailbox.
            StorageError: The disk has no room, or refuses, or ctserver cannot record; what was spoken already is put
                in order later.
            CallEnded: The call was over before anything was recorded.
            LinkError: Ctserver cannot be reached.
        """
        if not _MAILBOX.match(mailbox):
            raise InvalidArgument("take", "mailbox", f"is {mailbox!r} where letters, digits, - and _ are expected")
        await self.check_room()
        # a caller may leave several messages in one call, by way of the attendant
        place = Place(self._state / VOICEMAIL / mailbox, f"{call.id}-{secrets.token_hex(2)}")
        self._active.add(place.name)
        try:
            with nobodys_threads():
                await asyncio.to_thread(incoming.begin, place, _note(call, mailbox, shortest))
            cut_short = await self._record(call, place, limit, silence)
        except BaseException:
            self._leave(place)
            raise
        finishing = asyncio.create_task(self._finish_or_leave(place, cut_short=cut_short))
        self._finishing.add(finishing)
        finishing.add_done_callback(self._finishing.discard)
        message = await asyncio.shield(finishing)
        if message is None and cut_short:
            raise StorageError("ctserver could not record: its log tells why")
        return message

    def _leave(self, place: Place) -> None:
        """Leave what there is to :meth:`run`."""
        self._active.discard(place.name)
        self._left_over.set()

    async def _finish_or_leave(self, place: Place, *, cut_short: bool) -> VoiceMessage | None:
        try:
            with nobodys_threads():
                message = await self._finish(place, cut_short=cut_short)
        except (AudioError, OSError) as error:
            self._leave(place)
            raise StorageError(f"the message is put into its mailbox later: {error}") from error
        except BaseException:
            self._leave(place)
            raise
        self._active.discard(place.name)
        return message

    @staticmethod
    async def _record(call: Call, place: Place, limit: int, silence: int) -> bool:
        """Record; returns whether ctserver gave up, with what was spoken until then on the disk."""
        try:
            await call.record(place.recording, limit=limit, silence=silence)
        except RequestFailed as error:
            log.error("ctserver could not go on recording", error=str(error))  # noqa: TRY400 - it says all
            return True
        return False

    async def _finish(self, place: Place, *, cut_short: bool) -> VoiceMessage | None:
        message = await asyncio.to_thread(incoming.finish, place, cut_short=cut_short)
        if message is None:
            return None
        self.unlisted[message.path] = message
        listing = asyncio.create_task(self._list_or_leave(message))
        self._listings.add(listing)
        listing.add_done_callback(self._listings.discard)
        await asyncio.wait([listing], timeout=PATIENCE)
        return listing.result() if listing.done() else message

    async def _list_or_leave(self, message: VoiceMessage) -> VoiceMessage:
        try:
            return await self._list(message)
        except StoreError as error:
            log.error("a message waits for the database", path=message.path, error=str(error))  # noqa: TRY400
            self._left_over.set()
            return message

    async def _list(self, message: VoiceMessage) -> VoiceMessage:
        """Give it its row; one that has it already, from before a crash say, gets no second one."""
        async with self._listing:
            there = await self._store.message_of(Path(message.path), message.mailbox)
            listed = there or await self._store.add_message(message)
            if self.unlisted.pop(message.path, None) is None:
                return listed
        told = log.warning if message.cut_short else log.info
        told(
            "message",
            mailbox=message.mailbox,
            id=listed.id,
            seconds=round(message.seconds, 1),
            cut_short=message.cut_short,
        )
        return listed

    # -- what was left behind

    async def run(self) -> None:
        """Put in order what crashes and faults leave behind, now and whenever there is something, until cancelled."""
        delay = RETRY
        while True:
            if await self._put_in_order_at_last():
                delay = RETRY
                await self._left_over.wait()
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_RETRY)

    async def _put_in_order_at_last(self) -> bool:
        try:
            return await self.put_in_order()
        except (OSError, RuntimeError) as error:  # too many open files, no thread: it may pass, and lines go on
            log.error("what was left behind cannot be put in order yet", error=str(error))  # noqa: TRY400
            return False

    async def put_in_order(self) -> bool:
        """Finish every message that nobody records any more, and list what has no row; returns whether all is done."""
        self._left_over.clear()
        places = [place for place in await asyncio.to_thread(self._left) if place.name not in self._active]
        done = True
        for place in places:
            done = await self._put_in_order(place) and done
        return await self._list_all() and done

    def _left(self) -> list[Place]:
        return list(incoming.left(self._state))

    async def _put_in_order(self, place: Place) -> bool:
        if not await asyncio.to_thread(incoming.settled, place):
            return False
        try:
            message = await self._finish(place, cut_short=True)
        except (AudioError, OSError) as error:
            log.error("a recording cannot be put in order", recording=str(place.recording), error=str(error))  # noqa: TRY400
            return False
        if message is not None:
            log.warning("a message that was cut short is in its mailbox", path=message.path)
        return True

    async def _list_all(self) -> bool:
        """Give a row to every message on the disk that has none; returns whether that succeeded."""
        try:
            if self._listed != self._store.remade:
                remade = self._store.remade
                for message in await self._unlisted_on_disk():
                    self.unlisted.setdefault(message.path, message)
                self._listed = remade
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

    async def _unlisted_on_disk(self) -> list[VoiceMessage]:
        listed = await self._store.recordings()
        return await asyncio.to_thread(_messages_beside, self._state, listed)


def _messages_beside(state: Path, listed: set[str]) -> list[VoiceMessage]:
    """The messages on the disk that are not among these."""
    found = []
    for place in incoming.kept(state):
        note = notes.read(place.note)
        if note is None or str(place.kept) in listed:
            continue
        try:
            found.append(incoming.message_of(place, note))
        except AudioError as error:
            log.error("a recording cannot be read", recording=str(place.kept), error=str(error))  # noqa: TRY400
    return found


def _note(call: Call, mailbox: str, shortest: float) -> Note:
    return Note(
        mailbox=mailbox,
        call=call.id,
        recorded_at=call.clock.now(),
        number=notes.told(call.caller.number),
        name=notes.told(call.caller.name),
        shortest=shortest,
    )


def _free_megabytes(folder: Path) -> float:
    return shutil.disk_usage(folder).free / _MEGABYTE
