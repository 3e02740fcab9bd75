"""Requests to the server itself: states, resetting, log, version, stopping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ctportd import ctserver
from ctportd.ctserver.asked import Refused
from ctportd.ctserver.log import RolledTooOften
from ctportd.errors import ServerError
from ctportd.wire.message import MANAGER_HANDLE

if TYPE_CHECKING:
    from ctportd.ctserver.port import Port
    from ctportd.ctserver.services import Services
    from ctportd.wire.message import Request

ServerHandler = Callable[["Services", "Request"], Awaitable[list[tuple[str, ...]]]]
"""Serves a request; returns what each message of its reply says after ``OK``."""


async def port_status(services: Services, request: Request) -> list[tuple[str, ...]]:
    """One message a port: port, state, script name, how many messages are still to come."""
    return _each(services, request)


async def port_reset(services: Services, request: Request) -> list[tuple[str, ...]]:
    """The ports as newly started; replies as ``portstatus`` does."""
    for port in _asked_for(services, request):
        port.reset()
    return _each(services, request)


def _each(services: Services, request: Request) -> list[tuple[str, ...]]:
    ports = _asked_for(services, request)
    return [
        (str(port.number), port.line.state, port.script, str(len(ports) - place))
        for place, port in enumerate(ports, 1)
    ]


def _asked_for(services: Services, request: Request) -> list[Port]:
    """The ports that a request means: its ``dst`` is a telephone port's number, or -2 for all."""
    if request.dst == MANAGER_HANDLE:
        return list(services.ports.values())
    port = None if request.dst is None else services.ports.get(request.dst)
    if port is None:
        raise Refused("no-such-port", request.dst)
    return [port]


async def roll_log(services: Services, _: Request) -> list[tuple[str, ...]]:
    """Put the server's log file aside and open a new one."""
    try:
        aside = await services.server_log.roll()
    except RolledTooOften as error:
        raise Refused("too-soon", error) from error
    except ServerError as error:
        raise Refused("cannot-roll-log", error) from error
    services.log.info("log rolled", aside=str(aside))
    return [()]


async def server_version(_services: Services, _: Request) -> list[tuple[str, ...]]:
    """What this is, in one word."""
    return [(ctserver.VERSION,)]


async def shut_down(services: Services, request: Request) -> list[tuple[str, ...]]:
    """Stop the server. The reply still goes out: the server stops in its own task."""
    services.log.info("told to shut down", sender=request.src)
    services.stop.set()
    return [()]


SERVER_REQUESTS: dict[str, ServerHandler] = {
    "portstatus": port_status,
    "portreset": port_reset,
    "rolllog": roll_log,
    "serversion": server_version,
    "shutdown": shut_down,
}
"""What no line is needed for. Every connection may ask it."""
