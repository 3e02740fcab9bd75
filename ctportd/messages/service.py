"""Takes messages so that nothing loses one: neither a crash, nor a full disk, nor a database that is away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
import structlog

from ctportd.calls import recordings
from ctportd.errors import AudioError, CallEnded, RequestFailed, StorageError
from ctportd.logs import nobodys_threads
from ctportd.messages import incoming, notes, sound
from ctportd.messages.notes import Note
from ctportd.messages.places import Places, note_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ctportd.calls.call import Call
    from ctportd.messages.incoming import Place
    from ctportd.records import VoiceMessage

log = structlog.stdlib.get_logger("ctportd.messages")


Reviewed: TypeAlias = Literal["keep", "urgent", "again"]
"""What becomes of a recording: it is kept, kept and marked as urgent, or spoken again."""

Review: TypeAlias = "Callable[[Path], Awaitable[Reviewed]]"
"""Asks the caller what is to become of a recording."""


class Messages(Places):
    """The messages of all mailboxes, and those on their way into one. The arguments are those of its base."""

    # -- taking one

    async def take(  # noqa: PLR0913 - what a message may be, each by its name
        self,
        call: Call,
        mailbox: str,
        *,
        limit: int = 0,
        silence: int = 0,
        shortest: float = 0.0,
        urgent: bool = False,
        trim: bool = False,
        keep_silent: bool = True,
        review: Review | None = None,
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
            urgent: Whether it is marked so.
            trim: Whether the silence at its end is left out.
            keep_silent: Whether it is kept although nothing is heard in it.
            review: Asked, when enough was spoken, what is to become of the recording; who hangs up then has kept it.

        Returns:
            The message, with id 0 where its row has to wait for the database; None where too little was spoken.

        Raises:
            InvalidArgument: That cannot be a mailbox.
            StorageError: The disk has no room, or refuses, or ctserver cannot record; what was spoken already is put
                in order later.
            CallEnded: The call was over before anything was recorded.
            LinkError: Ctserver cannot be reached.
        """
        place = await self._place_for(mailbox, call.id)
        try:
            with nobodys_threads():
                note = note_of(call, mailbox, shortest=shortest, urgent=urgent)
                await asyncio.to_thread(incoming.begin, place, note)
            spoken_again = True
            while spoken_again:
                cut_short = await self._record(call, place, limit, silence)
                spoken_again = not cut_short and await self._review(call, place, shortest, review)
        except CallEnded:
            with nobodys_threads():
                await asyncio.to_thread(incoming.forget_unspoken, place)
            self._leave(place)
            raise
        except BaseException:
            self._leave(place)
            raise
        finishing = self._finish_or_leave(place, cut_short=cut_short, trim=trim, keep_silent=keep_silent)
        message = await self._finish_in_peace(finishing)
        if message is None and cut_short:
            raise StorageError("ctserver could not record: its log tells why")
        return message

    @staticmethod
    async def _review(call: Call, place: Place, shortest: float, review: Review | None) -> bool:
        """Let the caller review what was recorded; returns whether it is to be spoken again, and is removed."""
        if review is None:
            return False
        with nobodys_threads():
            seconds = 0.0 if call.ended else await recordings.length_of(place.recording)
        if not seconds or seconds < shortest:
            return False
        try:
            reviewed = await review(place.recording)
        except CallEnded:
            return False
        with nobodys_threads():
            if reviewed == "urgent":
                await asyncio.to_thread(incoming.set_urgent, place)
            if reviewed == "again":
                await recordings.discard(place.recording)  # for ctserver writes over nothing
        return reviewed == "again"

    # -- putting one in

    async def deliver(
        self,
        recording: Path,
        to_mailbox: str,
        *,
        call: Call,
        number: str = "",
        name: str = "",
        urgent: bool = False,
    ) -> VoiceMessage:
        """Put a copy of a recording into a mailbox, as a message that was left there now.

        Args:
            recording: A sound file.
            to_mailbox: Whose it is to be.
            call: The call in which it was spoken.
            number: Who sends it, as a caller's number.
            name: The same, as a caller's name.
            urgent: Whether it is marked so.

        Raises:
            InvalidArgument: That cannot be a mailbox.
            StorageError: Nothing is to be heard in the recording, or the disk refuses.
        """
        note = note_of(call, to_mailbox, urgent=urgent)
        sent = msgspec.structs.replace(note, number=notes.told(number), name=notes.told(name))
        return await self._put_in([recording], sent)

    async def forward(
        self,
        message: VoiceMessage,
        to_mailbox: str,
        *,
        introduction: Path | None = None,
        number: str = "",
        name: str = "",
    ) -> VoiceMessage:
        """Put a copy of a message into another mailbox, as a new message there.

        Args:
            message: The message; it stays as it is.
            to_mailbox: Whose the copy is to be.
            introduction: What is heard before it; a sound file.
            number: Who forwards it, as a caller's number; with neither this nor a name, it is the message's caller's.
            name: The same, as a caller's name.

        Raises:
            InvalidArgument: That cannot be a mailbox.
            StorageError: The message is not there any more, or the disk refuses.
        """
        sender = (number, name) if number or name else (message.number, message.name)
        note = Note(
            mailbox=to_mailbox,
            call=message.call,
            recorded_at=self._now(),
            number=notes.told(sender[0]),
            name=notes.told(sender[1]),
            cut_short=message.cut_short,
            urgent=message.urgent,
            told=False,
        )
        recording = Path(message.path)
        return await self._put_in([recording] if introduction is None else [introduction, recording], note)

    async def _put_in(self, parts: list[Path], note: Note) -> VoiceMessage:
        """Make a message of recordings, by the way that one takes that is spoken; whole, or not at all."""
        place = await self._place_for(note.mailbox, note.call)
        message = await self._finish_in_peace(self._join_and_finish(parts, place, note))
        if message is None:
            raise StorageError(f"there is nothing to be heard in {parts[-1]}")
        return message

    async def _join_and_finish(self, parts: list[Path], place: Place, note: Note) -> VoiceMessage | None:
        try:
            with nobodys_threads():
                await asyncio.to_thread(incoming.begin, place, note)
                await asyncio.to_thread(sound.join, parts, place.recording)
        except AudioError as error:
            self._leave(place)
            raise StorageError(str(error)) from error
        except BaseException:
            self._leave(place)
            raise
        return await self._finish_or_leave(place, cut_short=False)

    @staticmethod
    async def _record(call: Call, place: Place, limit: int, silence: int) -> bool:
        """Record; returns whether ctserver gave up, with what was spoken until then on the disk."""
        try:
            await call.record(place.recording, limit=limit, silence=silence)
        except RequestFailed as error:
            log.error("ctserver could not go on recording", error=str(error))  # noqa: TRY400 - it says all
            return True
        return False
