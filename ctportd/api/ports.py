"""Ports, and the requests of ctserver."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ctportd.control.routes import Routes
from ctportd.errors import LinkError, NotSupported, PortBusy, RequestTimedOut
from ctportd.status import Replied
from ctportd.wire.requests import request_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.daemon import Daemon
    from ctportd.links.manager import Manager
    from ctportd.links.reply import Reply

MANAGER = "manager"
"""What the manager connection is called where a port is named."""

routes = Routes()


class PortParameters(msgspec.Struct, frozen=True):
    """Which port.

    Attributes:
        port: Its number, or its address, such as ``main:1``; or ``manager``, or ``NAME:manager``.
    """

    port: str


class RequestBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request of ctserver.

    Attributes:
        name: Such as ``play``.
        arguments: Such as ``["beep"]``.
    """

    name: str
    arguments: list[str] = []


@routes.add(
    "POST",
    "/v1/ports/{port}/requests",
    Replied,
    parameters=PortParameters,
    body=RequestBody,
    problems=(NotSupported, PortBusy, LinkError, RequestTimedOut),
)
async def request(daemon: Daemon, parameters: PortParameters, body: RequestBody) -> Replied:
    """Send one request by its name to a port, or to ``manager`` (of the first ctserver) or ``NAME:manager``."""
    reply = await _send(daemon, parameters.port, body.name, body.arguments)
    event = reply.event
    return Replied(reply.message.status, list(reply.values), event.name if event else None, reply.message.raw)


async def _send(daemon: Daemon, port: str, name: str, arguments: Sequence[str]) -> Reply:
    if name in ("play", "play_async") and arguments:
        found = await asyncio.to_thread(daemon.prompts.find, arguments[0])
        arguments = [str(found), *arguments[1:]]
    manager = _manager(daemon, port, name)
    if manager is not None:
        return await manager.request(name, *arguments)
    addressed = daemon.ports.find(port, name)
    if name == "record_stop":
        return await addressed.record_stop()
    return await addressed.request(name, *arguments)


def _manager(daemon: Daemon, port: str, name: str) -> Manager | None:
    """The manager connection that was named, if one was."""
    named = [server for server in daemon.servers if port in (MANAGER, f"{server.name}:{MANAGER}")]
    for server in named:
        if server.manager is not None:
            return server.manager
    if named:
        raise NotSupported(f"manager of {named[0].name}", named[0].table.dialect, request_named(name).cmd)
    return None
