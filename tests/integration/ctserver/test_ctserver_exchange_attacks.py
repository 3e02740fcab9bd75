"""Telephones that mean no good: the exchange holds so many connections, and none that says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import aiohttp
import pytest

from ctportd.ctserver import exchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from integration.ctserver.conftest import Office

    SmallOffice = Callable[[float], AbstractAsyncContextManager[Office]]

PLACES = 6

HANDSHAKE = (
    b"GET /phone HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def small_office(
    open_office: Callable[..., AbstractAsyncContextManager[Office]], monkeypatch: pytest.MonkeyPatch
) -> SmallOffice:
    """Runs a server whose exchange has six places, and so much patience."""

    def running(patience: float) -> AbstractAsyncContextManager[Office]:
        monkeypatch.setattr(exchange, "_PATIENCE", patience)
        monkeypatch.setattr(exchange, "_SPARE", PLACES - 2 * exchange._TELEPHONES_A_LINE)
        return open_office()

    return running


async def turn() -> None:
    """Let the server, which is in this process, get on."""
    await asyncio.sleep(0)


async def tcp(office: Office) -> Streams:
    """A bare connection to the exchange."""
    return await asyncio.open_connection("127.0.0.1", office.settings.exchange_port)


async def ended(streams: Streams) -> bytes:
    """Wait until the exchange has ended a connection; what it said."""
    heard = b""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while data := await streams[0].read(65536):
                heard += data
    streams[1].transport.abort()
    return heard


async def test_silent_connections_lock_no_telephone_out(small_office: SmallOffice) -> None:
    """Not by the hundred; calls that are up stay up, and the server's descriptors are few."""
    async with small_office(60.0) as office:
        client, phone = await office.answered()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        silent = [await tcp(office) for _ in range(200)]
        for _, writer in silent[::2]:
            writer.write(b"GET /phone HTT")
        other = await office.phone()
        await other.call(2)
        await other.signal("ringing")
        held = len(os.listdir("/proc/self/fd")) - before - len(silent)  # noqa: PTH208
        assert held <= PLACES + 2
        assert office.server._exchange._door.taken <= PLACES
        assert await client.ask("ctsleep", "0.1") == ("OK", "")
        assert "closed" not in phone.kinds
        for _, writer in silent:
            writer.transport.abort()


async def test_telephones_are_not_put_out_for_each_other(small_office: SmallOffice) -> None:
    """Where all have said what they are, there is no place for one more; one that goes makes one."""
    async with small_office(60.0) as office:
        phones = [await office.phone() for _ in range(PLACES)]
        for number, phone in enumerate(phones):
            await phone.tell("subscribe", number=str(5000 + number))
            await phone.tell("press", key="1")  # which is a mistake, or nothing; either way it was read
        while office.server._directory.find(str(5000 + PLACES - 1)) is None:
            await turn()
        with pytest.raises(aiohttp.ClientError):
            await office.phone()
        await phones[0].close()
        while office.server._exchange._door.taken == PLACES:
            await turn()
        await office.phone()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /phone HTTP/1.1\r\n",
        b"\0" * 1000,
        b"GET /phone HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10,
        HANDSHAKE,
    ],
)
async def test_connection_that_does_not_say_what_it_is(small_office: SmallOffice, said: bytes) -> None:
    """It gets some seconds for that, however far it came."""
    async with small_office(0.2) as office:
        streams = await tcp(office)
        streams[1].write(said)
        heard = await ended(streams)
        assert heard.startswith(b"HTTP/1.1 101") == (said == HANDSHAKE)
        phone = await office.phone()
        await phone.tell("subscribe", number="5000")
        while office.server._directory.find("5000") is None:
            await turn()
        await asyncio.sleep(0.4)  # twice its patience
        assert "closed" not in phone.kinds


async def test_head_without_end_is_refused(small_office: SmallOffice) -> None:
    """Nobody fills the memory with the head of a request."""
    async with small_office(60.0) as office:
        streams = await tcp(office)
        with contextlib.suppress(ConnectionError):
            for number in range(200):
                streams[1].write(b"X-%d: " % number + b"y" * 1000 + b"\r\n" if number else b"GET / HTTP/1.1\r\n")
                await streams[1].drain()
        assert (await ended(streams)).startswith(b"HTTP/1.0 400")


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        ("http://localhost:8000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:80", True),
        ("https://ctportd.example", False),
        ("http://localhost.ctportd.example", False),
        ("null", False),
        ("http://127.0.0.1.ctportd.example:1190", False),
    ],
)
async def test_web_page_of_another_machine_gets_no_telephone(
    office: Office, origin: str, *, welcome: bool
) -> None:
    """A browser lets any page connect to this machine; it tells which one it is."""
    url = f"http://127.0.0.1:{office.settings.exchange_port}/phone"
    async with aiohttp.ClientSession() as http:
        if welcome:
            async with http.ws_connect(url, origin=origin) as phone:
                assert (await phone.receive_json())["type"] == "hello"
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await http.ws_connect(url, origin=origin)
