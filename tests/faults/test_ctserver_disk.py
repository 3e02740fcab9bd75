"""A ctserver whose disk is full: the system refuses to let a file grow, as it does on a disk without room."""

from __future__ import annotations

import asyncio
import resource
import signal
from typing import TYPE_CHECKING

import aiohttp
from integration.ctserver.test_ctserver_process import line_of, process

from ctportd.testing.setup import free_ports

if TYPE_CHECKING:
    from pathlib import Path

ROOM = 60_000
"""Bytes that a file may have: not four seconds of a .wav."""


async def speak(phone: aiohttp.ClientWebSocketResponse) -> None:
    """Answer each frame of voice with one, for ever."""
    async for message in phone:
        if message.type is aiohttp.WSMsgType.BINARY:
            await phone.send_bytes(b"\x20" * 160)


async def test_recording_on_a_full_disk(tmp_path: Path) -> None:
    """The request ends with ERROR while the caller still speaks; what fits stays, and the server goes on."""
    first = free_ports(3)
    async with process(first, tmp_path / "log") as running, aiohttp.ClientSession() as http:
        assert await line_of(running) == "Started!"
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))
        reader, writer = await asyncio.open_connection("127.0.0.1", first + 2)

        async def ask(request: str) -> bytes:
            cmd = request.partition(" ")[0]
            writer.write(f"cmd={cmd} src=0 dst=0{request.removeprefix(cmd)} \n".encode())
            async with asyncio.timeout(10):
                while not (line := (await reader.readline()).lstrip(b"\0")).startswith(f"rly={cmd} ".encode()):
                    pass
            return line

        async with http.ws_connect(f"http://127.0.0.1:{first + 1}/phone") as phone:
            await phone.send_json({"type": "call", "port": 1})
            speaking = asyncio.create_task(speak(phone))
            assert b"arg1=OK" in await ask("ctwaitforring arg1=1")
            assert b"arg1=OK" in await ask("ctanswer")
            assert b"arg1=ERROR arg2=cannot-record" in await ask(f"ctrecord arg1={tmp_path}/x.wav arg2=600")
            assert b"arg1=OK" in await ask(f"ctrecord arg1={tmp_path}/short.wav arg2=1")
            (part,) = list(tmp_path.glob("x.wav*"))  # noqa: ASYNC240
            assert part.name.endswith(".part")
            assert ROOM - 8000 <= part.stat().st_size <= ROOM
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        writer.close()
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await running.communicate() == (b"", b"")
        assert running.returncode == 0
    assert (tmp_path / "short.wav").stat().st_size == 44 + 16_000
