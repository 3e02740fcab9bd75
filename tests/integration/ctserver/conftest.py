"""A whole server in this process, raw clients on its TCP ports, and minimal telephones on its exchange."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest

from ctportd.ctserver.log import ServerLog
from ctportd.ctserver.server import Server
from ctportd.ctserver.settings import LineSettings, Settings
from ctportd.testing.setup import free_ports
from ctportd.wire.events import is_reply
from ctportd.wire.keyed import Decoder, encode_request, parse_message
from ctportd.wire.message import Message, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

FRAME = 160
SILENCE = b"\xff" * FRAME
PATIENCE = 20.0  # real seconds after which a test fails instead of waiting on


class RawClient:
    """Speaks the keyed dialect, and remembers everything that it was told, in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: int) -> None:
        self.handle = handle
        self.writer = writer
        self.messages: list[Message] = []
        self._read = 0  # messages that a wait has looked at
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._collect(reader))
        self.closed = asyncio.Event()

    async def _collect(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder(parse_message)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                for message in decoder.feed(data):
                    assert isinstance(message, Message)
                    self.messages.append(message)
                async with self._news:
                    self._news.notify_all()
        self.closed.set()

    def send(self, cmd: str, *args: object, dst: int | None = None) -> None:
        """Send a request without waiting."""
        to = self.handle if dst is None else dst
        self.writer.write(encode_request(Request(cmd, self.handle, to, tuple(str(arg) for arg in args))))

    async def ask(self, cmd: str, *args: object, dst: int | None = None) -> tuple[str, ...]:
        """Send a request; the arguments of its reply."""
        self.send(cmd, *args, dst=dst)
        return await self.reply(cmd)

    async def reply(self, cmd: str) -> tuple[str, ...]:
        """The arguments of the next reply to this request."""
        return (await self.next(lambda message: is_reply(message, cmd))).args

    async def event(self, name: str) -> tuple[str, ...]:
        """The payload of the next event of this name."""
        return (await self.next(lambda message: message.rly == name)).args[1:]

    async def next(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message that is wanted, among those that no wait has looked at yet."""
        async with asyncio.timeout(PATIENCE), self._news:
            while True:
                while self._read < len(self.messages):
                    self._read += 1
                    if wanted(self.messages[self._read - 1]):
                        return self.messages[self._read - 1]
                await self._news.wait()

    @property
    def said(self) -> list[str]:
        """Names of all messages so far, with their first arguments."""
        return [" ".join((message.rly, *message.args)) for message in self.messages]

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Phone:
    """A telephone as docs/exchange.md has it: one frame out for each that comes in."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[bytes] = []
        self.signals: list[tuple[int, dict[str, Any]]] = []  # with how many frames had been heard by then
        self.outbox: deque[bytes] = deque()
        self.keys_when: dict[str, str] = {}  # a key to press as soon as a signal of this type comes
        self.mute = False
        self._read = 0
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._live())

    async def _live(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.heard.append(message.data)
                if not self.mute:
                    await self.socket.send_bytes(self.outbox.popleft() if self.outbox else SILENCE)
            else:
                signal = json.loads(message.data)
                self.signals.append((len(self.heard), signal))
                if key := self.keys_when.pop(signal["type"], ""):
                    await self.press(key)
            async with self._news:
                self._news.notify_all()
        async with self._news:
            self.signals.append((len(self.heard), {"type": "closed"}))
            self._news.notify_all()

    async def tell(self, kind: str, **fields: object) -> None:
        """Say something to the exchange."""
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def call(self, port: int, number: str = "", name: str = "") -> None:
        """Ring a trunk port."""
        await self.tell("call", port=port, number=number, name=name)

    async def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.tell("press", key=key)

    def say(self, codes: bytes) -> None:
        """Speak this from now on."""
        self.outbox.extend(codes[at : at + FRAME] for at in range(0, len(codes), FRAME))

    async def signal(self, kind: str) -> dict[str, Any]:
        """The next signal of this type, among those that no wait has looked at yet."""
        async with asyncio.timeout(PATIENCE), self._news:
            while True:
                while self._read < len(self.signals):
                    self._read += 1
                    if self.signals[self._read - 1][1]["type"] == kind:
                        return self.signals[self._read - 1][1]
                await self._news.wait()

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at with each frame and signal."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(met)

    def at(self, kind: str) -> int:
        """How many frames had been heard when the first signal of this type came."""
        return next(heard for heard, signal in self.signals if signal["type"] == kind)

    def between(self, first: str, last: str) -> bytes:
        """The voice that was heard between two signals."""
        return b"".join(self.heard[self.at(first) : self.at(last)])

    @property
    def kinds(self) -> list[str]:
        """Types of all signals so far."""
        return [signal["type"] for _, signal in self.signals]

    async def close(self) -> None:
        """The connection is lost."""
        await self.socket.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Office:
    """A running server with those that are connected to it."""

    def __init__(self, server: Server, settings: Settings, log: Path) -> None:
        self.server = server
        self.settings = settings
        self.log = log
        self._stack = contextlib.AsyncExitStack()
        self._http = aiohttp.ClientSession()

    async def client(self, port: int = 1) -> RawClient:
        """A client of a telephone port; 0: of the manager."""
        tcp = self.settings.first_port + port - 1 if port else self.settings.manager_port
        reader, writer = await asyncio.open_connection("127.0.0.1", tcp)
        client = RawClient(reader, writer, port - 1 if port else -2)
        self._stack.push_async_callback(client.close)
        return client

    async def phone(self) -> Phone:
        """A telephone on the exchange."""
        phone = Phone(await self._http.ws_connect(f"http://127.0.0.1:{self.settings.exchange_port}/phone"))
        self._stack.push_async_callback(phone.close)
        await phone.signal("hello")
        return phone

    async def answered(self, port: int = 1) -> tuple[RawClient, Phone]:
        """A client and a telephone in a call with each other."""
        client, phone = await self.client(port), await self.phone()
        await phone.call(port, "5550100", "Ada Lovelace")
        await client.event("ring")
        assert await client.ask("ctanswer") == ("OK",)
        await phone.signal("answered")
        return client, phone

    async def logged(self, word: str) -> None:
        """Wait until the log, which is written in a thread, holds this word."""
        async with asyncio.timeout(PATIENCE):
            while word not in await asyncio.to_thread(self.log.read_text):
                await asyncio.to_thread(time.sleep, 0.001)

    async def blocked(self, port: int = 1) -> None:
        """Wait until a blocking request runs on the port."""
        asker = await self.client(0)
        while not self.server.services.ports[port].turn.locked():
            await asker.ask("serversion")

    async def close(self) -> None:
        """All leave, the server last."""
        await self._stack.aclose()
        await self._http.close()
        await self.server.close()


@asynccontextmanager
async def running(tmp_path: Path, **changes: Any) -> AsyncIterator[Office]:
    """A server with two trunk ports at speed 40, but for the changes."""
    lines = changes.pop("lines", (LineSettings(1), LineSettings(2)))
    first = free_ports(len(lines) + 2)
    settings = Settings(
        first_port=first + 2,
        manager_port=first,
        exchange_port=first + 1,
        speed=40.0,
        lines=lines,
        log=tmp_path / "ctserver.log",
    )
    settings = msgspec.structs.replace(settings, **changes)
    log = await asyncio.to_thread(ServerLog, settings.log)
    try:
        office = Office(Server(settings, log), settings, tmp_path / "ctserver.log")
        await office.server.open()
        try:
            yield office
        finally:
            await office.close()
    finally:
        await asyncio.to_thread(log.close)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A server with two trunk ports."""
    async with running(tmp_path) as office:
        yield office


@pytest.fixture
def open_office(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Office]]:
    """Runs a server with other settings."""
    return lambda **changes: running(tmp_path, **changes)


@pytest.fixture
def sound_of(tmp_path: Path) -> Callable[[str, int], tuple[Path, bytes]]:
    """Makes a mu-law .au file of so many frames that are unlike each other; the file, and its voice."""

    def make(name: str, frames: int) -> tuple[Path, bytes]:
        codes = bytes(itertools.islice(random.Random(name).randbytes(frames * FRAME), frames * FRAME))
        path = tmp_path / name
        header = b"".join(number.to_bytes(4, "big") for number in (24, len(codes), 1, 8000, 1))
        path.write_bytes(b".snd" + header + codes)
        return path, codes

    return make
