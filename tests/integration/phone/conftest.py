"""Our own ctserver as a process, and a raw TCP client that drives a port of it, as a daemon would."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import TYPE_CHECKING

import pytest

from ctportd.testing.setup import free_ports
from ctportd.wire.events import is_reply
from ctportd.wire.keyed import Decoder, encode_request, parse_message
from ctportd.wire.message import Message, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SPEED = 50.0

_SERVE = f"""
import asyncio, sys
from pathlib import Path
from ctportd.ctserver.run import serve
from ctportd.ctserver.settings import LineSettings, Settings
first = int(sys.argv[1])
settings = Settings(
    first_port=first + 2, manager_port=first, exchange_port=first + 1,
    lines=(LineSettings(1), LineSettings(2)), speed={_SPEED}, log=Path(sys.argv[2]),
)
asyncio.run(serve(settings, lambda: settings))
"""


class Driver:
    """A client of one port: asks, and waits for replies and events in the order in which they come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: int) -> None:
        self._reader = reader
        self._writer = writer
        self._handle = handle
        self._decoder = Decoder(parse_message)
        self._messages: deque[Message] = deque()

    async def ask(self, cmd: str, *args: object) -> tuple[str, ...]:
        """Send a request; the arguments of its reply."""
        self._writer.write(encode_request(Request(cmd, self._handle, self._handle, tuple(map(str, args)))))
        while not is_reply(message := await self._next(), cmd):
            pass
        return message.args

    async def event(self, name: str) -> tuple[str, ...]:
        """The payload of the next event of this name."""
        while (message := await self._next()).rly != name:
            pass
        return message.args[1:]

    async def _next(self) -> Message:
        while not self._messages:
            async with asyncio.timeout(20):
                data = await self._reader.read(65536)
            assert data, "ctserver closed the connection"
            self._messages.extend(got for got in self._decoder.feed(data) if isinstance(got, Message))
        return self._messages.popleft()


class CtServer:
    """The running server.

    Attributes:
        url: Where telephones find its exchange.
        process: The server itself.
    """

    def __init__(self, first: int, process: asyncio.subprocess.Process) -> None:
        self.url = f"ws://127.0.0.1:{first + 1}/phone"
        self.process = process
        self._first = first
        self._writers: list[asyncio.StreamWriter] = []

    async def driver(self, port: int) -> Driver:
        """A client of a telephone port."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._first + 1 + port)
        self._writers.append(writer)
        return Driver(reader, writer, port - 1)

    async def stop(self) -> None:
        """End it in order."""
        for writer in self._writers:
            writer.close()
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()


async def _started(log: str) -> CtServer:
    """A server whose ports are open; another process may have taken them in the meantime, so try some."""
    for _ in range(5):
        first = free_ports(4)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SERVE, str(first), log, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            if await process.stdout.readline() == b"Started!\n":
                return CtServer(first, process)
            await process.communicate()
    raise RuntimeError("ctserver does not start")


@pytest.fixture
async def ctserver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CtServer]:
    """A ctserver with two trunk ports at fifty times a clock's speed."""
    running = await _started(str(tmp_path_factory.mktemp("ctserver") / "ctserver.log"))
    try:
        yield running
    finally:
        await running.stop()
