"""The control interface's server: HTTP with JSON on a Unix socket, so that ``curl --unix-socket`` works.

What it serves are :class:`~ctportd.control.routes.Route`; an error is one of :mod:`ctportd.control.problems`. A route
whose function returns a :class:`~ctportd.control.streaming.Streamed` is answered with server-sent events.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

import msgspec
import structlog
from aiohttp import web

from ctportd.control.answers import FileAnswer
from ctportd.control.encoding import as_json
from ctportd.control.problems import CONTENT_TYPE, WrongBodyError, kind_of, kind_of_status, problem_of
from ctportd.control.streaming import Streamed, Streams
from ctportd.errors import ControlError, InvalidArgument
from ctportd.nearest import no_such
from ctportd.webdoor import WebDoor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from ctportd.control.problems import Kind
    from ctportd.control.routes import Route

log = structlog.stdlib.get_logger("ctportd.control")

_MODE = 0o660  # the daemon's user and group
_LONGEST_PATH = 107  # bytes of a Unix socket's path, by sockaddr_un

_CONNECTIONS = 64
"""At a time: a program for each port of a large system, and people; each may wait for a request that takes long."""

_PATIENCE = 10.0
"""Seconds in which a connection has to say what it wants."""

SINCE = "since"
"""The parameter of a stream that says after which event it goes on; a browser says so in a header."""

_LAST_ID = "Last-Event-ID"

_LONGEST_BODY = 64 * 1024
"""Bytes of a request: a line of ctserver's protocol has no more either."""


_NO_TEXT = re.compile("[\\0\ud800-\udfff]")
"""What no database takes."""


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
        self._streams = Streams()
        app = web.Application(middlewares=[_problems, self._settled], client_max_size=_LONGEST_BODY)
        for route in routes:
            handler = _handler(route, target, self._streams)
            app.router.add_route(route.method, route.path, handler)
            if route.method == "GET":
                app.router.add_route("HEAD", route.path, handler)
        self._door = WebDoor(app, _CONNECTIONS, _PATIENCE, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        listening = await asyncio.to_thread(_listen, self._path)
        await self._door.open_socket(listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._streams.close()
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
            with closing(writer), suppress(ConnectionError):  # where all places are taken, it is sent away
                writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
                await reader.read()  # whatever it answers

    @web.middleware
    async def _settled(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Requests whose body is there; until then its connection is one that has not said what it wants."""
        await request.read()
        with self._door.serving(request):
            return await handler(request)


def _handler(
    route: Route, target: object, streams: Streams
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        parameters = _parameters(route, request)
        answer = await route.handle(target, parameters, _body(route, await request.read()))
        if isinstance(answer, Streamed):
            return await streams.serve(answer, request)
        if isinstance(answer, FileAnswer):
            return await _file(answer, request)
        return _json(answer)

    return handle


def _body(route: Route, body: bytes) -> msgspec.Struct:
    try:
        return msgspec.json.decode(body or _no_body(route), type=route.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WrongBodyError(str(error)) from error


def _parameters(route: Route, request: web.Request) -> msgspec.Struct:
    """Those of the path and of the query, each by its type."""
    in_query = [name for name in route.parameters.__struct_fields__ if name not in route.in_path]
    for name in request.query:
        if name not in in_query:
            raise InvalidArgument(route.path, name, f"is not known: {no_such('parameter', name, in_query)}")
        if len(request.query.getall(name)) > 1:
            raise InvalidArgument(route.path, name, "is given more than once")
    given = {**request.query, **request.match_info}
    if _LAST_ID in request.headers and SINCE in in_query:  # a browser that lost a stream adds it to the same query
        given[SINCE] = request.headers[_LAST_ID]
    for name, value in given.items():
        if _NO_TEXT.search(value):
            raise InvalidArgument(route.path, name, "holds what is no text: bytes that are no UTF-8, or a zero")
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
    return web.Response(body=as_json(data), status=status, content_type=content_type)


async def _file(answer: FileAnswer, request: web.Request) -> web.FileResponse:
    size = (await asyncio.to_thread(answer.path.stat)).st_size
    try:
        first = request.http_range.start or 0
    except ValueError:
        first = size
    if first >= size:
        refused = web.HTTPRequestRangeNotSatisfiable()
        refused.headers["Content-Range"] = f"bytes */{size}"
        raise refused
    return web.FileResponse(
        answer.path,
        headers={
            "Content-Type": answer.content_type,
            "Content-Disposition": f'attachment; filename="{answer.name}"',
        },
    )


def _problem(kind: Kind, detail: str, request: web.Request) -> web.Response:
    return _json(problem_of(kind, detail, request.rel_url.raw_path), kind.status, CONTENT_TYPE)


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Errors as problems."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        kind = kind_of_status(error.status) or kind_of(error)
        problem = _problem(kind, f"{request.method} {request.path}: {kind.meaning}", request)
        for name in ("Allow", "Content-Range"):
            if name in error.headers:
                problem.headers[name] = error.headers[name]
        return problem
    except Exception as error:
        kind = kind_of(error)
        if kind.name != "bug":
            return _problem(kind, str(error), request)
        log.exception("a request to the control interface failed", method=request.method, path=request.path)
        return _problem(kind, f"{type(error).__name__}: {error}", request)
