"""A web server that lets in no more connections than it has places, and none that are silent for long."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http import HttpProcessingError

from ctportd.door import Door

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from ctportd.door import Guest

_LONGEST_HEADER = 4096  # bytes of one line of a request's head
_HEADERS = 32  # and how many of them; together what a stranger may have kept in memory
_BACKLOG = 64  # connections that the kernel holds before we take them, and that we take at once


class _NoNonsense(logging.Filter):
    """Strangers' bytes that are no HTTP fill no log with our tracebacks; what fails in a handler is told."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be told."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, HttpProcessingError)


_log = logging.getLogger("ctportd.web")
_log.addFilter(_NoNonsense())


class WebDoor:
    """Serves an application, for a bounded number of connections.

    A connection takes its place when it is made, long before it has said what it wants in HTTP. It is ended when it
    has not been served within ``patience`` seconds, or as soon as its place is needed while it is not: the one that has
    waited for longest goes. A handler says with :meth:`serving` that its connection is in earnest.

    Args:
        app: What is served.
        places: Connections at a time.
        patience: Seconds that one may take to say what it wants; also between two requests.
        shutdown_timeout: Seconds that handlers have to end when the server is closed.
    """

    def __init__(self, app: web.Application, places: int, patience: float, shutdown_timeout: float) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log,
            handle_signals=False,
            shutdown_timeout=shutdown_timeout,
            keepalive_timeout=patience,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            max_headers=_HEADERS,
        )
        self._door = Door(places)
        self._patience = patience
        self._server: asyncio.Server | None = None

    @property
    def taken(self) -> int:
        """How many connections there are."""
        return self._door.taken

    @property
    def places(self) -> int:
        """How many connections there may be at a time; nobody is sent away when they become fewer."""
        return self._door.places

    @places.setter
    def places(self, places: int) -> None:
        self._door.places = places

    async def open_tcp(self, host: str, port: int) -> None:
        """Listen on a TCP port.

        Raises:
            OSError: It cannot be had.
        """
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port, backlog=_BACKLOG)

    async def open_socket(self, listening: socket.socket) -> None:
        """Listen on a socket, which is closed with this."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=listening, backlog=_BACKLOG)

    async def move_to(self, listening: socket.socket) -> None:
        """Listen on another socket instead; the connections that there are go on."""
        if self._server is not None:
            self._server.close()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=listening, backlog=_BACKLOG)

    async def close(self) -> None:
        """Listen no more; the connections that are left end."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _protocol(self) -> asyncio.Protocol:
        """What takes the next connection."""
        make = self._runner.server
        if make is None:  # it closes
            return asyncio.Protocol()
        return _Connection(make, self._door, self._patience)

    @contextmanager
    def serving(self, request: web.Request) -> Iterator[None]:
        """Nobody ends the connection of this request for a newcomer's sake, nor for its silence, in the block."""
        connection = None if request.transport is None else request.transport.get_protocol()
        if not isinstance(connection, _Connection):  # it is gone already
            yield
            return
        connection.settle()
        try:
            yield
        finally:
            connection.unsettle()


class _Connection(asyncio.Protocol):
    """One connection: aiohttp's protocol, once there is a place for it."""

    def __init__(self, make: Callable[[], asyncio.Protocol], door: Door, patience: float) -> None:
        self._make = make
        self._door = door
        self._patience = patience
        self._guest: Guest | None = None
        self._inner: asyncio.Protocol = asyncio.Protocol()
        self._transport: asyncio.BaseTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def settle(self) -> None:
        """It says what it wants, and is being served."""
        self._cancel_timer()
        if self._guest is not None:
            self._guest.settled = True

    def unsettle(self) -> None:
        """It was served; what it may say next is awaited for some time."""
        if self._guest is not None:
            self._guest.settled = False
            self._await_word()

    def _await_word(self) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._put_out)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _put_out(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    # what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or go."""
        self._transport = transport
        self._guest = self._door.enter(self._put_out)
        if self._guest is None:
            self._put_out()
            return
        self._inner = self._make()
        self._inner.connection_made(transport)
        self._await_word()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place."""
        self._cancel_timer()
        if self._guest is not None:
            self._door.leave(self._guest)
            self._guest = None
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()
