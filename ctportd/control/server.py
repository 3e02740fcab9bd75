"""The control interface's server: HTTP with JSON on a Unix socket, so that ``curl --unix-socket`` works.

| path | method | what it does |
|---|---|---|
| /v1/status | GET | the daemon, its ports, calls and plugins |
| /v1/rotate | POST | rolls the logs |
| /v1/stop | POST | begins to stop; answers at once. ``{"now": true}`` ends the calls under way at once |
| /v1/ports/{port}/requests | POST | sends one request of ctserver: ``{"name": "play", "arguments": ["beep"]}`` |
| /v1/messages/{id} | POST | deletes, restores, purges or moves a message: ``{"action": "move", "folder": "Work"}`` |

An error is ``application/problem+json`` with ``title``, ``status`` and ``detail``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import msgspec
import structlog
from aiohttp import web

from ctportd.errors import ControlError, CtportdError, InvalidArgument, LinkError, NotSupported, PromptNotFound
from ctportd.webdoor import WebDoor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from ctportd.links.reply import Reply
    from ctportd.status import Rotated, Status

log = structlog.stdlib.get_logger("ctportd.control")

_MODE = 0o660  # the daemon's user and group
_LONGEST_PATH = 107  # bytes of a Unix socket's path, by sockaddr_un

_CONNECTIONS = 64
"""At a time: a program for each port of a large system, and people; each may wait for a request that takes long."""

_PATIENCE = 10.0
"""Seconds in which a connection has to say what it wants."""

_LONGEST_BODY = 64 * 1024
"""Bytes of a request: a line of ctserver's protocol has no more either."""


class Controls(Protocol):
    """What can be done with a running daemon."""

    def stop(self) -> None:
        """Begin to stop, with some time for the calls under way."""

    def stop_now(self) -> None:
        """Begin to stop, and end the calls under way at once."""

    async def status(self) -> Status:
        """What it is and does."""

    async def rotate(self) -> Rotated:
        """Roll the logs."""

    async def file_message(self, id: int, action: str, folder: str) -> str:  # noqa: A002 - what it is called
        """Delete, restore, purge or move a message; returns its folder, empty where it is gone."""

    async def request(self, port: str, name: str, arguments: Sequence[str]) -> Reply:
        """Send one request to a port."""


class RequestBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request to a port."""

    name: str
    arguments: list[str] = []


class MessageBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request about a message."""

    action: Literal["delete", "restore", "purge", "move"]
    folder: str = ""


class StopBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request to stop, which may be left out."""

    now: bool = False


class ControlServer:
    """Serves the control interface as long as its ``async with`` block lasts.

    Raises:
        ControlError: Another daemon answers on the socket, or it cannot be made.
    """

    def __init__(self, controls: Controls, path: Path) -> None:
        self._controls = controls
        self._path = path
        app = web.Application(middlewares=[_problems, self._settled], client_max_size=_LONGEST_BODY)
        app.router.add_get("/v1/status", self._status)
        app.router.add_post("/v1/rotate", self._rotate)
        app.router.add_post("/v1/stop", self._stop)
        app.router.add_post("/v1/messages/{id:[0-9]{1,18}}", self._file_message)
        app.router.add_post("/v1/ports/{port}/requests", self._request)
        self._door = WebDoor(app, _CONNECTIONS, _PATIENCE, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        listening = await asyncio.to_thread(_listen, self._path)
        await self._door.open_socket(listening)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._door.close()
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    @web.middleware
    async def _settled(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Requests whose body is there; until then its connection is one that has not said what it wants."""
        await request.read()
        with self._door.serving(request):
            return await handler(request)

    async def _status(self, _request: web.Request) -> web.Response:
        return _json(await self._controls.status())

    async def _rotate(self, _request: web.Request) -> web.Response:
        return _json(await self._controls.rotate())

    async def _stop(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read() or b"{}", type=StopBody)
        if body.now:
            self._controls.stop_now()
        else:
            self._controls.stop()
        return _json({"state": "stopping"})

    async def _file_message(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=MessageBody)
        folder = await self._controls.file_message(int(request.match_info["id"]), body.action, body.folder)
        return _json({"folder": folder})

    async def _request(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=RequestBody)
        reply = await self._controls.request(request.match_info["port"], body.name, body.arguments)
        event = reply.event
        told = {
            "status": reply.message.status,
            "values": reply.values,
            "event": event.name if event else None,
            "line": reply.message.raw,
        }
        return _json(told)


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
    ((NotSupported,), 501, "Not in this dialect"),
    ((LinkError,), 502, "ctserver"),
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
