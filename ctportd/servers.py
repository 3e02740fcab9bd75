"""One ctserver with all that leads to it: its process where we run it, its manager, its ports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from ctportd.calls.listening import listen_for_dial_tone
from ctportd.calls.routing import Routing
from ctportd.links.classic import ClassicConnection, RingWatch
from ctportd.links.connection import Connection
from ctportd.links.heartbeat import Heartbeat
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.links.supervisor import Supervisor
from ctportd.listeners import ManagerListener, PortListener
from ctportd.parts import PART_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.calls.router import Router
    from ctportd.clock import Clock
    from ctportd.config import CtserverTable, PortTable
    from ctportd.hooks.dispatch import Dispatcher
    from ctportd.links.supervision.search import Search
    from ctportd.parts import Parts

log = structlog.stdlib.get_logger("ctportd.links")


class Host(Protocol):
    """What the ports of all ctservers share.

    Attributes:
        router: Who makes calls of their events.
        dispatcher: Who tells plugins of them.
        parts: Where what runs for them is begun.
    """

    router: Router
    dispatcher: Dispatcher
    parts: Parts


class ServerPort:
    """One port of a ctserver, with what runs for it.

    Args:
        server: Its ctserver.
        table: Its table of the configuration.
        host: What it shares with others.
        clock: Its line's time.
        end_timeout: Seconds that a plugin gets when its call is over.

    Attributes:
        table: As given, or as it is now.
        port: The port.
        listener: Who is told what happens on it.
        connection: What leads to it.
        leaving: Whether it takes no more calls, and goes when the one under way is over.
        gone: Set when it has gone.
    """

    def __init__(self, server: Server, table: PortTable, host: Host, clock: Clock, end_timeout: float) -> None:
        self.table = table
        self.leaving = False
        self.gone = asyncio.Event()
        self._server = server
        self._host = host
        name = f"port {server.name}:{table.number}"
        self.listener = PortListener(host.router, host.dispatcher, name)
        self.connection = server.connection(
            name, server.table.first_port + table.number - 1, table.number, self.listener
        )
        self.port = Port(
            server.name,
            table.number,
            self.connection,
            server.manager,
            name=table.name,
            kind=table.kind,
            dialect=server.table.dialect,
            send_cid=server.table.send_cid,
        )
        self.listener.listen(self.port)
        self._running: list[asyncio.Task[None]] = []
        self._listening: asyncio.Task[None] | None = None
        host.router.add_port(self.port, self._routing(end_timeout), clock)

    def _routing(self, end_timeout: float) -> Routing:
        table = self.table
        return Routing(
            table.handlers,
            caller_id=table.caller_id and self._keyed,  # in the other dialect it comes with the ring
            ring_timeout=table.ring_timeout,
            end_timeout=end_timeout,
            call_limit=table.call_limit or None,
            dial_tone_every=table.dial_tone_every or None,
        )

    @property
    def _keyed(self) -> bool:
        return self._server.table.dialect == "keyed"

    def start(self) -> None:
        """Hold its connection up, and begin what runs beside it."""
        begin = self._host.parts.begin
        self._running.append(begin(self._server.connect(self.connection), self.connection.name))
        if not self._keyed:
            watch = RingWatch(self.port, self.connection, self.listener)
            self._running.append(begin(watch.run(), f"rings of {self.port}"))
        self._listen()

    def _listen(self) -> None:
        line = self._host.router.line(self.port)
        if line.routing.dial_tone_every is not None:
            work = listen_for_dial_tone(line, line.routing.dial_tone_every)
            self._listening = self._host.parts.begin(work, f"dial tone of {self.port}")

    def reroute(self, table: PortTable, end_timeout: float) -> None:
        """Have the next call on it go by what its table says now."""
        every, self.table = self.table.dial_tone_every, table
        self._host.router.line(self.port).routing = self._routing(end_timeout)
        if table.dial_tone_every != every:
            if self._listening is not None:
                self._listening.cancel()
                self._listening = None
            self._listen()

    async def stop(self) -> None:
        """End what runs for it, close its connection, and forget it."""
        listening = [] if self._listening is None else [self._listening]
        await self._host.parts.end(*self._running, *listening)
        self._host.router.remove_port(self.port)
        self.gone.set()


class Server:
    """One ctserver.

    Args:
        table: Its table of the configuration.
        host: What its ports share with those of others.
        command: What runs it; None: it runs elsewhere.
        search: Finds one that runs here already; None: nobody looks.
        late: Whether others are running: then it is none's end if one runs already that may not be used.

    Attributes:
        supervisor: What keeps it running; None where it runs elsewhere.
        manager: The server itself, to be spoken to; None where its dialect knows none.
        ports: Its telephone ports, by their numbers.
        heartbeat: What notices that it answers no more; None where it is not asked.
        leaving: Whether its ports take no more calls, and it goes when those under way are over.
    """

    def __init__(
        self,
        table: CtserverTable,
        host: Host,
        command: Sequence[str] | None,
        search: Search | None = None,
        *,
        late: bool = False,
    ) -> None:
        self.table = table
        self.leaving = False
        self._host = host
        self.supervisor = self._build_supervisor(command, search, late=late) if command is not None else None
        self._serves = asyncio.Event()
        self._serves.set()
        self._managing: Connection | None = None
        self.manager = self._build_manager() if table.dialect == "keyed" else None
        self.ports: dict[int, ServerPort] = {}
        self.heartbeat = self._build_heartbeat()
        self._running: list[asyncio.Task[None]] = []
        self._process: asyncio.Task[None] | None = None

    def _build_supervisor(self, command: Sequence[str], search: Search | None, *, late: bool) -> Supervisor:
        table = self.table
        supervisor = Supervisor(
            table.name,
            command,
            table.start_timeout,
            table.stop_timeout,
            max_restart_delay=table.max_restart_delay,
            search=search,
            existing=table.existing,
            late=late,
        )
        supervisor.tell = self._host.dispatcher.tell
        return supervisor

    def _build_manager(self) -> Manager:
        name = f"manager of {self.name}"
        self._managing = self.connection(name, self.table.manager_port, 0, ManagerListener(name))
        return Manager(self._managing)

    def _build_heartbeat(self) -> Heartbeat | None:
        if self.manager is None or not self.table.heartbeat:
            return None
        return Heartbeat(self.manager, self.table.heartbeat, self.table.heartbeat_timeout, self._give_up)

    def _give_up(self, reason: str) -> None:
        """It answers no more: what waits on its connections fails, they are made anew, and so is it if it is ours."""
        log.error("ctserver does not answer", ctserver=self.name, reason=reason)
        for connection in self.connections:
            connection.reset()
        if self.supervisor is not None:
            self.supervisor.restart(reason)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.table.name

    @property
    def connections(self) -> list[Connection]:
        """Every connection to it."""
        managing = [] if self._managing is None else [self._managing]
        return [*managing, *(port.connection for port in self.ports.values())]

    def connection(
        self, name: str, tcp_port: int, port: int, listener: ManagerListener | PortListener
    ) -> Connection:
        """Build a connection to one of its TCP ports."""
        table = self.table
        return (ClassicConnection if table.dialect == "classic" else Connection)(
            name,
            (table.host, tcp_port),
            port,
            listener,
            reconnect=table.reconnect,
            delays=(table.reconnect_delay, table.max_reconnect_delay),
        )

    async def connect(self, connection: Connection) -> None:
        """Hold a connection up, as soon as the process is ready where it is ours.

        Else a ctserver of somebody else's that has our TCP ports would be taken for ours.
        """
        if self.supervisor is not None:
            await self.supervisor.wait_ready()
        await self._serves.wait()
        await connection.run()

    # -- its life

    def add_port(self, table: PortTable, clock: Clock, end_timeout: float) -> ServerPort:
        """Build one of its ports; ``clock`` is its line's time."""
        port = self.ports[table.number] = ServerPort(self, table, self._host, clock, end_timeout)
        return port

    def start(self) -> None:
        """Begin to run it, if it is ours to run, and to connect to it as soon as its ports are open."""
        begin = self._host.parts.begin
        if self.supervisor is not None:
            within = self.table.stop_timeout + PART_TIMEOUT
            self._process = begin(self.supervisor.run(), f"ctserver {self.name}", within)
        if self._managing is not None:
            self._running.append(begin(self.connect(self._managing), self._managing.name))
        if self.heartbeat is not None:
            self._running.append(begin(self.heartbeat.run(), f"heartbeat of {self.name}"))
        for port in self.ports.values():
            port.start()

    def sort(self, tables: Sequence[PortTable]) -> None:
        """Show its ports in this order, and those that are not among them last."""
        order = {table.number: place for place, table in enumerate(tables)}
        self.ports = dict(sorted(self.ports.items(), key=lambda port: order.get(port[0], len(order))))

    async def remove_port(self, port: ServerPort) -> None:
        """Close the connection of one of its ports, and forget it."""
        await port.stop()
        del self.ports[port.table.number]

    async def read_again(self, search: Search | None) -> None:
        """Have one of ours serve the ports that the configuration's file names now.

        Connections that are made anew wait for that. Does nothing where it is none of ours.

        Args:
            search: Finds one that listens on them.
        """
        if self.supervisor is None:
            return
        self.supervisor.search = search
        if self.table.mode == "virtual":
            self._serves.clear()
            try:
                await self.supervisor.read_again()
            finally:
                self._serves.set()

    async def stop(self, *, for_good: bool = False) -> None:
        """Close every connection to it, and end it, if it is ours.

        Args:
            for_good: Whether one of ours is ended, too, that was found running: another one is to take its place.
        """
        for port in list(self.ports.values()):
            await self.remove_port(port)
        await self._host.parts.end(*self._running)
        if self._process is not None and self.supervisor is not None:
            self.supervisor.end_adopted = for_good and self.table.mode == "virtual"
            await self._host.parts.end(self._process)
