"""Every ctserver and port that the configuration names: begun, ended, and brought in line with it while the daemon runs.

What is to be is compared with what there is. What need not be there any more leaves when its call is over; when it has
left, the two are compared again, so that what takes its place is begun only then, whatever was asked for meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from ctportd.clock import Clock
from ctportd.config.differences import reconnects_port, replaces_server
from ctportd.running import keeping_of, run_command, search_for
from ctportd.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from datetime import datetime

    from ctportd.config import Config, CtserverTable, PortTable
    from ctportd.links.connection import Connection
    from ctportd.links.ports import Ports
    from ctportd.links.supervisor import Supervisor
    from ctportd.servers import Host, ServerPort

log = structlog.stdlib.get_logger("ctportd.links")


class Fleet:
    """All ctservers.

    Args:
        config: Which there are to be.
        host: What their ports share.
        ports: Kept in line with the ports that there are.
        now: Tells the date and time of day, in UTC.

    Attributes:
        servers: Those that there are, those that are leaving among them.
    """

    def __init__(self, config: Config, host: Host, ports: Ports, now: Callable[[], datetime]) -> None:
        self.servers: list[Server] = []
        self._config = config
        self._host = host
        self._ports = ports
        self._now = now
        self._under_way: set[asyncio.Task[None]] = set()
        self._closed = False
        self._made_by: dict[Server, Config] = {}
        for table in config.file.ctserver:
            self._build(table)
        self._sort()

    def _build(self, table: CtserverTable, *, late: bool = False) -> Server:
        config = self._config
        command = run_command(config, table)
        search = search_for(config, table, command) if command else None
        server = Server(table, self._host, command, search, late=late)
        self.servers.append(server)
        self._made_by[server] = config
        for port in config.ports_of(table):
            self._add_port(server, port)
        return server

    def _add_port(self, server: Server, table: PortTable) -> ServerPort:
        clock = Clock(self._config.line_speed(server.table), self._now)
        return server.add_port(table, clock, self._config.file.daemon.end_timeout)

    @property
    def connections(self) -> Iterator[Connection]:
        """Every connection to every ctserver."""
        return (connection for server in self.servers for connection in server.connections)

    # -- its begin and its end

    async def start(self) -> None:
        """Begin all of them, one after the other.

        One that does not start does not keep the others waiting for longer than its ``start_timeout``.
        """
        for server in list(self.servers):
            server.start()
            if server.supervisor is not None:
                await _wait_for_process(server.supervisor, server.table.start_timeout)

    def close(self) -> None:
        """Begin no more: nothing takes the place of what leaves."""
        self._closed = True

    async def stop(self) -> None:
        """End all of them."""
        self.close()
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        for server in reversed(self.servers):
            await server.stop()

    # -- while it runs

    def apply(self, config: Config) -> None:
        """Have what a new configuration says, without touching the rest. Waits for nothing, and raises nothing."""
        self._config = config
        self._settle()

    def _settle(self) -> None:
        """Begin what is to be and is not there; let leave what is there and is not to be."""
        if not self._closed:
            self._begin_and_end()
        self._sort()

    def _begin_and_end(self) -> None:
        wanted = {table.name: table for table in self._config.file.ctserver}
        for server in list(self.servers):
            if server.leaving:
                continue
            table = wanted.get(server.name)
            if table is None or replaces_server(self._made_by[server], server.table, self._config, table):
                server.leaving = True
                self._begin(self._let_server_leave(server))
            else:
                self._settle_ports(server)
        there = {server.name for server in self.servers}
        for name, table in wanted.items():
            if name not in there:
                self._build(table, late=True).start()

    def _settle_ports(self, server: Server) -> None:
        wanted = {table.number: table for table in self._config.ports_of(server.table)}
        before, now = self._made_by[server].file, self._config.file
        others = (before.exchange.folders, keeping_of(before.log)) != (now.exchange.folders, keeping_of(now.log))
        for port in list(server.ports.values()):
            table = wanted.get(port.table.number)
            if port.leaving:
                continue
            if table is None or reconnects_port(port.table, table):
                others = True
                self._begin_port_leaving(server, port)
            else:
                port.reroute(table, self._config.file.daemon.end_timeout)
        new = [table for number, table in wanted.items() if number not in server.ports]
        if new or others:
            self._made_by[server] = self._config
            self._begin(self._read_again(server))
        for table in new:
            self._add_port(server, table).start()

    async def _read_again(self, server: Server) -> None:
        command = run_command(self._config, server.table)
        await server.read_again(None if command is None else search_for(self._config, server.table, command))

    def _sort(self) -> None:
        """Show them in the order of the configuration; what is leaving comes last."""
        order = {table.name: place for place, table in enumerate(self._config.file.ctserver)}
        self.servers.sort(key=lambda server: (server.leaving, order.get(server.name, 0)))
        for server in self.servers:
            server.sort(self._config.ports_of(server.table))
        self._ports.replace(port.port for server in self.servers for port in server.ports.values())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    # -- what leaves

    def _begin_port_leaving(self, server: Server, port: ServerPort) -> None:
        port.leaving = True
        self._begin(self._let_port_leave(server, port))

    async def _let_port_leave(self, server: Server, port: ServerPort) -> None:
        table = self._config.file.daemon
        await self._host.router.see_off(port.port, table.drain_timeout, table.stop_timeout)
        await server.remove_port(port)
        self._settle()

    async def _let_server_leave(self, server: Server) -> None:
        ports = list(server.ports.values())
        for port in ports:
            if not port.leaving:
                self._begin_port_leaving(server, port)
        for port in ports:
            await port.gone.wait()
        await server.stop(for_good=True)
        self.servers.remove(server)
        del self._made_by[server]
        self._settle()


async def _wait_for_process(supervisor: Supervisor, seconds: float) -> None:
    with suppress(TimeoutError):  # the supervisor has told why, and goes on trying
        async with asyncio.timeout(seconds):
            await supervisor.wait_ready()
