"""Places where messages grow: given where the disk has room, and let go of whatever comes in between."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from ctportd.errors import CallEnded, InvalidArgument, StorageError
from ctportd.logs import nobodys_threads
from ctportd.messages import incoming, notes
from ctportd.messages.arrivals import Arrivals
from ctportd.messages.incoming import VOICEMAIL, Place
from ctportd.messages.notes import Note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from ctportd.calls.call import Call
    from ctportd.messages.rows import Tell
    from ctportd.store.durable import DurableStore

_MEGABYTE = 1_000_000
_MAILBOX = re.compile(r"[A-Za-z0-9_-]+\Z")  # a mailbox is a folder's name, too


class Places(Arrivals):
    """The places of messages that are being taken, or written to be sent.

    Args:
        state: The folder of all that must survive.
        store: Where each gets a row.
        min_free: Megabytes that the disk must have free before a recording begins.
        tell: Told of ``message_left`` and ``message_waiting``.
        now: The date and time of day, in UTC.
    """

    def __init__(
        self, state: Path, store: DurableStore, min_free: float, tell: Tell, now: Callable[[], datetime]
    ) -> None:
        super().__init__(state, store, tell, now)
        self.min_free = min_free

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
        if free < self.min_free:
            has = f"the disk of {self._state} has {free:.0f} MB free where {self.min_free:g} are wanted"
            raise StorageError(f"{has}: see [daemon] min_free")

    async def _place_for(self, mailbox: str, call: str) -> Place:
        """Where a new message grows; nobody else touches it until it is left or finished."""
        if not _MAILBOX.match(mailbox):
            raise InvalidArgument("take", "mailbox", f"is {mailbox!r} where letters, digits, - and _ are expected")
        await self.check_room()
        # a caller may leave several messages in one call, by way of the attendant
        place = Place(self._state / VOICEMAIL / mailbox, f"{call}-{secrets.token_hex(2)}")
        self._active.add(place.name)
        return place

    @asynccontextmanager
    async def draft(
        self, call: Call, mailbox: str, *, shortest: float = 0.0, number: str = "", name: str = ""
    ) -> AsyncIterator[Path]:
        """Where an owner records what is to be sent: the block does both, and the draft is gone after it.

        Should the block fail, or the daemon be killed within it, then what was spoken is a message in the owner's own
        mailbox: who hears it there knows that it was not sent to all for whom it was meant.

        Args:
            call: The owner's call.
            mailbox: The owner's.
            shortest: Seconds that it must have to be kept so.
            number: Who has spoken, as a caller's number.
            name: The same, as a caller's name.

        Raises:
            InvalidArgument: That cannot be a mailbox.
            StorageError: The disk has no room, or refuses.
        """
        place = await self._place_for(mailbox, call.id)
        spoken = note_of(call, mailbox, shortest=shortest)
        note = msgspec.structs.replace(spoken, number=notes.told(number), name=notes.told(name))
        try:
            with nobodys_threads():
                await asyncio.to_thread(incoming.begin, place, note)
            yield place.recording
            with nobodys_threads():
                await asyncio.to_thread(incoming.forget, place)
        except CallEnded:
            with nobodys_threads():
                await asyncio.to_thread(incoming.forget_unspoken, place)
            raise
        finally:
            self._leave(place)


def note_of(call: Call, mailbox: str, *, shortest: float = 0.0, urgent: bool = False) -> Note:
    """The note of a message that is begun in a call."""
    return Note(
        mailbox=mailbox,
        call=call.id,
        recorded_at=call.clock.now(),
        number=notes.told(call.caller.number),
        name=notes.told(call.caller.name),
        shortest=shortest,
        urgent=urgent,
        told=False,
    )


def _free_megabytes(folder: Path) -> float:
    return shutil.disk_usage(folder).free / _MEGABYTE
