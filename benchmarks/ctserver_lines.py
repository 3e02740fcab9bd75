"""How many lines ctportd's own ctserver carries at the pace of real ones, on one core.

Every line plays a file to its telephone and records what the telephone says, both at once, for the whole
run. The server, its telephones and its clients are processes of their own. Printed: ticks of the line
clock that were 20 ms late or more, the server's processor time in per cent of one core, and its memory,
in all and a line. Run it as ``python benchmarks/ctserver_lines.py [lines seconds]``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from ctportd.ctserver.run import serve
from ctportd.ctserver.settings import LineSettings, Settings

FRAME = 160
VOICE = b"\x82\xfe\x00\xa0\0\0\0\0" + bytes(range(FRAME))
"""A client's WebSocket frame; its mask is nought, so that the telephones cost little."""

PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Telephone(asyncio.Protocol):
    """Calls a port, then sends a frame for each that comes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._buffer = b""
        self._open = False
        self.frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(random.randbytes(16)).decode()
        transport.write(
            f"GET /phone HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take what came: the answer to the handshake, then frames."""
        self._buffer += data
        if not self._open:
            _, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self._open, self._buffer = True, rest
            call = json.dumps({"type": "call", "port": self._port}).encode()
            self._transport.write(bytes((0x81, 0x80 | len(call))) + b"\0\0\0\0" + call)
        heard = self._take()
        if heard:
            self.frames += heard
            self._transport.write(VOICE * heard)

    def _take(self) -> int:
        """Take whole frames out of the buffer; how many of them were voice."""
        heard = at = 0
        buffer = self._buffer
        while len(buffer) - at >= 2:
            length, begin = buffer[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            if len(buffer) < begin + length:
                break
            heard += buffer[at] == 0x82
            at = begin + length
        self._buffer = buffer[at:]
        return heard


async def telephones(exchange_port: int, lines: int) -> None:
    """All telephones, in a process of their own, until they are killed."""
    loop = asyncio.get_running_loop()
    for port in range(1, lines + 1):
        await loop.create_connection(partial(Telephone, port), "127.0.0.1", exchange_port)
    await asyncio.Event().wait()


async def converse(tcp_port: int, folder: Path, seconds: int) -> None:
    """One client: answer, play without end, record for so many seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", tcp_port)
    for request in (
        "ctwaitforring arg1=1",
        "ctanswer",
        f"ctplayasync arg1={folder / 'music.au'} arg2=ignore_dtmf",
        f"ctrecord arg1={folder / f'{tcp_port}.wav'} arg2={seconds}",
    ):
        cmd, _, arguments = request.partition(" ")
        writer.write(f"cmd={cmd} {arguments} \n".encode())
        while True:
            line = (await reader.readuntil(b"\n")).decode().strip("\0\n")
            if line.startswith(f"rly={cmd} "):
                break
        assert "arg1=OK" in line, line
    writer.close()


def processor_seconds(pid: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KB / 1024


def free_ports(count: int) -> int:
    """The first of so many consecutive free TCP ports."""
    while True:
        first = random.randrange(10_000, 32_768 - count)
        probes = []
        try:
            for port in range(first, first + count):
                probes.append(socket.socket())
                probes[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
        return first


async def talk(first: int, lines: int, seconds: int, folder: Path, pid: int) -> float:
    """All clients at once; the server's processor seconds in a second of the middle."""
    clients = [asyncio.create_task(converse(first + 2 + n, folder, seconds)) for n in range(lines)]
    await asyncio.sleep(3)  # everyone is in a call
    before = processor_seconds(pid)
    await asyncio.sleep(seconds - 4)
    used = (processor_seconds(pid) - before) / (seconds - 4)
    await asyncio.gather(*clients)
    return used


def measure(lines: int, seconds: int) -> None:
    """One run; prints its figures."""
    first = free_ports(lines + 2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        codes = random.randbytes(8000 * (seconds + 30))
        header = b".snd" + b"".join(n.to_bytes(4, "big") for n in (24, len(codes), 1, 8000, 1))
        (folder / "music.au").write_bytes(header + codes)
        server = subprocess.Popen(
            [sys.executable, __file__, "--server", str(first), str(lines), name], stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        assert server.stdout.readline() == b"Started!\n"
        idle_mb = memory_mb(server.pid)
        phones = subprocess.Popen([sys.executable, __file__, "--phones", str(first + 1), str(lines)])
        used = asyncio.run(talk(first, lines, seconds, folder, server.pid))
        busy_mb = memory_mb(server.pid)
        for process in (server, phones):
            process.terminate()
            process.wait()
        stopped = json.loads((folder / "log").read_text().splitlines()[-1])
        sizes = {path.stat().st_size for path in folder.glob("*.wav")}
    assert sizes == {44 + 16000 * seconds}, sizes
    print(f"lines             {lines}, {seconds} s, each playing and recording")
    print(f"ticks 20 ms late  {stopped['late']} of {stopped['ticks']} ({stopped['late'] / stopped['ticks']:.2%})")
    print(f"processor         {used:.1%} of a core, {used / lines:.2%} a line")
    print(f"memory            {busy_mb:.0f} MB, {(busy_mb - idle_mb) / lines:.2f} MB a line more than at rest")


def run_server(first: int, lines: int, folder: Path) -> None:
    """The server, in a process of its own."""
    settings = Settings(
        first_port=first + 2,
        manager_port=first,
        exchange_port=first + 1,
        lines=tuple(LineSettings(number) for number in range(1, lines + 1)),
        log=folder / "log",
    )
    asyncio.run(serve(settings))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--server", first, lines, folder]:
            run_server(int(first), int(lines), Path(folder))
        case ["--phones", port, lines]:
            asyncio.run(telephones(int(port), int(lines)))
        case [lines, seconds]:
            measure(int(lines), int(seconds))
        case _:
            measure(lines=100, seconds=20)
