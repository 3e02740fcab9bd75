"""The control interface's server: HTTP with JSON on a Unix socket, so that ``curl --unix-socket`` works.

What it serves are :class:`~ctportd.control.routes.Route`; an error is ``application/problem+json`` with ``title``,
``status`` and ``detail``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from typing import TYPE_CHECKING, Any, Self

import msgspec
import structlog
from aiohttp import web

from ctportd.control.routes import CONFIGURATION
from ctportd.errors import (
    CallRefused,
    ConfigError,
    ControlError,
    CtportdError,
    InvalidArgument,
    LinkError,
    NotSupported,
    PromptNotFound,
)
from ctportd.nearest import no_such
from ctportd.webdoor import WebDoor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from ctportd.control.routes import Route

log = structlog.stdlib.get_logger("ctportd.control")

_MODE = 0o660  # the daemon's user and group
_LONGEST_PATH = 107  # bytes of a Unix socket's path, by sockaddr_un

_CONNECTIONS = 64
"""At a time: a program for each port of a large system, and people; each may wait for a request that takes long."""

_PATIENCE = 10.0
"""Seconds in which a connection has to say what it wants."""

_LONGEST_BODY = 64 * 1024
"""Bytes of a request: a line of ctserver's protocol has no more either."""


class ControlServer:
    """Serves the control interface as long as its ``async with`` block lasts.

    Args:
        routes: What can be asked.
        target: Of whom it is asked: each route's function is given it.
        path: Where the socket is.

    Raises:
        ControlError: Another daemon answers on the socket, or it cannot be made.
    """

    def __init__(self, routes: Iterable[Route], target: object, path: Path) -> None:
        self._path = path
        app = web.Application(middlewares=[_problems, self._settled], client_max_size=_LONGEST_BODY)
        for route in routes:
            app.router.add_route(route.method, route.path, _handler(route, target))
            if route.method == "GET":
                app.router.add_route("HEAD", route.path, _handler(route, target))
        self._door = WebDoor(app, _CONNECTIONS, _PATIENCE, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        listening = await asyncio.to_thread(_listen, self._path)
        await self._door.open_socket(listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._door.close()
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def look_after(self) -> None:
        """See that the socket takes connections, and answers. One whose file somebody has removed is made again.

        Raises:
            ControlError: It takes none, and cannot be made again.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except FileNotFoundError:
            log.warning("the control socket was removed: it is made again", path=str(self._path))
            await self._door.move_to(await asyncio.to_thread(_listen, self._path))
        except OSError as error:
            raise ControlError(f"[control] socket {str(self._path)!r}: {error.strerror}") from error
        else:
            writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
            await reader.read()  # whatever it answers; nothing, where all places are taken
            writer.close()

    @web.middleware
    async def _settled(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Requests whose body is there; until then its connection is one that has not said what it wants."""
        await request.read()
        with self._door.serving(request):
            return await handler(request)


def _handler(route: Route, target: object) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        parameters = _parameters(route, request)
        body = msgspec.json.decode(await request.read() or _no_body(route), type=route.body)
        return _json(await route.handle(target, parameters, body))

    return handle


def _parameters(route: Route, request: web.Request) -> msgspec.Struct:
    """Those of the path and of the query, each by its type."""
    given = {**request.query, **request.match_info}
    known = route.parameters.__struct_fields__
    for name in given:
        if name not in known:
            raise InvalidArgument(route.path, name, f"is not known: {no_such('parameter', name, known)}")
    try:
        return msgspec.convert(given, route.parameters, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise InvalidArgument(route.path, where.rstrip("`") or "parameters", f"will not do: {what}") from error


def _no_body(route: Route) -> bytes:
    """What stands for a body that is not there: nothing at all, where some key must be in it."""
    return b"" if any(field.required for field in msgspec.structs.fields(route.body)) else b"{}"


def _listen(path: Path) -> socket.socket:
    """A listening socket in place of a stale one, never of one that answers."""
    if len(os.fsencode(path)) > _LONGEST_PATH:
        problem = f"is longer than the {_LONGEST_PATH} bytes that a Unix socket's path may have"
        raise ControlError(f"[control] socket {str(path)!r} {problem}; choose a shorter one")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _refuse_live(path)
            path.unlink()
        listening.bind(str(path))
        path.chmod(_MODE)  # before anybody can connect; a umask would hold for what other threads make, too
        listening.listen()
    except OSError as error:
        listening.close()
        raise ControlError(f"[control] socket {str(path)!r} cannot be made: {error.strerror}") from error
    except ControlError:
        listening.close()
        raise
    return listening


def _refuse_live(path: Path) -> None:
    if not path.is_socket():
        raise ControlError(
            f"[control] socket {str(path)!r} is there already and is no socket; choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return  # nobody listens: what a daemon that was killed has left behind
    raise ControlError(f"a ctportd is running already: it answers on {path}")


def _json(data: Any, status: int = 200, content_type: str = "application/json") -> web.Response:
    try:
        body = msgspec.json.encode(data)
    except UnicodeEncodeError:  # a line of ctserver's, or a caller's name, was no UTF-8
        body = json.dumps(msgspec.to_builtins(data), ensure_ascii=False).encode("utf-8", "replace")
    return web.Response(body=body, status=status, content_type=content_type)


def _problem(status: int, title: str, detail: str) -> web.Response:
    return _json({"title": title, "status": status, "detail": detail}, status, "application/problem+json")


_PROBLEMS: tuple[tuple[tuple[type[Exception], ...], int, str], ...] = (
    ((msgspec.DecodeError, UnicodeDecodeError), 400, "Bad request body"),
    ((InvalidArgument, PromptNotFound), 400, "Bad argument"),
    ((CallRefused,), 409, "Not on this port now"),
    ((NotSupported,), 501, "Not in this dialect"),
    ((LinkError,), 502, "ctserver"),
    ((ConfigError,), 409, CONFIGURATION),
    ((ControlError,), 409, "Refused"),
    ((CtportdError,), 500, "ctportd"),
)
"""Errors with the status and the title of their answers; the first that fits counts."""


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Errors as problem+json."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        problem = _problem(error.status, error.reason, f"{request.method} {request.path}: {error.reason}")
        if "Allow" in error.headers:
            problem.headers["Allow"] = error.headers["Allow"]
        return problem
    except Exception as error:
        for kinds, status, title in _PROBLEMS:
            if isinstance(error, kinds):
                return _problem(status, title, str(error))
        log.exception("a request to the control interface failed", method=request.method, path=request.path)
        return _problem(500, "ctportd", f"{type(error).__name__}: {error}")
