"""The server as a process: what it prints, how it ends, what it leaves."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
import soundfile

from ctportd.testing.setup import free_ports

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path

PROGRAM = """
import asyncio, pathlib, sys
from ctportd.ctserver.run import serve
from ctportd.ctserver.settings import LineSettings, Settings
from ctportd.errors import ServerError

first = int(sys.argv[1])
settings = Settings(
    first_port=first + 2, manager_port=first, exchange_port=first + 1, speed=20.0,
    lines=(LineSettings(1),), log=pathlib.Path(sys.argv[2]), country=sys.argv[3],
)
try:
    asyncio.run(serve(settings, lambda: settings))
except ServerError:
    sys.exit(1)
"""


@asynccontextmanager
async def process(first: int, log: Path, country: str = "us") -> AsyncIterator[Process]:
    """The server with one line; ended whatever the test does."""
    arguments = ("-X", "dev", "-W", "error", "-c", PROGRAM, str(first), str(log), country)
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=pipe, stderr=pipe)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def line_of(running: Process) -> str:
    """The next line that it prints."""
    assert running.stdout is not None
    async with asyncio.timeout(20):
        return (await running.stdout.readline()).decode().rstrip("\n")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_start_and_orderly_end(tmp_path: Path, ending: signal.Signals) -> None:
    """Started! is there at once, on a pipe too; a signal ends it with status 0 and not a word of complaint."""
    first = free_ports(3)
    async with process(first, tmp_path / "log") as running:
        assert await line_of(running) == "Started!"
        running.send_signal(ending)
        async with asyncio.timeout(20):
            out, err = await running.communicate()
        assert (out, err, running.returncode) == (b"", b"", 0)
    assert '"stopped"' in (tmp_path / "log").read_text()


@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_port_that_is_taken(tmp_path: Path, taken: int) -> None:
    """It names the port, gives up and exits with 1; the other ports are free again."""
    first = free_ports(3)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", first + taken))
        squatter.listen()
        async with process(first, tmp_path / "log") as running:
            line = await line_of(running)
            assert "Address already in use" in line
            assert str(first + taken) in line
            assert await line_of(running) == "Giving up"
            assert await running.wait() == 1


async def test_setting_that_is_wrong(tmp_path: Path) -> None:
    """A country that nobody knows is a reason to give up, and is named."""
    async with process(free_ports(3), tmp_path / "log", "atlantis") as running:
        assert "atlantis" in await line_of(running)
        assert await line_of(running) == "Giving up"
        assert await running.wait() == 1


async def test_shutdown_in_the_middle_of_a_recording(tmp_path: Path) -> None:
    """The caller is told why the call ends, and what was said is on disk, whole."""
    first = free_ports(3)
    async with process(first, tmp_path / "log") as running, aiohttp.ClientSession() as http:
        assert await line_of(running) == "Started!"
        reader, writer = await asyncio.open_connection("127.0.0.1", first + 2)
        async with http.ws_connect(f"http://127.0.0.1:{first + 1}/phone") as phone:
            await phone.send_json({"type": "call", "port": 1})
            recording = f"cmd=ctrecord src=0 dst=0 arg1={tmp_path / 'x.wav'} \n"
            writer.write(
                b"cmd=ctwaitforring src=0 dst=0 arg1=1 \ncmd=ctanswer src=0 dst=0 \n" + recording.encode()
            )
            words = [message async for message in spoken(phone, writer)]
        assert words[-1] == {"type": "ended", "reason": "closing"}
        assert b"rly=ctanswer src=0 dst=0 arg1=OK" in await reader.read()
        async with asyncio.timeout(20):
            assert await running.wait() == 0
        writer.close()
    samples, rate = soundfile.read(tmp_path / "x.wav", dtype="int16")
    assert rate == 8000
    assert abs(samples).max() > 1000


async def spoken(
    phone: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter
) -> AsyncIterator[dict[str, object]]:
    """Speak a hundred frames into the recording, have the server shut down; everything that the exchange says."""
    frames = -1
    async for message in phone:
        if message.type is aiohttp.WSMsgType.TEXT:
            signal_ = message.json()
            frames = 0 if signal_["type"] == "recording" else frames
            yield signal_
            continue
        await phone.send_bytes(b"\x20" * 160)
        frames += frames >= 0
        if frames == 100:
            other_reader, other = await asyncio.open_connection(*writer.get_extra_info("peername"))
            other.write(b"cmd=shutdown src=0 dst=-2 \n")
            assert b"rly=shutdown src=-2 dst=0 arg1=OK" in await other_reader.read()
            other.close()
