"""One ctserver with all that leads to it: its process where we run it, its manager, its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from ctportd.calls.routing import Routing
from ctportd.links.classic import ClassicConnection, RingWatch
from ctportd.links.connection import Connection
from ctportd.links.heartbeat import Heartbeat
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.links.supervisor import Supervisor
from ctportd.listeners import ManagerListener, PortListener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.calls.router import Router
    from ctportd.clock import Clock
    from ctportd.config import CtserverTable, PortTable
    from ctportd.hooks.dispatch import Dispatcher
    from ctportd.links.supervision.search import Search

log = structlog.stdlib.get_logger("ctportd.links")


class Host(Protocol):
    """What the ports of all ctservers share.

    Attributes:
        router: Who makes calls of their events.
        dispatcher: Who tells plugins of them.
        end_timeout: Seconds that a plugin gets when its call is over.
    """

    router: Router
    dispatcher: Dispatcher
    end_timeout: float


class Server:
    """One ctserver.

    Args:
        table: Its table of the configuration.
        command: What runs it; None: it runs elsewhere.
        search: Finds one that runs here already; None: nobody looks.

    Attributes:
        supervisor: What keeps it running; None where it runs elsewhere.
        manager: The server itself, to be spoken to; None where its dialect knows none.
        connections: Every connection to it.
        ports: Its telephone ports, and who listens to each.
        ring_watches: What notices rings where the dialect knows no events.
        heartbeat: What notices that it answers no more; None where it is not asked.
    """

    def __init__(self, table: CtserverTable, command: Sequence[str] | None, search: Search | None = None) -> None:
        self.table = table
        self.supervisor = self._build_supervisor(command, search) if command is not None else None
        self.connections: list[Connection] = []
        self.manager = self._build_manager() if table.dialect == "keyed" else None
        self.ports: dict[Port, PortListener] = {}
        self.ring_watches: list[RingWatch] = []
        self.heartbeat = self._build_heartbeat()

    def _build_supervisor(self, command: Sequence[str], search: Search | None) -> Supervisor:
        table = self.table
        return Supervisor(
            table.name,
            command,
            table.start_timeout,
            table.stop_timeout,
            max_restart_delay=table.max_restart_delay,
            search=search,
            existing=table.existing,
        )

    def _build_manager(self) -> Manager:
        name = f"manager of {self.name}"
        return Manager(self._connect(name, self.table.manager_port, 0, ManagerListener(name)))

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

    def add_port(self, table: PortTable, host: Host, clock: Clock) -> None:
        """Build one of its ports; ``clock`` is its line's time."""
        name = f"port {self.name}:{table.number}"
        listener = PortListener(host.router, host.dispatcher, name)
        connection = self._connect(name, self.table.first_port + table.number - 1, table.number, listener)
        server = self.table
        port = Port(
            self.name,
            table.number,
            connection,
            self.manager,
            name=table.name,
            kind=table.kind,
            dialect=server.dialect,
            send_cid=server.send_cid,
        )
        listener.listen(port)
        self.ports[port] = listener
        keyed = server.dialect == "keyed"
        if not keyed:
            self.ring_watches.append(RingWatch(port, connection, listener))
        caller_id = table.caller_id and keyed  # in the other dialect it comes with the ring
        routing = Routing(
            table.handlers,
            caller_id=caller_id,
            ring_timeout=table.ring_timeout,
            end_timeout=host.end_timeout,
            call_limit=table.call_limit or None,
            dial_tone_every=table.dial_tone_every or None,
        )
        host.router.add_port(port, routing, clock)

    async def connect(self, connection: Connection) -> None:
        """Hold a connection up, as soon as the process is ready where it is ours.

        Else a ctserver of somebody else's that has our TCP ports would be taken for ours.
        """
        if self.supervisor is not None:
            await self.supervisor.wait_ready()
        await connection.run()

    def _connect(
        self, name: str, tcp_port: int, port: int, listener: ManagerListener | PortListener
    ) -> Connection:
        table = self.table
        connection = (ClassicConnection if table.dialect == "classic" else Connection)(
            name,
            (table.host, tcp_port),
            port,
            listener,
            reconnect=table.reconnect,
            delays=(table.reconnect_delay, table.max_reconnect_delay),
        )
        self.connections.append(connection)
        return connection
