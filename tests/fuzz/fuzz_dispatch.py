"""Fuzzing of ctserver behind its sockets: hostile clients and telephones, and a clock that the input drives.

An input is a row of happenings, each ended by 0xFE: its first byte says what happens and to whom, the rest is what is
said. Whatever it was, a client that behaves is served afterwards, and no fault was answered for.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["ctportd"]):
    from ctportd.ctserver.exchange import Session
    from ctportd.ctserver.log import ServerLog
    from ctportd.ctserver.server import Server
    from ctportd.ctserver.settings import LineSettings, Settings
    from ctportd.ctserver.telephone import Telephone

LINES = (LineSettings(1), LineSettings(2, "trunk", "200"), LineSettings(3, "station"))
DOORS = (1, 1, 2, 3, 0)
"""The ports of the hostile clients; 0: the manager."""

PATIENCE = 10.0  # real seconds: files are read by threads


class MemoryTransport(asyncio.Transport):
    """A connection of which the far end is this program."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self.reader: asyncio.StreamReader | None = None
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.said += data

    def get_write_buffer_size(self) -> int:
        """All that was said: nobody reads it."""
        return len(self.said)

    def is_closing(self) -> bool:
        """Whether it was closed from either side."""
        return self._closing

    def close(self) -> None:
        """Close it."""
        self._closing = True
        if self.reader is not None and not self.reader.at_eof():
            self.reader.feed_eof()

    abort = close


class Connection:
    """A client's connection to a door of the server."""

    def __init__(self, server: Server, number: int) -> None:
        loop = asyncio.get_running_loop()
        self.transport = MemoryTransport()
        self.reader = self.transport.reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(self.reader, loop=loop)
        writer = asyncio.StreamWriter(self.transport, protocol, self.reader, loop)
        port = server.services.ports[number] if number else None
        server._accept(port, self.reader, writer)

    def say(self, data: bytes) -> None:
        """Send something."""
        if not self.transport.is_closing():
            self.reader.feed_data(data)

    def leave(self) -> None:
        """The far end closes."""
        self.transport.close()


class World:
    """A server with those who speak to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients = [Connection(server, number) for number in DOORS]
        self.phones = [self._phone() for _ in range(3)]

    def _phone(self) -> Session:
        server = self.server
        return Session(Telephone(MemoryTransport()), server._board.lines, server._directory, server.services.log)

    async def happen(self, happening: bytes) -> None:
        """One thing happens."""
        what, said = happening[0], happening[1:]
        match what % 16:
            case 10 | 11:
                for _ in range(1 + what // 4):
                    self.server._tick()
            case 12:
                self.phones[what // 16 % 3].voice(said)
            case 13:
                self.clients[what // 16 % len(DOORS)].leave()
            case 14:
                self.phones[what // 16 % 3].gone()
                self.phones[what // 16 % 3] = self._phone()
            case 7 | 8 | 9 as phone:
                self.phones[phone - 7].text(said.decode("utf-8", "replace"))
            case client:
                self.clients[client % len(DOORS)].say(said)
        for _ in range(6):
            await asyncio.sleep(0)

    async def until(self, met: Any) -> None:
        """Let lines and threads get on until something is so."""
        async with asyncio.timeout(PATIENCE):
            turns = 0
            while not met():
                self.server._tick()
                turns += 1
                await asyncio.sleep(0 if turns < 50 else 0.0005)  # what it waits for then is a thread

    async def end(self) -> None:
        """All leave, and whoever behaves is served."""
        for client in self.clients:
            client.leave()
        for phone in self.phones:
            phone.gone()
        server = self.server
        await self.until(
            lambda: not server._clients and not any(p.turn.locked() for p in server.services.ports.values())
        )
        for client in self.clients:
            assert b"internal-error" not in client.transport.said, bytes(client.transport.said)
        good = Connection(server, 1)
        good.say(b"cmd=ctclear src=0 dst=0 \ncmd=ctsleep src=0 dst=0 arg1=0 \n")
        await self.until(lambda: good.transport.said.count(b"arg1=OK") == 2)
        good.leave()
        await self.until(lambda: not server._clients)
        assert not server.services.ports[1].listeners
        assert not server._rooms[server.services.ports[1]].taken


async def play(data: bytes, log: ServerLog, folder: Path) -> None:
    """One input, with a server of its own."""
    settings = Settings(lines=LINES, record_folders=(folder,), play_folders=(folder,))
    server = Server(settings, log)
    try:
        world = World(server)
        for happening in data.split(b"\xfe")[:60]:
            if happening:
                await world.happen(happening)
        await world.end()
    finally:
        await server.close()


def main() -> None:
    """Fuzz, in a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ctportd-fuzz-"))
    argv = [str(Path(argument).absolute()) if not argument.startswith("-") else argument for argument in sys.argv]
    shutil.copy(Path(__file__).parents[2] / "ctportd" / "prompts" / "beep.au", folder / "beep.au")
    os.chdir(folder)
    log = ServerLog(Path(os.devnull))
    runner = asyncio.Runner()
    runs = 0

    def one_input(data: bytes) -> None:
        nonlocal runs
        runs += 1
        if runs % 200 == 0:
            for path in folder.glob("*"):
                if path.name != "beep.au" and path.is_file():
                    path.unlink()
        runner.run(play(data, log, folder))

    atheris.Setup(argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
