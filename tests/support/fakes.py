"""Fakes of what stands around the code under test, without any I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ctportd.links.connection import Connection
from ctportd.wire.keyed import Decoder, encode_message, parse_request
from ctportd.wire.message import BrokenLine, Message, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.errors import ConnectFailed
    from ctportd.wire.events import Event


class FakeSocket:
    """Takes the options that are set on it."""

    def __init__(self) -> None:
        self.options: list[tuple[int, int, int]] = []

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Remember."""
        self.options.append((level, option, value))


class FakeTransport(asyncio.Transport):
    """A TCP connection whose far end is the test."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"socket": FakeSocket()})
        self.sent = b""
        self._protocol = protocol
        self._closed = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Remember what was sent."""
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Close from this side."""
        self._closed = True

    def abort(self) -> None:
        """Cut it at once; what is lost is told as soon as the loop turns."""
        self.aborted = True
        self._closed = True
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def lose(self, error: Exception | None = None) -> None:
        """Close from the far side, or break."""
        self._closed = True
        self._protocol.connection_lost(error)

    @property
    def requests(self) -> list[Request]:
        """What was sent, as the server reads it."""
        decoded = Decoder(parse_request).feed(self.sent)
        return [request for request in decoded if not isinstance(request, BrokenLine)]


class Recorder:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.events: list[Event] = []
        self.strays: list[Message | BrokenLine] = []

    def connected(self) -> None:
        """Remember."""
        self.told.append(("connected", None))

    def disconnected(self, reason: str, retry_in: float | None) -> None:
        """Remember."""
        self.told.append(("disconnected", (reason, retry_in)))

    def connect_failed(self, error: ConnectFailed, retry_in: float) -> None:
        """Remember."""
        self.told.append(("connect_failed", (str(error), retry_in)))

    def event(self, event: Event) -> None:
        """Remember."""
        self.events.append(event)

    def stray(self, line: Message | BrokenLine) -> None:
        """Remember."""
        self.strays.append(line)


class FakeNetwork(Connection):
    """A connection whose far end is the test.

    Attributes:
        transports: One for each time that it connected.
        refusals: How many of the next attempts are refused.
    """

    def __init__(self, name: str, port: int, listener: Any, **options: Any) -> None:
        super().__init__(name, ("192.0.2.1", 1199 + port), port, listener, **options)
        self.transports: list[FakeTransport] = []
        self.refusals = 0

    async def _open(self, host: str, tcp_port: int) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise ConnectionRefusedError(111, "Connection refused")
        self.connect()

    def connect(self) -> FakeTransport:
        """Be connected at once."""
        transport = FakeTransport(self)
        self.transports.append(transport)
        self.connection_made(transport)
        return transport

    @property
    def transport(self) -> FakeTransport:
        """The connection of now."""
        return self.transports[-1]

    def say(self, *lines: str) -> None:
        """Have ctserver send these lines."""
        for line in lines:
            self.data_received(line.encode() + b"\n\0")


class AnsweringNetwork(FakeNetwork):
    """A connection whose far end answers every request, as ``answer`` says: by default with OK at once."""

    def __init__(
        self, name: str, port: int, listener: Any, answer: Callable[[Request], list[Message]] | None = None
    ) -> None:
        super().__init__(name, port, listener)
        self.requests: list[Request] = []
        self.answer = answer or ok

    def connect(self) -> FakeTransport:
        """Be connected at once, to a server that answers."""
        transport = super().connect()
        decoder = Decoder(parse_request)

        def write(data: bytes | bytearray | memoryview) -> None:
            for request in decoder.feed(bytes(data)):
                assert isinstance(request, Request)
                self.requests.append(request)
                for message in self.answer(request):
                    asyncio.get_running_loop().call_soon(self.data_received, encode_message(message))

        transport.write = write  # type: ignore[method-assign]
        return transport


def ok(request: Request, *values: str) -> list[Message]:
    """The reply of a request that was carried out."""
    return [Message(request.cmd, request.src, request.dst, ("OK", *values))]


async def settle(rounds: int = 50) -> None:
    """Let everything that can happen now happen."""
    for _ in range(rounds):
        await asyncio.sleep(0)
