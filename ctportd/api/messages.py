"""Voice messages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
import structlog

from ctportd.api.paging import Limit, page_of
from ctportd.control.answers import FileAnswer
from ctportd.control.routes import Routes
from ctportd.errors import NotFound, StorageError, StoreError
from ctportd.records import VoiceMessage

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()

log = structlog.stdlib.get_logger("ctportd")

MOST_ID = 2**31 - 1
"""The greatest number that a database has for a message."""

Folder: TypeAlias = Literal["INBOX", "Old", "Work", "Family", "Friends", "Trash"]
"""One of :data:`~ctportd.records.FOLDERS`."""


class MessagesParameters(msgspec.Struct, frozen=True):
    """Which messages.

    Attributes:
        mailbox: Those of this one only.
        folder: Those in this folder only.
        limit: How many at most.
        after: Goes on after the message with this id, as ``next`` of the last answer has it.
    """

    mailbox: str | None = None
    folder: Folder | None = None
    limit: Limit = 100
    after: Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)] = 0


class MessagePage(msgspec.Struct, frozen=True):
    """Some messages, oldest first.

    Attributes:
        messages: The messages.
        next: What ``after`` is to be for those that follow; null where none do.
    """

    messages: list[VoiceMessage]
    next: int | None


class MessageParameters(msgspec.Struct, frozen=True):
    """Which message.

    Attributes:
        id: Its id.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=MOST_ID)]


class MessageBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is done with a message.

    Attributes:
        action: ``delete`` puts it into the trash, ``restore`` takes it out, ``purge`` removes it for good, ``move`` puts
            it into ``folder``.
        folder: For ``move``: ``INBOX``, ``Old``, ``Work``, ``Family``, ``Friends`` or ``Trash``.
    """

    action: Literal["delete", "restore", "purge", "move"]
    folder: str = ""


class Filed(msgspec.Struct, frozen=True):
    """Where a message is now.

    Attributes:
        folder: The folder; empty where the message is gone.
    """

    folder: str


@routes.add("GET", "/v1/messages", MessagePage, parameters=MessagesParameters, problems=(StoreError,))
async def messages(daemon: Daemon, parameters: MessagesParameters, _body: Nothing) -> MessagePage:
    """The voice messages that were left, oldest first."""
    found, more = page_of(
        await daemon.store.messages(
            parameters.mailbox, folder=parameters.folder, after=parameters.after, limit=parameters.limit + 1
        ),
        parameters.limit,
    )
    return MessagePage(found, found[-1].id if more else None)


@routes.add(
    "GET", "/v1/messages/{id}", VoiceMessage, parameters=MessageParameters, problems=(NotFound, StoreError)
)
async def message(daemon: Daemon, parameters: MessageParameters, _body: Nothing) -> VoiceMessage:
    """One voice message."""
    return await _found(daemon, parameters.id)


@routes.add(
    "GET",
    "/v1/messages/{id}/recording",
    FileAnswer,
    parameters=MessageParameters,
    problems=(NotFound, StoreError),
    content_type="audio/wav",
)
async def recording(daemon: Daemon, parameters: MessageParameters, _body: Nothing) -> FileAnswer:
    """What was spoken, as a file: the whole of it, or the ``Range`` that is asked for.

    Listening to it changes nothing: the message is as new as before.
    """
    found = await _found(daemon, parameters.id)
    path = Path(found.path)
    if not await asyncio.to_thread(_is_ours, path, daemon.state):
        raise NotFound(f"the recording of message {found.id} is not there any more: {path}")
    return FileAnswer(path, f"message-{found.id}.wav", "audio/wav")


def _is_ours(path: Path, state: Path) -> bool:
    """Whether it is a file in the folder of ours: a row of the database leads to no other one."""
    return path.is_file() and path.resolve().is_relative_to(state.resolve())


@routes.add(
    "POST",
    "/v1/messages/{id}",
    Filed,
    parameters=MessageParameters,
    body=MessageBody,
    problems=(NotFound, StoreError, StorageError),
)
async def file_message(daemon: Daemon, parameters: MessageParameters, body: MessageBody) -> Filed:
    """Delete, restore, purge or move a message."""
    id_, action = parameters.id, body.action
    message = await _found(daemon, id_)
    messages = daemon.messages
    log.info("a message is filed by command", mailbox=message.mailbox, id=id_, action=action)
    if action == "purge":
        await messages.purge(message)
        return Filed("")
    if action == "move":
        return Filed((await messages.update(message, folder=body.folder)).folder)
    return Filed((await (messages.discard(message) if action == "delete" else messages.restore(message))).folder)


async def _found(daemon: Daemon, id_: int) -> VoiceMessage:
    message = await daemon.store.message(id_)
    if message is None:
        raise NotFound(f"there is no message {id_}; /v1/messages has those that there are")
    return message
