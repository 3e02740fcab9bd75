"""One ctserver with all that leads to it: its process where we run it, its manager, its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.calls.line import Routing
from ctportd.links.connection import Connection
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


class Server:
    """One ctserver.

    Args:
        table: Its table of the configuration.
        command: What runs it; None: it runs elsewhere.

    Attributes:
        supervisor: What keeps it running; None where it runs elsewhere.
        manager: The server itself, to be spoken to.
        connections: Every connection to it.
        ports: Its telephone ports, and who listens to each.
    """

    def __init__(self, table: CtserverTable, command: Sequence[str] | None) -> None:
        self.table = table
        self.supervisor = (
            Supervisor(table.name, command, table.start_timeout, table.stop_timeout)
            if command is not None
            else None
        )
        listener = ManagerListener(f"manager of {table.name}")
        connection = self._connection(f"manager of {table.name}", table.manager_port, 0, listener)
        self.manager = Manager(connection)
        self.connections = [connection]
        self.ports: dict[Port, PortListener] = {}

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.table.name

    def add_port(self, table: PortTable, router: Router, dispatcher: Dispatcher, clock: Clock) -> None:
        """Build one of its ports."""
        address = f"{self.name}:{table.number}"
        listener = PortListener(router, dispatcher, f"port {address}")
        tcp_port = self.table.first_port + table.number - 1
        connection = self._connection(f"port {address}", tcp_port, table.number, listener)
        port = Port(self.name, table.number, connection, self.manager, name=table.name, kind=table.kind)
        listener.listen(port)
        self.connections.append(connection)
        self.ports[port] = listener
        routing = Routing(table.handlers, caller_id=table.caller_id, ring_timeout=table.ring_timeout)
        router.add_port(port, routing, clock)

    def _connection(
        self, name: str, tcp_port: int, port: int, listener: ManagerListener | PortListener
    ) -> Connection:
        table = self.table
        return Connection(
            name,
            (table.host, tcp_port),
            port,
            listener,
            reconnect=table.reconnect,
            delays=(table.reconnect_delay, table.max_reconnect_delay),
        )
