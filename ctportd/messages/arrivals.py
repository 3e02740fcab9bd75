"""The end of a message's way into its mailbox, whoever waits for it; and what crashes have left on that way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.errors import AudioError, StorageError, StoreError
from ctportd.logs import nobodys_threads
from ctportd.messages import incoming, sound
from ctportd.messages.mailboxes import Mailboxes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from pathlib import Path

    from ctportd.messages.incoming import Place
    from ctportd.messages.rows import Tell
    from ctportd.records import VoiceMessage
    from ctportd.store.durable import DurableStore

RETRY = 2.0
LONGEST_RETRY = 60.0
"""Seconds between two looks at what could not be finished; they double in between (our figures)."""

PATIENCE = 1.0
"""Seconds that a caller waits for the database, in silence; the message is on the disk already (our figure)."""

log = structlog.stdlib.get_logger("ctportd.messages")


class Arrivals(Mailboxes):
    """The messages that arrive, and those that are there. The arguments are those of its bases."""

    def __init__(self, state: Path, store: DurableStore, tell: Tell, now: Callable[[], datetime]) -> None:
        super().__init__(state, store, tell, now)
        self._active: set[str] = set()
        self._finishing: set[asyncio.Task[VoiceMessage | None]] = set()
        self._listings: set[asyncio.Task[VoiceMessage]] = set()

    def _leave(self, place: Place) -> None:
        """Leave what there is to :meth:`run`."""
        self._active.discard(place.name)
        self._left_over.set()

    async def _finish_or_leave(
        self, place: Place, *, cut_short: bool, trim: bool = False, keep_silent: bool = True
    ) -> VoiceMessage | None:
        try:
            with nobodys_threads():
                if not keep_silent and not cut_short:
                    await asyncio.to_thread(_forget_if_silent, place)
                if trim and not cut_short:
                    await asyncio.to_thread(_trim_if_possible, place)
                message = await self._finish(place, cut_short=cut_short)
        except (AudioError, OSError) as error:
            self._leave(place)
            raise StorageError(f"the message is put into its mailbox later: {error}") from error
        except BaseException:
            self._leave(place)
            raise
        self._active.discard(place.name)
        return message

    async def _finish_in_peace(self, work: Coroutine[Any, Any, VoiceMessage | None]) -> VoiceMessage | None:
        """Do something to its end, though whoever waits for it be cancelled."""
        finishing = asyncio.create_task(work)
        self._finishing.add(finishing)
        finishing.add_done_callback(self._finishing.discard)
        return await asyncio.shield(finishing)

    async def _finish(self, place: Place, *, cut_short: bool) -> VoiceMessage | None:
        message = await asyncio.to_thread(incoming.finish, place, cut_short=cut_short)
        if message is None:
            return None
        self.unlisted[message.path] = message
        self._untold.add(message.path)
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


def _forget_if_silent(place: Place) -> None:
    """Remove a message in which nothing is heard; one that cannot be listened to is kept."""
    try:
        if place.recording.exists() and sound.is_silent(place.recording):
            incoming.forget(place)
    except AudioError as error:
        log.warning("a message is kept though it may be silent", error=str(error))


def _trim_if_possible(place: Place) -> None:
    """Leave out the silence at the end; a message is kept whole where that fails."""
    try:
        if place.recording.exists():
            sound.trim(place.recording)
    except AudioError as error:
        log.warning("a message is kept with the silence at its end", error=str(error))
