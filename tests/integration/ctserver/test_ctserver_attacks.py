"""Clients that mean no good: each is bounded, and whoever behaves is served."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from ctportd.ctserver import client as client_module
from ctportd.ctserver.settings import LineSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from integration.ctserver.conftest import Office

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing sends a reset


async def raw(office: Office, port: int = 1) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a port that nobody looks after."""
    return await asyncio.open_connection("127.0.0.1", office.settings.first_port + port - 1)


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the server has ended a connection."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass


async def served(office: Office, port: int = 1) -> None:
    """Wait until a newcomer is served, and the port's turn is free."""
    client = await office.client(port)
    assert await client.ask("ctclear") == ("OK",)
    assert await client.ask("ctsleep", "0") == ("OK", "")
    await client.close()


async def gone(office: Office, port: int = 1) -> None:
    """Wait until a port has no clients, and nothing runs on it."""
    other = await office.client(0)
    async with asyncio.timeout(10):
        while office.server.services.ports[port].listeners or office.server.services.ports[port].turn.locked():
            await other.ask("serversion")


# -- sending ahead


async def test_client_that_sends_ahead_and_leaves_frees_its_port(office: Office) -> None:
    """What it sent is not begun: only the request that ran when it left was."""
    _reader, writer = await raw(office)
    writer.write(b"cmd=ctsleep src=0 dst=0 arg1=100000 \n" + b"cmd=ctwaitforevent src=0 dst=0 \n" * 200)
    await office.blocked()
    writer.close()
    await gone(office)
    await served(office)


async def test_client_that_sends_too_far_ahead_is_dropped(office: Office) -> None:
    """Its port is free at once, though it has not left."""
    reader, writer = await raw(office)
    writer.write(b"cmd=ctsleep src=0 dst=0 arg1=100000 \n" * 300)
    await ended(reader)
    await gone(office)
    await served(office)
    await office.logged("too far ahead")
    writer.close()


async def test_what_is_sent_ahead_is_bounded_in_bytes(office: Office) -> None:
    """A few requests may be as long as lines get; not two hundred."""
    reader, writer = await raw(office)
    line = b"cmd=ctsleep src=0 dst=0 arg1=100000 arg2=" + b"x" * 60_000 + b" \n"
    with contextlib.suppress(ConnectionError):
        for _ in range(50):
            writer.write(line)
            await writer.drain()
    await ended(reader)
    await office.logged("too far ahead")
    await served(office)
    writer.close()


async def test_quick_requests_sent_ahead_are_all_served(office: Office) -> None:
    """Nothing blocks them, so there is room for thousands in their turn."""
    client = await office.client()
    client.writer.write(b"cmd=ctclear src=0 dst=0 \n" * 5000)
    for _ in range(5000):
        assert await client.reply("ctclear") == ("OK",)


@pytest.mark.parametrize("how", ["reset", "closed"])
async def test_client_that_leaves_a_recording(office: Office, tmp_path: Path, how: str) -> None:
    """It is completed, the port is free, and nothing that was queued behind it is begun."""
    client, _phone = await office.answered()
    queued = b"cmd=ctplay src=0 dst=0 arg1=/nowhere \ncmd=ctsetscript src=0 dst=0 arg1=begun \n" * 100
    client.send("ctrecord", tmp_path / "x.wav", 0, "")
    client.writer.write(queued)
    await office.blocked()
    if how == "reset":
        client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.writer.close()
    await gone(office)
    assert office.server.services.ports[1].script == ""
    assert [path.suffix for path in tmp_path.iterdir()].count(".wav") == 1  # noqa: ASYNC240
    await served(office)


# -- places


async def test_silent_connections_lock_nobody_out(office: Office) -> None:
    """The oldest of those that never asked for anything makes room; those that did stay."""
    daemon, speaker = await office.client(), await office.client()
    assert await speaker.ask("ctclear") == ("OK",)
    silent = [await raw(office) for _ in range(20)]
    await served(office)
    silent[-1][1].write(b"cmd=\nhello\n" + b"x" * 70_000 + b"\n")  # which is nothing that could be done
    assert await speaker.ask("ctclear") == ("OK",)
    others = [await office.client() for _ in range(6)]
    for other in others:
        assert await other.ask("ctclear") == ("OK",)
    assert len(office.server.services.ports[1].listeners) <= 8
    await office.logged("makes room")
    await (await office.phone()).call(1)
    await daemon.event("ring")  # it was there first, and has only listened all the time
    for _, writer in silent:
        writer.transport.abort()


