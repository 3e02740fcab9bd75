"""Clients of ctserver 0.3 on the same TCP ports: told apart by their first line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ctportd.wire.classic import encode_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from integration.ctserver.conftest import Office, Phone


class ClassicClient:
    """Asks, and reads a line; nothing ever comes unasked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, cmd: str, *args: object) -> None:
        """Send a request without waiting."""
        self.writer.write(encode_request(cmd, tuple(str(arg) for arg in args)))

    async def line(self) -> str:
        """The next line; each ends in LF and NUL."""
        async with asyncio.timeout(20):
            line = await self.reader.readuntil(b"\n\0")
        return line.removesuffix(b"\n\0").decode()

    async def ask(self, cmd: str, *args: object) -> str:
        """Send a request; its reply."""
        self.send(cmd, *args)
        return await self.line()


@pytest.fixture
async def client(office: Office) -> AsyncIterator[ClassicClient]:
    """A classic client of port 1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.settings.first_port)
    yield ClassicClient(reader, writer)
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def phone(office: Office, client: ClassicClient) -> Phone:
    """A telephone that the client has answered."""
    phone = await office.phone()
    client.send("ctwaitforring")
    await phone.call(1, "5550100", "Ada Lovelace")
    assert await client.line() == "5550100 Ada Lovelace"
    assert await client.ask("ctanswer") == "OK"
    await phone.signal("answered")
    return phone


async def test_call(
    client: ClassicClient, phone: Phone, tmp_path: Path, sound_of: Callable[[str, int], tuple[Path, bytes]]
) -> None:
    """What an answering machine of the time does, reply by reply."""
    path, codes = sound_of("with space.au", 20)
    assert await client.ask("ctplay", path) == "OK"
    await phone.signal("played")
    assert phone.between("playing", "played") == codes
    await phone.press("4")
    while await client.ask("ctcollect", 1, 1, 0) != "4":
        pass
    assert await client.ask("ctrecord", tmp_path / "x.wav", 1, "") == "OK"
    phone.keys_when["playing"] = "9"
    assert await client.ask("ctplay", sound_of("long.au", 900)[0]) == "9"
    assert await client.ask("ctclear") == "OK"
    assert await client.ask("ctsleep", 1) == "OK"
    assert await client.ask("ctcollect", 2, 1, 1) == ""
    assert await client.ask("ctdial", "12") == "OK"
    assert await client.ask("cthangup") == "OK"
    await phone.signal("ended")


async def test_end_of_a_call_is_a_failed_request(client: ClassicClient, phone: Phone, tmp_path: Path) -> None:
    """There is no other way to tell; events wait until they are fetched."""
    client.send("ctrecord", tmp_path / "x.wav", 0, "")
    await phone.signal("recording")
    await phone.tell("hangup")
    assert await client.line() == "ERROR"
    assert await client.ask("ctplay", "/nowhere") == "ERROR"


async def test_events_are_fetched(office: Office, client: ClassicClient, phone: Phone) -> None:
    """Those that came before too, in order: the handle, then the event or the key."""
    await phone.press("1")
    await phone.tell("flash")
    assert await client.ask("ctsendevent", 1, "HELLO") == "OK"
    seen = []
    while "HELLO" not in seen:
        assert await client.ask("ctwaitforevent") == "0"
        seen.append(await client.line())
    if "flash" not in seen:
        assert await client.ask("ctwaitforevent") == "0"
        seen.append(await client.line())
    assert {"1", "HELLO"} <= set(seen)
    assert await client.ask("ctstarttimerasync", 1) == "OK"
    client.send("ctwaitforevent")
    seen = [await client.line(), await client.line()]
    while seen[-1] != "timer":
        client.send("ctwaitforevent")
        seen = [await client.line(), await client.line()]
    assert seen == ["0", "timer"]


async def test_what_is_wrong_gets_an_error(client: ClassicClient) -> None:
    """Unknown names and values; the connection lives on."""
    client.writer.write(b"hello\n")
    assert await client.line() == "ERROR"
    assert await client.ask("ctsleep", "long") == "ERROR"
    assert await client.ask("ctsendevent", "none", "x") == "ERROR"
    assert await client.ask("ctplay", "x.au") == "ERROR"
    client.writer.write(b"x" * 70_000 + b"\n")
    assert await client.ask("ctclear") == "OK"


async def test_both_dialects_at_once(office: Office, client: ClassicClient) -> None:
    """Each client of a port is answered in its own."""
    keyed = await office.client()
    assert await client.ask("ctclear") == "OK"
    assert await keyed.ask("ctsetscript", "x") == ("OK",)
    assert await keyed.ask("ctsendevent", "NEWS", dst=0) == ("OK",)
    assert await client.ask("ctwaitforevent") == "0"
    assert await client.line() == "NEWS"
    assert "NEWS NEWS 0" in keyed.said
