"""A fake exchange: a real WebSocket server that says what the test says, and whose clock is the test."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType, web
from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aiohttp import WSMessage

SILENCE = b"\xff" * 160


class FakeLine:
    """The exchange's end of one telephone.

    Attributes:
        voice: The frames that the telephone has sent.
        said: What it said otherwise, each with the number of frames it was sent until then.
    """

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.voice: list[bytes] = []
        self.said: list[tuple[int, dict[str, Any]]] = []
        self._socket = socket
        self._received: asyncio.Queue[WSMessage | None] = asyncio.Queue()
        self._sent = 0

    async def read(self) -> None:
        """Read what the telephone says until it goes."""
        async for message in self._socket:
            self._received.put_nowait(message)
        self._received.put_nowait(None)

    async def tell(self, kind: str, **fields: object) -> None:
        """Say something."""
        await self.tell_raw(json.dumps({"type": kind, **fields}))

    async def tell_raw(self, text: str) -> None:
        """Say something that may be no JSON."""
        await self._socket.send_str(text)

    async def hears(self, kind: str) -> dict[str, Any]:
        """The next thing that the telephone says beside its voice, which is to be of this type."""
        said = await self._next()
        while isinstance(said, bytes):
            self.voice.append(said)
            said = await self._next()
        assert said is not None, f"the telephone went where {kind} was expected"
        assert said["type"] == kind
        return said

    async def gone(self) -> None:
        """Wait until the telephone has left."""
        while await self._next() is not None:
            pass

    async def frame(self, frame: bytes = SILENCE) -> None:
        """Send one frame, which may have no answer."""
        self._sent += 1
        await self._socket.send_bytes(frame)

    async def frames(self, count: int, frame: bytes = SILENCE) -> None:
        """Let frames pass, each answered by the telephone before the next is sent."""
        for _ in range(count):
            await self.frame(frame)
            answer = await self._next()
            while isinstance(answer, dict):
                answer = await self._next()
            assert answer is not None, "the telephone went in the middle of the voice"
            self.voice.append(answer)

    async def _next(self) -> bytes | dict[str, Any] | None:
        async with asyncio.timeout(5):
            message = await self._received.get()
        if message is None:
            return None
        if message.type is WSMsgType.BINARY:
            return bytes(message.data)
        said: dict[str, Any] = json.loads(message.data)
        self.said.append((self._sent, said))
        return said

    async def play(self, prompt: str, frames: int = 5, *, complete: bool = True) -> None:
        """Play a prompt."""
        await self.tell("playing", prompt=prompt, file=f"/prompts/{prompt}.au")
        await self.frames(frames)
        await self.tell("played", prompt=prompt, complete=complete)

    async def answer(self, frames: int = 1) -> None:
        """Ring once, and answer."""
        await self.tell("ringing", count=1)
        await self.frames(frames)
        await self.tell("answered")

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()

    def pressed(self) -> list[tuple[int, str]]:
        """The keys, each with the number of frames sent until then."""
        return [(frame, said["key"]) for frame, said in self.said if said["type"] == "press"]


class FakeExchange:
    """The server, with one :class:`FakeLine` for each telephone that comes.

    Attributes:
        url: Where telephones find it.
        greeting: What it says first; None: nothing.
    """

    def __init__(self) -> None:
        self.url = ""
        self.greeting: str | None = '{"type":"hello","speed":20.0,"version":"1"}'
        self._lines: asyncio.Queue[FakeLine] = asyncio.Queue()

    async def line(self) -> FakeLine:
        """The line of the next telephone, whose call or attach has been taken."""
        line = await self._lines.get()
        await line.hears("call")
        return line

    async def set_line(self) -> FakeLine:
        """The line of the next telephone, which is a station's set."""
        line = await self._lines.get()
        await line.hears("attach")
        return line

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one telephone."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line = FakeLine(socket)
        if self.greeting is not None:
            await line.tell_raw(self.greeting)
        self._lines.put_nowait(line)
        await line.read()
        return socket


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[None]:
    """As for all tests; but a keyboard is read when there is something to read, so that its read cannot wait."""
    with blockbuster_ctx("ctportd") as watched:
        watched.functions["os.read"].can_block_in("phone/keyboard.py", {"_read"})
        yield


@pytest.fixture
async def exchange() -> AsyncIterator[FakeExchange]:
    """An exchange on a free port of loopback."""
    fake = FakeExchange()
    application = web.Application()
    application.router.add_get("/phone", fake.serve)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fake.url = f"ws://{host}:{port}/phone"
    yield fake
    await runner.cleanup()
