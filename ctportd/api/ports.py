"""Ports, and the requests of ctserver."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog

from ctportd.control.routes import Routes
from ctportd.errors import CallRefused, InvalidArgument, LinkError, NotSupported, PortBusy, RequestTimedOut
from ctportd.status import Drained, FollowedCall, HungUp, PlacedCall, Replied
from ctportd.wire.requests import request_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon
    from ctportd.links.manager import Manager
    from ctportd.links.reply import Reply

MANAGER = "manager"
"""What the manager connection is called where a port is named."""

_FOLLOW_FOR = 20.0  # seconds that an answer waits for news of a call: no proxy gives up before (our figure)

routes = Routes()

log = structlog.stdlib.get_logger("ctportd")


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


class CallBody(msgspec.Struct, forbid_unknown_fields=True):
    """A call to make.

    Attributes:
        number: What is dialled; on a station port, the number that its set shows, which may be empty.
        handler: Who has the call when it is answered, such as ``voicemail:100``; empty: it is hung up then.
        play: Prompts that are played instead, before it is hung up.
        within: Seconds of the line to wait for an answer.
    """

    number: str = ""
    handler: str = ""
    play: list[str] = []
    within: Annotated[float, msgspec.Meta(gt=0, le=600)] = 45.0


class FollowParameters(msgspec.Struct, frozen=True):
    """Which call that we make.

    Attributes:
        port: Its port's number, or its address, such as ``main:1``.
        call: Its id.
        seen: How many of its stages are known already: it is answered when there are more, or some seconds later.
    """

    port: str
    call: str
    seen: Annotated[int, msgspec.Meta(ge=0)] = 0


class DrainBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which ports take no new calls, or take them again.

    Attributes:
        ports: Their numbers or addresses; none: all.
        on: Whether they take no new calls; false: they take them again.
    """

    ports: list[str] = []
    on: bool = True


@routes.add(
    "POST",
    "/v1/ports/{port}/calls",
    PlacedCall,
    parameters=PortParameters,
    body=CallBody,
    problems=(CallRefused,),
)
async def make_call(daemon: Daemon, parameters: PortParameters, body: CallBody) -> PlacedCall:
    """Make a call on a port; answers at once, with the call's id."""
    port = daemon.ports.find(parameters.port, "call").address
    placed = await daemon.call(port, body.number, body.handler, play=body.play, within=body.within)
    return PlacedCall(placed.call.id, port)


@routes.add("GET", "/v1/ports/{port}/calls/{call}", FollowedCall, parameters=FollowParameters)
async def follow_call(daemon: Daemon, parameters: FollowParameters, _body: Nothing) -> FollowedCall:
    """How far a call has come that we make; waits some seconds for more than was seen."""
    placed = daemon.router.placed(parameters.call)
    if placed is None or placed.call.port is not daemon.ports.find(parameters.port, "call"):
        problem = (
            f"is {parameters.call!r}, and that is no call that was made lately; ctportd calls show tells of it"
        )
        raise InvalidArgument("call", "call", problem)
    with suppress(TimeoutError):
        async with asyncio.timeout(_FOLLOW_FOR):
            await placed.wait_stage(parameters.seen)
    return FollowedCall(placed.call.id, placed.outcome, placed.ended, placed.stages[parameters.seen :])


@routes.add("POST", "/v1/ports/{port}/hangup", HungUp, parameters=PortParameters, problems=(CallRefused,))
async def hang_up(daemon: Daemon, parameters: PortParameters, _body: Nothing) -> HungUp:
    """End the call on a port politely; answers when its line is free."""
    port = daemon.ports.find(parameters.port, "hangup")
    call = await daemon.router.hang_up(port)
    log.info("a call was ended by command", port=str(port), call=call.id)
    return HungUp(call.id, port.address, call.caller.number, call.caller.name, answered=call.answered)


@routes.add("POST", "/v1/drain", Drained, body=DrainBody)
async def drain(daemon: Daemon, _parameters: Nothing, body: DrainBody) -> Drained:
    """Take no new calls on these ports, or on all, or take them again; calls under way go on."""
    addresses = [daemon.ports.find(port, "drain").address for port in body.ports]
    (daemon.router.drained.begin if body.on else daemon.router.drained.end)(addresses)
    log.info("ports are drained" if body.on else "ports take calls again", ports=addresses or "all")
    return _drained(daemon)


@routes.add("GET", "/v1/drain", Drained)
async def drained(daemon: Daemon, _parameters: Nothing, _body: Nothing) -> Drained:
    """Which ports take no new calls, and what calls are under way on them."""
    return _drained(daemon)


def _drained(daemon: Daemon) -> Drained:
    ports = [port for port in daemon.ports.values() if daemon.router.drained.covers(port.address)]
    calls = {port.address: call.id for port in ports if (call := daemon.router.call_on(port)) is not None}
    return Drained([port.address for port in ports], calls)
