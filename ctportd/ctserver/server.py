"""The whole server: ports and their lines, the doors for clients and telephones, the clock."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ctportd.ctserver import VERSION
from ctportd.ctserver.board import Board
from ctportd.ctserver.client import Client
from ctportd.ctserver.clock import LineClock
from ctportd.ctserver.directory import Directory
from ctportd.ctserver.exchange import Exchange
from ctportd.ctserver.folders import Folders
from ctportd.ctserver.room import Room
from ctportd.ctserver.services import Services
from ctportd.ctserver.station import StationLine
from ctportd.ctserver.tones import country_of
from ctportd.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ctportd.ctserver.log import ServerLog
    from ctportd.ctserver.port import Port
    from ctportd.ctserver.settings import Settings

_T = TypeVar("_T")

_CONNECTIONS = 8
"""Clients of one port at a time; a daemon needs one, a person who looks on another."""

_KEEP_ALIVE = {
    socket.TCP_KEEPIDLE: 60,
    socket.TCP_KEEPINTVL: 15,
    socket.TCP_KEEPCNT: 4,
}
"""A client whose machine has gone without a word keeps its port for two minutes, not for ever."""


class Server:
    """A ctserver with its virtual exchange.

    Attributes:
        services: What its ports share.
        clock: The clock of its lines.
    """

    def __init__(self, settings: Settings, log: ServerLog) -> None:
        """Nothing is opened yet.

        Raises:
            ServerError: The settings name an unknown country, or a port twice.
        """
        self._settings = settings
        country = country_of(settings.country)
        playable, recordable = Folders(*settings.play_folders), Folders(*settings.record_folders)
        self.services = Services(country, log, playable, recordable)
        self._directory = Directory()
        self._board = Board(self.services, self._directory, self._listen_for, self._leave)
        for line in settings.lines:
            self._board.add(line)
        self.clock = LineClock(self._tick, settings.speed)
        lines = self._board.lines
        self._exchange = Exchange(lines, self._directory, settings.speed, VERSION, self.services.log)
        self._manager: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], Port | None] = {}
        self._rooms: dict[Port | None, Room] = {}
        self._ticking: asyncio.Task[None] | None = None

    def _tick(self) -> None:
        self._board.tick()
        self._directory.tick()

    async def open(self) -> None:
        """Listen on every TCP port, and start the clock.

        Raises:
            ServerError: One of the ports cannot be had; the message names it. What was opened is closed.
        """
        settings = self._settings
        try:
            await self._board.open()
            self._manager = await self._listen(settings.manager_port, None)
            exchange = self._exchange.open(settings.exchange_host, settings.exchange_port)
            await _bound(exchange, settings.exchange_host, settings.exchange_port)
        except ServerError:
            await self.close()
            raise
        self._ticking = asyncio.create_task(self.clock.run())

    async def serve(self, settings: Settings) -> list[ServerError]:
        """Serve these lines from now on, and files in these folders, and keep so many logs; nothing else can change.

        Calls on other lines do not notice. A line that is to go, or to be another one, goes when its call is over.

        Returns:
            What is wrong with the lines that cannot be served.
        """
        self.services.sounds.folders.replace(*settings.play_folders)
        self.services.recordable.replace(*settings.record_folders)
        self.services.server_log.keep(settings.log_keeping)
        self._exchange.make_room(len(settings.lines))
        return await self._board.serve(settings.lines)

    async def _listen_for(self, port: Port) -> asyncio.Server:
        return await self._listen(self._settings.first_port + port.handle, port)

    async def _listen(self, tcp_port: int, port: Port | None) -> asyncio.Server:
        host = self._settings.host
        return await _bound(asyncio.start_server(partial(self._accept, port), host, tcp_port), host, tcp_port)

    def _leave(self, port: Port) -> None:
        """A port is no more: neither are its clients' connections."""
        self._rooms.pop(port, None)
        for client, of in self._clients.items():
            if of is port:
                client.cancel()

    def _accept(self, port: Port | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection: let it in, or turn it away."""
        room = self._rooms.setdefault(port, Room(_CONNECTIONS, time.monotonic))
        visitor = room.enter(partial(self._put_out, port, writer))
        if visitor is None:
            self.services.log.warning("too many connections", port=_number(port))
            writer.transport.abort()
            return
        _keep_alive(writer)
        client = Client(reader, writer, port, self.services, visitor.asked)
        visitor.busy = client.busy
        attending = asyncio.create_task(self._attend(port, client))
        attending.add_done_callback(lambda _: room.leave(visitor))
        attending.add_done_callback(self._clients.pop)
        self._clients[attending] = port

    async def _attend(self, port: Port | None, client: Client) -> None:
        """One connection, from its first byte to its last."""
        if port is None:
            await client.run()
            return
        port.listeners.append(client)
        try:
            await client.run()
        finally:
            self._left(port, client)

    def _put_out(self, port: Port | None, writer: asyncio.StreamWriter) -> None:
        self.services.log.warning("a silent connection makes room for another", port=_number(port))
        writer.transport.abort()

    def _left(self, port: Port, client: Client) -> None:
        """A client is gone; a call that nobody serves any more ends, so that nobody waits, or is rung, in vain."""
        port.listeners.remove(client)
        if not port.listeners and (port.line.off_hook or _rings(port)):
            self.services.log.warning("the last client left during a call", port=port.number)
            port.reset()

    async def close(self) -> None:
        """End in order: calls are told, recordings are completed, everything is closed."""
        if self._manager is not None:
            self._manager.close()
        self._board.close()
        self._directory.close()
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await self._exchange.close()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await asyncio.to_thread(self.services.disk.close)


def _rings(port: Port) -> bool:
    """Whether the port rings its set, which nobody would stop any more."""
    return isinstance(port.line, StationLine) and port.line.ringing


def _number(port: Port | None) -> int:
    """A port as the log names it; the manager is 0."""
    return 0 if port is None else port.number


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


async def _bound(opening: Awaitable[_T], host: str, port: int) -> _T:
    """Open a door.

    Raises:
        ServerError: The TCP port cannot be had.
    """
    try:
        return await opening
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServerError(f"{host}:{port}: Address already in use") from error
        raise ServerError(f"{host}:{port}: {error.strerror or error}") from error
