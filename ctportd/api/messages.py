"""Voice messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import structlog

from ctportd.control.routes import Routes
from ctportd.errors import InvalidArgument

if TYPE_CHECKING:
    from ctportd.daemon import Daemon

routes = Routes()

log = structlog.stdlib.get_logger("ctportd")


class MessageParameters(msgspec.Struct, frozen=True):
    """Which message."""

    id: Annotated[int, msgspec.Meta(ge=1)]


class MessageBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is done with a message; ``folder`` is for ``move``."""

    action: Literal["delete", "restore", "purge", "move"]
    folder: str = ""


class Filed(msgspec.Struct, frozen=True):
    """The folder in which a message is now; empty where it is gone."""

    folder: str


@routes.add("POST", "/v1/messages/{id}", Filed, parameters=MessageParameters, body=MessageBody)
async def file_message(daemon: Daemon, parameters: MessageParameters, body: MessageBody) -> Filed:
    """Delete, restore, purge or move a message."""
    id_, action = parameters.id, body.action
    message = await daemon.store.message(id_)
    if message is None:
        raise InvalidArgument("messages", "id", f"is {id_}, and there is no such message")
    messages = daemon.messages
    log.info("a message is filed by command", mailbox=message.mailbox, id=id_, action=action)
    if action == "purge":
        await messages.purge(message)
        return Filed("")
    if action == "move":
        return Filed((await messages.update(message, folder=body.folder)).folder)
    return Filed((await (messages.discard(message) if action == "delete" else messages.restore(message))).folder)
