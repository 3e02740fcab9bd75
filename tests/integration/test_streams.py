"""Answers of the control interface that go on, over a real Unix socket: readers that are slow, gone, or too many."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import msgspec
import pytest
from structlog.testing import capture_logs

from ctportd.control import streaming
from ctportd.control.client import ControlClient
from ctportd.control.routes import Routes
from ctportd.control.server import ControlServer
from ctportd.control.sse import HEARTBEAT, OPENING, ServerSent
from ctportd.control.streaming import MOST, Streamed
from ctportd.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ctportd.control.routes import Nothing


class Source:
    """What is streamed.

    Attributes:
        waiting: What comes next.
        asked: How often somebody has asked for what comes next.
        open: How many streams there are.
        since: After which event each of them was asked to go on.
    """

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[list[ServerSent] | None] = asyncio.Queue()
        self.asked = 0
        self.open = 0
        self.since: list[str] = []

    def tell(self, *words: str) -> None:
        """Have something come."""
        self.waiting.put_nowait([ServerSent(word.encode(), "word", word) for word in words])

    async def batches(self) -> AsyncIterator[list[ServerSent]]:
        """One stream."""
        self.open += 1
        try:
            while True:
                self.asked += 1
                batch = await self.waiting.get()
                if batch is None:
                    return
                yield batch
        finally:
            self.open -= 1


class Since(msgspec.Struct, frozen=True):
    """After which event a stream goes on."""

    since: str = ""


routes = Routes()


@routes.add("GET", "/v1/words", str, parameters=Since)
async def words(source: Source, parameters: Since, _body: Nothing) -> Streamed:
    """A stream."""
    source.since.append(parameters.since)
    return Streamed(source.batches())


@routes.add("GET", "/v1/hello", str)
async def hello(_source: Source, _parameters: Nothing, _body: Nothing) -> str:
    """No stream."""
    return "hello"


@pytest.fixture
def path() -> Iterator[Path]:
    """Where the socket is."""
    folder = Path(tempfile.mkdtemp(prefix="ct"))
    yield folder / "x.sock"
    shutil.rmtree(folder)


@pytest.fixture
def source() -> Source:
    """What is streamed."""
    return Source()


@pytest.fixture
async def server(source: Source, path: Path) -> AsyncIterator[ControlServer]:
    """Who streams it."""
    async with ControlServer(routes, source, path) as running:
        yield running


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - only a look can tell
            await asyncio.sleep(0.005)


async def raw(path: Path) -> socket.socket:
    """A client that has asked for a stream, and reads nothing."""
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, str(path))
    await asyncio.get_running_loop().sock_sendall(client, b"GET /v1/words HTTP/1.1\r\nHost: x\r\n\r\n")
    return client


def fill(source: Source) -> None:
    """More than kernel and transport hold for a client."""
    for _ in range(200):
        source.tell("x" * 10_000)


async def test_stream_goes_on_and_ends(server: ControlServer, source: Source, path: Path) -> None:
    """What comes is told in order, and the client knows the end from a break."""
    stream = ControlClient(path).follow("/v1/words", {}, "x-7")
    source.tell("one", "two")
    assert await anext(stream) == ServerSent(b"one", "word", "one")
    assert await anext(stream) == ServerSent(b"two", "word", "two")
    source.tell("three")
    source.waiting.put_nowait(None)
    assert [sent.id async for sent in stream] == ["three"]
    assert source.since == ["x-7"]
    await until(lambda: not source.open)


async def test_what_any_client_sees(server: ControlServer, source: Source, path: Path) -> None:
    """The type that browsers know, an opening that says when to come again; a header counts for more than the query."""
    source.tell("one")
    source.waiting.put_nowait(None)
    url = "http://x/v1/words?since=old"
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        async with session.get(url, headers={"Last-Event-ID": "new"}) as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
            assert (
                await response.read() == OPENING + b"id: one\nevent: word\ndata: one\n\nevent: end\ndata: {}\n\n"
            )
        async with session.head(url) as response:
            assert (response.status, await response.read()) == (200, b"")
    assert source.since == ["new", "old"]


async def test_heartbeats(
    server: ControlServer, source: Source, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing happens, something comes all the same; and who is gone is noticed though nothing happens."""
    monkeypatch.setattr(streaming, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(streaming, "HEARTBEAT_EVERY", 0.02)
    client = await raw(path)
    seen = b""
    async with asyncio.timeout(10):
        while seen.count(HEARTBEAT.strip()) < 2:
            seen += await asyncio.get_running_loop().sock_recv(client, 1000)
    assert source.open == 1
    client.close()
    await until(lambda: not source.open)


async def test_as_many_as_there_may_be(server: ControlServer, source: Source, path: Path) -> None:
    """One more is refused in a sentence, a command goes on, and who leaves makes room."""
    async with AsyncExitStack() as stack:
        for number in range(1, MOST + 1):
            stack.callback((await raw(path)).close)
            await until(lambda number=number: source.open == number)  # type: ignore[misc]
        with pytest.raises(ControlError, match=f"{MOST} others follow"):
            await anext(ControlClient(path).follow("/v1/words", {}))
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
            session.get("http://x/v1/words") as refused,
            session.get("http://x/v1/hello") as answered,
        ):
            assert refused.status == 503
            problem = msgspec.json.decode(await refused.read())
            assert problem["title"] == "Too many streams"
            assert await answered.json() == "hello"
    await until(lambda: not source.open)
    source.tell("again")
    async with aclosing(ControlClient(path).follow("/v1/words", {})) as stream:
        assert (await anext(stream)).id == "again"


