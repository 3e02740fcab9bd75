"""A connection to a ctserver of the classic dialect, and how rings are noticed on it.

There are no events: every line is the reply to the oldest request, and a ring is the reply to a request for one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from ctportd.errors import CtportdError, PortBusy
from ctportd.links.connection import Connection
from ctportd.wire import classic_client
from ctportd.wire.events import CallerId, Ring
from ctportd.wire.lines import LineReader
from ctportd.wire.message import BrokenLine

if TYPE_CHECKING:
    from ctportd.links.connection import Waiting
    from ctportd.links.port import Port
    from ctportd.wire.events import Event
    from ctportd.wire.message import Message, Request

_WAIT_FOR_RING = "ctwaitforring"

_RETRY = 1.0
"""Seconds after which a ring is waited for again when that failed (our figure)."""

log = structlog.stdlib.get_logger("ctportd.links")


class ClassicConnection(Connection):
    """A connection on which replies come in the order of their requests, and nothing else comes."""

    def _can_tell_late(self, cmd: str) -> bool:  # noqa: ARG002 - no reply of this dialect says what it answers
        return False

    def _fence(self, transport: asyncio.Transport) -> None:
        """There is none: after a request that timed out the connection is cut."""

    def _send(self, cmd: str, line: bytes) -> Waiting:
        if self._waiting and self._waiting[0].cmd == _WAIT_FOR_RING:  # it would answer only after the ring
            raise PortBusy(self.name, f"waits for a ring, so {cmd} was not sent: see the classic dialect")
        return super()._send(cmd, line)

    def _broken(self, line: BrokenLine) -> None:
        super()._broken(line)
        if self._waiting:  # it may have been a reply: each later one would be taken for that of the request before
            self.reset()

    def _encode(self, request: Request) -> bytes:
        return classic_client.encode(self.name, request)

    def _begin_decoding(self) -> None:
        self._lines = LineReader()
        self._begun: list[str] = []

    def _decode(self, data: bytes) -> list[Message | BrokenLine]:
        decoded: list[Message | BrokenLine] = []
        waiting = iter([one.cmd for one in self._waiting])
        cmd = next(waiting, None)
        for line in self._lines.feed(data):
            if isinstance(line, BrokenLine) or cmd is None:
                decoded.append(
                    line if isinstance(line, BrokenLine) else BrokenLine("a line that answers nothing", line)
                )
                continue
            self._begun.append(line)
            if len(self._begun) == classic_client.reply_lines(cmd):
                decoded.append(classic_client.message(cmd, self._begun))
                self._begun = []
                cmd = next(waiting, None)
        return decoded


class RingListener(Protocol):
    """Who is told of rings."""

    def event(self, event: Event) -> None:
        """A ring, or who calls."""

    async def idle(self) -> None:
        """Wait until there is no call on the port."""


class RingWatch:
    """Waits for rings on a port of the classic dialect whenever it has nothing else to do."""

    def __init__(self, port: Port, connection: Connection, listener: RingListener) -> None:
        self._port = port
        self._connection = connection
        self._listener = listener

    async def run(self) -> None:
        """Wait for one ring after the other until cancelled."""
        while True:
            await self._connection.wait_connected()
            await self._listener.idle()
            try:
                await self._port.on_hook()  # a call whose connection was cut may have left it off hook
                reply = await self._port.wait_for_ring()
            except CtportdError as error:
                log.warning("cannot wait for a ring", port=str(self._port), error=str(error))
                await asyncio.sleep(_RETRY)
                continue
            number, *name = reply.values or ("",)
            self._listener.event(Ring(port=self._port.number, message=reply.message))
            self._listener.event(
                CallerId(port=self._port.number, message=reply.message, number=number, caller_name=" ".join(name))
            )
