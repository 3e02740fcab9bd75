"""The faults that the soak makes, each with its name, what it does and what it may cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import textwrap
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import msgspec
from support.system import environment

from ctportd.control.client import ControlClient
from ctportd.errors import CtportdError
from soak.house import signal_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from soak.house import House


_YOUTH = 10.0
"""Seconds of a run after which the daemon takes ctserver for good, and starts it again at once when it dies."""

_OLD = 0.75
"""The part of ctserver's deaths that come after its youth."""


class Made(msgspec.Struct):
    """A fault that was made.

    Attributes:
        name: Which.
        began: When, on the wall clock.
        over: When it was undone and the system was up again.
    """

    name: str
    began: float
    over: float = 0.0


class Fault(ABC):
    """Something that goes wrong.

    Attributes:
        name: What it is called on the command line.
        does: What it does.
        costs: What it may cost; messages are never among it.
        ends: Whose life it ends: ``daemon``, ``ctserver``.
    """

    name: ClassVar[str]
    does: ClassVar[str]
    costs: ClassVar[str]
    ends: ClassVar[frozenset[str]] = frozenset()

    @staticmethod
    def possible() -> bool:
        """Whether this machine lets us make it."""
        return True

    async def prepare(self, house: House, random: Random) -> None:  # noqa: B027 - most can be made at any time
        """Wait until it makes sense."""

    @abstractmethod
    async def make(self, house: House, random: Random) -> None:
        """Make it, and undo what does not undo itself."""


class _EndCtserver(Fault):
    ends = frozenset({"ctserver"})

    async def prepare(self, house: House, random: Random) -> None:
        """Mostly, let it live until the daemon takes it for good: one that dies young is waited for ever longer."""
        if random.random() < _OLD:
            await house.let_ctserver_live(_YOUTH)


class KillCtserver(_EndCtserver):
    """The card's driver takes ctserver with it."""

    name = "kill-ctserver"
    does = "SIGKILL to ctserver"
    costs = "the calls under way; of a recording what was on its way and its last second"

    async def make(self, house: House, random: Random) -> None:
        """Kill it; the daemon starts it again."""
        house.end_ctserver(signal.SIGKILL)


class KillDaemon(Fault):
    """The kernel is out of memory."""

    name = "kill-daemon"
    does = "SIGKILL to the daemon, which is started again"
    costs = "the calls under way; the record of a call that began in the second before"
    ends = frozenset({"daemon", "ctserver"})

    async def make(self, house: House, random: Random) -> None:
        """Kill it, and start it again a moment later."""
        await house.end_daemon(signal.SIGKILL)
        await asyncio.sleep(random.uniform(0, 1))


class KillBoth(Fault):
    """The machine loses its power, as far as processes can tell."""

    name = "kill-both"
    does = "SIGKILL to the daemon and to ctserver in the same moment"
    costs = "as kill-ctserver and kill-daemon"
    ends = frozenset({"daemon", "ctserver"})

    async def make(self, house: House, random: Random) -> None:
        """Kill both."""
        house.end_ctserver(signal.SIGKILL)
        await house.end_daemon(signal.SIGKILL)


class Restart(Fault):
    """An upgrade in the middle of calls."""

    name = "restart"
    does = "SIGTERM to the daemon in the middle of calls; then it is started again"
    costs = "the calls under way"
    ends = frozenset({"daemon", "ctserver"})

    async def make(self, house: House, random: Random) -> None:
        """End it in order, and start it again."""
        status = await house.end_daemon(signal.SIGTERM)
        if status != 0:
            house.troubles.append(f"the daemon ended with exit status {status} on SIGTERM")


class TerminateCtserver(_EndCtserver):
    """Somebody else ends ctserver in order."""

    name = "terminate-ctserver"
    does = "SIGTERM to ctserver"
    costs = "the calls under way"

    async def make(self, house: House, random: Random) -> None:
        """End it; the daemon starts it again."""
        house.end_ctserver(signal.SIGTERM)


class _Pause(Fault):
    longest: ClassVar[float]

    async def _pause(self, pid: int | None, random: Random) -> None:
        signal_to(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(random.uniform(0.3, self.longest))
        finally:
            signal_to(pid, signal.SIGCONT)


class PauseCtserver(_Pause):
    """Ctserver hangs for a while."""

    name = "pause-ctserver"
    does = "SIGSTOP to ctserver, up to 4 s of the clock"
    costs = "calls that wait for it longer than their requests may take"
    longest = 4.0

    async def make(self, house: House, random: Random) -> None:
        """Stop it, and let it go on."""
        await self._pause(house.ctserver, random)


class PauseDaemon(_Pause):
    """The daemon gets no processor for a while."""

    name = "pause-daemon"
    does = "SIGSTOP to the daemon, up to 2 s of the clock"
    costs = "callers who give up meanwhile; the name and number of who rang"
    longest = 2.0

    async def make(self, house: House, random: Random) -> None:
        """Stop it, and let it go on."""
        await self._pause(house.daemon, random)


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


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        KillCtserver(), KillDaemon(), KillBoth(), Restart(), TerminateCtserver(), PauseCtserver(), PauseDaemon(),
        CutPort(), CutAll(), CutManager(), LockDatabase(), Rotate(), Garbage(),
    )
}  # fmt: skip
"""All of them, by name."""


async def make(fault: Fault, house: House, random: Random, moment: Callable[[], Awaitable[None]]) -> Made:
    """Make a fault at the right ``moment``, and wait until the system has come back from it."""
    await fault.prepare(house, random)
    await moment()
    house.expect_daemon("the last fault")
    made = Made(fault.name, time.time())
    await fault.make(house, random)
    if "daemon" not in fault.ends:
        house.expect_daemon(fault.name)
    await house.recover(fault.name)
    made.over = time.time()
    return made
