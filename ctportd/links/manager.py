"""The manager connection: requests to the server itself, and messages to any port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.links.reply import reply_of
from ctportd.wire.message import MANAGER_HANDLE
from ctportd.wire.requests import request_named

if TYPE_CHECKING:
    from ctportd.fates import Fates
    from ctportd.links.connection import Connection
    from ctportd.links.reply import Reply

MANAGER_PORT = 0
"""The telephone port that an event on the manager's connection is said to be of."""


class Manager:
    """The server itself, as its manager connection speaks to it. Errors are those of a port's requests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connected(self) -> bool:
        """Whether the server can be spoken to now."""
        return self._connection.connected

    @property
    def fates(self) -> Fates:
        """What became of the requests that were asked of the server itself."""
        return self._connection.fates

    async def wait_connected(self) -> None:
        """Wait until the server can be spoken to."""
        await self._connection.wait_connected()

    async def request(self, name: str, *values: object) -> Reply:
        """Send any request by its name, such as ``ser_version``, with its arguments."""
        spec = request_named(name)
        request = spec.build(MANAGER_HANDLE, values)
        message = await self._connection.request(request, spec.time_limit(request.args))
        return reply_of(message, MANAGER_PORT)

    async def server_version(self) -> str:
        """The server's version."""
        return " ".join((await self.request("ser_version")).values)

    async def roll_log(self) -> None:
        """Have the server close its log and open a new one."""
        await self.request("roll_log")

    async def shutdown(self) -> None:
        """Have the server stop."""
        await self.request("shutdown")

    async def send_event(self, port: int, *words: str) -> None:
        """Send a message of one to nine words to a port; it interrupts what blocks the port."""
        await self.request("send_event", port, *words)

    async def port_status(self, port: int) -> Reply:
        """Ask for a port's state. The values of the reply are port, state and script name."""
        return await self.request("port_status", port)