async def test_those_that_said_a_word_lock_nobody_out(office: Office) -> None:
    """Whoever is silent makes room, but for the oldest, and for those for whom something runs."""
    daemon = await office.client()
    waiting = await office.client()
    waiting.send("ctwaitforevent")
    await office.blocked()
    others = [await office.client() for _ in range(6)]
    for other in others:
        assert await other.ask("serversion", dst=-2) != ()
    for _ in range(3):
        newcomer = await office.client()
        assert await newcomer.ask("ctclear") == ("OK",)
    async with asyncio.timeout(10):
        for other in others[:3]:
            await other.closed.wait()
    assert not any(other.closed.is_set() for other in others[3:])
    await (await office.phone()).call(1)
    await daemon.event("ring")
    assert (await waiting.reply("ctwaitforevent"))[2] == "ring"


async def test_hundreds_of_connections_cost_no_descriptors(office: Office) -> None:
    """They come as fast as they can, on every port and the manager's; eight of each are held at most."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    doors = [office.settings.first_port, office.settings.first_port + 1, office.settings.manager_port]
    writers = [(await asyncio.open_connection("127.0.0.1", door))[1] for door in doors * 60]
    await served(office)
    held = len(os.listdir("/proc/self/fd")) - before - len(writers)  # noqa: PTH208  ours are in this process too
    assert held <= 3 * 8 + 2
    for writer in writers:
        writer.transport.abort()


# -- those that do not read


@pytest.mark.parametrize("flood", ["replies", "events", "states"])
async def test_slow_reader_is_dropped(
    open_office: Callable[..., AbstractAsyncContextManager[Office]], monkeypatch: pytest.MonkeyPatch, flood: str
) -> None:
    """Whatever it is that it does not read; another connection of its port loses nothing."""
    monkeypatch.setattr(client_module, "_UNREAD", 64 * 1024)  # what the kernel takes before comes on top
    async with open_office(lines=tuple(LineSettings(number) for number in range(1, 13))) as office:
        watching, manager = await office.client(), await office.client(0)
        assert await watching.ask("ctclear") == ("OK",)
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the kernel reads little in its place
        await asyncio.to_thread(narrow.connect, ("127.0.0.1", office.settings.first_port))
        reader, writer = await asyncio.open_connection(sock=narrow)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        asked = {
            "replies": b"cmd=" + b"n" * 2000 + b" src=0 dst=0 \n",
            "states": b"cmd=portstatus src=0 dst=-2 \n" * 20,
            "events": b"",
        }[flood]
        listeners = office.server.services.ports[1].listeners
        async with asyncio.timeout(20):
            while len(listeners) < 2:
                await manager.ask("serversion")
            while len(listeners) > 1:
                if flood == "events":
                    await manager.ask("ctsendevent", "N", *["x" * 255] * 8, dst=0)
                else:
                    writer.write(asked)
                    await manager.ask("serversion")
        await office.logged("does not read")
        assert await watching.ask("ctclear") == ("OK",)
        writer.transport.abort()


async def test_flood_of_states_makes_no_line_late(
    open_office: Callable[..., AbstractAsyncContextManager[Office]],
) -> None:
    """Between two requests of a client, the clock of the lines and the other clients have their turn."""
    async with open_office(speed=1.0) as office:
        clock = office.server.clock
        flooding = [await office.client(0) for _ in range(4)]
        for client in flooding:
            client.writer.write(b"cmd=portstatus src=-2 dst=-2 \n" * 2000)
        begun, ticks = time.monotonic(), clock.ticks
        while sum(len(client.messages) for client in flooding) < 4 * 2000 * 2:
            await flooding[0].ask("serversion")
        passed = time.monotonic() - begun
        assert clock.ticks - ticks >= passed * 50 - 3
        assert clock.lost == 0


# -- what they say


async def test_half_lines_are_held_for_ever_and_cost_little(office: Office) -> None:
    """A line without an end is given up at its limit, NULs are nothing, and the next line is a request."""
    reader, writer = await raw(office)
    for piece in (b"cmd=ctcl", b"\0" * 200_000, b"ear src=0 dst=0", b" \n", b"y" * 300_000, b"\ncmd=ctclear \n"):
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(10):
        assert [await reader.readuntil(b"\n") for _ in range(2)] == [
            b"rly=ctclear src=0 dst=0 arg1=OK argc=1\n",
            b"\0rly=ctclear src=0 dst=0 arg1=OK argc=1\n",
        ]
    writer.close()


@pytest.mark.parametrize("port", [0, 1])
async def test_web_page_does_not_command_a_line(office: Office, port: int) -> None:
    """A browser sends what a page tells it to any TCP port: the body of such a request is not looked at."""
    tcp = office.settings.first_port if port else office.settings.manager_port
    reader, writer = await asyncio.open_connection("127.0.0.1", tcp)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n"
        b"cmd=ctsetscript src=0 dst=0 arg1=begun \nctanswer\n"
    )
    await ended(reader)
    assert office.server.services.ports[1].script == ""
    assert office.server.services.ports[1].line.state == "idle"
    await office.logged("web page")
    writer.close()


@pytest.mark.parametrize(
    "opening",
    [
        b"POST /" + b"x" * 66_000 + b" HTTP/1.1\r\n",  # longer than a line may be
        b"POST /" + b"\0x" * 40_000 + b" HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(0x20, 0x60)) + b"\n",  # a ClientHello
        b"GET /\n",
        b"x" * 66_000 + b"\n",
        b"\xff\n",
    ],
)
async def test_what_opens_as_no_client_does_is_dropped(office: Office, opening: bytes) -> None:
    """What a browser can be made to send, and what no client begins with: nothing of what follows is looked at."""
    reader, writer = await raw(office)
    with contextlib.suppress(ConnectionError):
        for piece in (opening, b"cmd=ctsetscript src=0 dst=0 arg1=begun \nctsetscript\nbegun\n"):
            writer.write(piece)
            await writer.drain()
    await ended(reader)
    assert office.server.services.ports[1].script == ""
    await office.logged("web page")
    writer.close()


@pytest.mark.parametrize("first", [b"\r\n\0src=0 dst=0 cmd=ctclear \n", b" cmd=ctclear \n", b"cmd=ct\0clear\r\n"])
async def test_client_that_opens_oddly_is_served(office: Office, first: bytes) -> None:
    """Keys in any order, spaces, NULs and empty lines before them."""
    reader, writer = await raw(office)
    writer.write(first)
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"\n")).startswith(b"rly=ctclear ")
    writer.close()


# -- files


async def test_files_stay_in_their_folders(
    open_office: Callable[..., AbstractAsyncContextManager[Office]], tmp_path: Path
) -> None:
    """The reply is one word, the log tells where the name led; pipes and devices hold up nobody."""
    inside = tmp_path / "inside"
    inside.mkdir()
    os.mkfifo(inside / "pipe.au")
    (inside / "zero.au").symlink_to("/dev/zero")
    async with open_office(record_folders=(inside,), play_folders=(inside,)) as office:
        client, _ = await office.answered()
        for name in ("../x.wav", f"{inside}/../x.wav", "/dev/shm/x.wav", "x.wav"):
            for cmd in ("ctrecord", "ctplay", "ctplayasync"):
                assert await client.ask(cmd, name) == ("ERROR", "outside-folders")
        assert await client.ask("ctplay", inside / "zero.au") == ("ERROR", "outside-folders")
        assert await client.ask("ctplay", inside / "pipe.au") == ("ERROR", "no-such-sound")
        assert await client.ask("ctrecord", inside / "pipe.au", 1) == ("ERROR", "cannot-record")
        assert await client.ask("ctrecord", inside / ("x" * 300 + ".au"), 1) == ("ERROR", "cannot-record")
        assert await client.ask("ctrecord", inside / "x.au", 1, "") == ("OK", "")
        assert await client.ask("ctplay", inside / "x.au") == ("OK", "")
        await office.logged(f"is really {tmp_path / 'x.wav'}")


async def test_recording_writes_over_nothing(office: Office, tmp_path: Path) -> None:
    """Somebody else's message, say, which lies in a folder in which clients may record."""
    client, _ = await office.answered()
    (tmp_path / "message.wav").write_bytes(b"what somebody said")
    assert await client.ask("ctrecord", tmp_path / "message.wav", 1) == ("ERROR", "file-exists")
    assert (tmp_path / "message.wav").read_bytes() == b"what somebody said"
    client.send("ctrecord", tmp_path / "x.wav", 0, "#")
    await office.blocked()
    other, phone = await office.answered(2)
    assert await other.ask("ctrecord", tmp_path / "x.wav", 1) == ("ERROR", "file-exists")
    other.send("ctrecord", tmp_path / "y.wav", 0, "#")
    await phone.signal("recording")
    (tmp_path / "y.wav").write_bytes(b"another program's")
    await phone.press("#")
    assert await other.reply("ctrecord") == ("ERROR", "file-exists")
    assert (tmp_path / "y.wav").read_bytes() == b"another program's"


# -- the log


async def test_nonsense_does_not_fill_the_log(office: Office) -> None:
    """Twenty complaints of a kind are told in a minute, whoever gives cause for them."""
    client = await office.client(1)
    assert await client.ask("ctclear") == ("OK",)  # first nonsense, and it would be taken for no client at all
    for number in range(1500):
        client.writer.write(b"cmd=ctnothing src=0 dst=0 argc=0 \n" if number % 2 else b"nonsense\n")
        client.writer.write(b"cmd=ctclear src=0 dst=0 argc=0 \n")
    for _ in range(1500):
        assert await client.reply("ctclear") == ("OK",)
    await office.logged("unknown-request")
    told = await asyncio.to_thread(office.log.read_text)
    assert told.count('"no request"') <= 20
    assert told.count('"refused"') <= 20
