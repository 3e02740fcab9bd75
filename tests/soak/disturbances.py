"""Faults of what lies between processes: connections, the database, the log, strangers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from support.system import environment

from ctportd.control.client import ControlClient
from ctportd.errors import CtportdError
from soak.fault import Fault

if TYPE_CHECKING:
    from random import Random

    from soak.house import House


class _Cut(Fault):
    @staticmethod
    def possible() -> bool:
        """The kernel destroys sockets for its administrator only, and not every kernel does."""
        return os.geteuid() == 0 and shutil.which("ss") is not None

    @staticmethod
    async def _cut(*tcp_ports: int) -> None:
        where = " or ".join(f"dport = :{port}" for port in tcp_ports)
        process = await asyncio.create_subprocess_exec(
            "ss", "--kill", "--tcp", "--no-header", "dst", "127.0.0.1", "and", "(", *where.split(), ")",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await process.wait() == 0, "ss cannot destroy sockets"


class CutPort(_Cut):
    """The connection of one port breaks."""

    name = "cut-port"
    does = "destroys the TCP connection of one port"
    costs = "the call on that port"

    async def make(self, house: House, random: Random) -> None:
        """Cut it; the daemon connects again."""
        await self._cut(house.first_port + random.randrange(len(house.config["port"])))


class CutAll(_Cut):
    """The network breaks."""

    name = "cut-all"
    does = "destroys every TCP connection between daemon and ctserver"
    costs = "the calls under way"

    async def make(self, house: House, random: Random) -> None:
        """Cut them all; the daemon connects again."""
        await self._cut(*range(house.first_port, house.first_port + len(house.config["port"]) + 1))


class CutManager(_Cut):
    """The manager's connection breaks."""

    name = "cut-manager"
    does = "destroys the manager's TCP connection"
    costs = "nothing"

    async def make(self, house: House, random: Random) -> None:
        """Cut it; the daemon connects again."""
        await self._cut(house.config["ctserver"][0]["manager_port"])


class LockDatabase(Fault):
    """A backup, or somebody with the database's own tool, holds it."""

    name = "lock-database"
    does = "another process holds SQLite's write lock, 1 to 8 s: longer than the daemon waits for it in one go"
    costs = "nothing"

    async def make(self, house: House, random: Random) -> None:
        """Lock it from another process, and let it go."""
        script = """
            import contextlib, sqlite3, sys, time
            with contextlib.closing(sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)) as database:
                database.execute("BEGIN EXCLUSIVE")
                time.sleep(float(sys.argv[2]))
                database.execute("ROLLBACK")
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(script), str(house.state / "ctportd.db"),
            str(random.uniform(1, 8)), env=environment(), stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.wait()


class Rotate(Fault):
    """The logs are rolled in the middle of everything."""

    name = "rotate"
    does = "`ctportd rotate`"
    costs = "nothing"

    async def make(self, house: House, random: Random) -> None:
        """Roll them."""
        with contextlib.suppress(CtportdError):
            await ControlClient(house.state / "ctportd.sock").rotate()


class Garbage(Fault):
    """A stranger, or a port scanner, on ctserver's ports."""

    name = "garbage"
    does = "floods a port of ctserver, and the exchange, with bytes that mean nothing"
    costs = "nothing"

    async def make(self, house: House, random: Random) -> None:
        """Flood one of each."""
        tcp_port = house.first_port + random.randrange(len(house.config["port"]))
        exchange = int(house.config["exchange"]["listen"].rpartition(":")[2])
        await asyncio.gather(self._flood(tcp_port, random), self._flood(exchange, random))

    @staticmethod
    async def _flood(tcp_port: int, random: Random) -> None:
        with contextlib.suppress(OSError):  # it may be down, or close the door: both are its right
            _, writer = await asyncio.open_connection("127.0.0.1", tcp_port)
            try:
                for _ in range(50):
                    writer.write(random.randbytes(4096))
                    async with asyncio.timeout(2):
                        await writer.drain()
            finally:
                writer.transport.abort()