async def test_who_reads_nothing_is_sent_nothing(server: ControlServer, source: Source, path: Path) -> None:
    """What it does not read is not taken from where it comes from, but for what is on its way."""
    client = await raw(path)
    fill(source)
    await until(lambda: source.asked > 1)
    before = -1
    while before != source.asked:
        before = source.asked
        await asyncio.sleep(0.05)
    assert source.asked < 150
    client.close()
    await until(lambda: not source.open)


async def test_who_reads_nothing_is_given_up(
    server: ControlServer, source: Source, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is somebody else's after some time."""
    monkeypatch.setattr(streaming, "STALLED", 0.05)
    client = await raw(path)
    fill(source)
    await until(lambda: source.open == 1)
    await until(lambda: source.open == 0)
    client.close()


async def test_server_ends(source: Source, path: Path) -> None:
    """Who reads is told; who does not read holds nothing up."""
    async with ControlServer(routes, source, path):
        stalled = await raw(path)
        fill(source)
        await until(lambda: source.asked > 10)
        stream = ControlClient(path).follow("/v1/words", {})
        reading = asyncio.ensure_future(_all(stream))
        await until(lambda: source.open == 2)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < streaming.LOOK_EVERY
    assert source.open == 0
    await reading
    stalled.close()


async def _all(stream: AsyncIterator[ServerSent]) -> list[ServerSent]:
    return [sent async for sent in stream]


async def test_source_that_fails(server: ControlServer, source: Source, path: Path) -> None:
    """A stream that has begun can tell of no problem: it breaks off, which is no end."""
    source.waiting.put_nowait([None])  # type: ignore[list-item]
    with capture_logs() as lines, pytest.raises(ControlError):
        await anext(ControlClient(path).follow("/v1/words", {}))
    assert [line["event"] for line in lines] == ["a stream of the control interface failed"]


async def test_daemon_is_gone_without_a_word(path: Path) -> None:
    """A stream that breaks off is no end."""

    async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"9\r\ndata: x\n\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(cut, path):
        stream = ControlClient(path).follow("/v1/words", {})
        assert (await anext(stream)).data == b"x"
        with pytest.raises(ControlError):
            await anext(stream)
    with pytest.raises(ControlError, match="no ctportd answers"):
        await anext(ControlClient(path.with_name("none")).follow("/v1/words", {}))
