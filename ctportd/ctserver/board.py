"""The ports that the server has: those of its settings, which may be others while it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.ctserver.port import Port
from ctportd.ctserver.station import StationLine
from ctportd.ctserver.trunk import TrunkLine
from ctportd.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ctportd.ctserver.directory import Directory
    from ctportd.ctserver.services import Services
    from ctportd.ctserver.settings import LineSettings


class Board:
    """Ports with their lines and the doors for their clients.

    A port that is to be no more, or to be another one, lets nobody in any more, and goes when nothing is on its line;
    then what is to be in its place comes.

    Args:
        services: What the ports share; its ``ports`` are kept in line with this.
        directory: Whom trunk lines can dial.
        listen: Opens the door for a port's clients.
        leave: Ends the connections of a port's clients.

    Attributes:
        lines: The line of each port.
    """

    def __init__(
        self,
        services: Services,
        directory: Directory,
        listen: Callable[[Port], Awaitable[asyncio.Server]],
        leave: Callable[[Port], None],
    ) -> None:
        self.lines: dict[int, TrunkLine | StationLine] = {}
        self._services = services
        self._directory = directory
        self._listen = listen
        self._leave = leave
        self._made_of: dict[int, LineSettings] = {}
        self._wanted: dict[int, LineSettings] = {}
        self._doors: dict[int, asyncio.Server] = {}
        self._leaving: set[int] = set()
        self._turn = asyncio.Lock()
        self._settling: asyncio.Task[None] | None = None

    def add(self, settings: LineSettings) -> None:
        """Have a port, which nobody can reach yet.

        Raises:
            ServerError: There is one of its number, or its own telephone number is somebody's.
        """
        number = settings.number
        if number in self.lines:
            raise ServerError(f"there are two lines with the number {number}")
        port = Port(number, self._services.log)
        port.line = self.lines[number] = self._line(settings, port)
        port.on_hook = self._services.switchboard.leave
        self._services.ports[number] = port
        self._made_of[number] = self._wanted[number] = settings

    def _line(self, settings: LineSettings, port: Port) -> TrunkLine | StationLine:
        country = self._services.country
        if settings.kind == "station":
            return StationLine(settings.number, port.notice, country)
        try:
            return TrunkLine(settings.number, port.notice, country, self._directory, settings.name)
        except ValueError as error:
            raise ServerError(f"line {settings.number}: {error}") from error

    async def open(self) -> None:
        """Let clients in to every port.

        Raises:
            ServerError: A TCP port cannot be had.
        """
        for number, port in self._services.ports.items():
            self._doors[number] = await self._listen(port)

    def tick(self) -> None:
        """20 ms go by on all lines."""
        for line in self.lines.values():
            line.tick()
        if any(self.lines[number].state == "idle" for number in self._leaving) and self._settling is None:
            self._settling = asyncio.create_task(self._settle_later())

    async def _settle_later(self) -> None:
        try:
            for error in await self._settle():
                self._services.log.error("a port cannot be served", error=str(error))
        finally:
            self._settling = None

    async def serve(self, lines: Iterable[LineSettings]) -> list[ServerError]:
        """Serve these from now on. Returns what is wrong with those that cannot be served."""
        self._wanted = {line.number: line for line in lines}
        return await self._settle()

    async def _settle(self) -> list[ServerError]:
        async with self._turn:
            for number, line in list(self.lines.items()):
                if self._wanted.get(number) != self._made_of[number]:
                    self._doors[number].close()
                    self._leaving.add(number)
                    if line.state == "idle":
                        self._remove(number)
            problems = []
            for number in self._wanted.keys() - self.lines.keys():
                try:
                    self.add(self._wanted[number])
                    self._doors[number] = await self._listen(self._services.ports[number])
                except ServerError as error:
                    problems.append(error)
                    self._remove(number)
            return problems

    def _remove(self, number: int) -> None:
        """Have a port no more; what cannot be served is not tried again before the settings are read again."""
        line = self.lines.pop(number, None)
        if line is None:
            self._wanted.pop(number, None)
            return
        self._leaving.discard(number)
        line.close()
        port = self._services.ports.pop(number)
        self._leave(port)
        del self._made_of[number]
        self._doors.pop(number, None)

    def close(self) -> None:
        """Let nobody in any more; calls are told that it is over."""
        if self._settling is not None:
            self._settling.cancel()
        for door in self._doors.values():
            door.close()
        for line in self.lines.values():
            line.close()
