"""A real daemon whose TCP ports strangers can reach: whatever they do to some, calls on the others go through."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.system import StartSystem, System

ATTACKED = 1
UNTOUCHED = 2

DESCRIPTORS = 3 * 8 + 72 + 164
"""Of ctserver, more than at rest: eight clients at each of three doors, the exchange's places, and what asyncio takes
from the kernel at once before it can be turned away. Hundreds more than that try to get in."""

MORE_MB = 150
"""Memory that an attack may cost ctserver at most: what it holds for each client is bounded."""

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing sends a reset


class Attackers:
    """Strangers on the ports of a system's ctserver and exchange."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.exchange = int(str(system.config["exchange"]["listen"]).rpartition(":")[2])
        self.manager = int(system.config["ctserver"][0]["manager_port"])
        self.attacked = system.first_port + ATTACKED - 1
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, tcp_port: int) -> asyncio.StreamWriter:
        """A connection that stays."""
        _, writer = await asyncio.open_connection("127.0.0.1", tcp_port)
        self._writers.append(writer)
        return writer

    async def say(self, tcp_port: int, data: bytes, times: int = 1) -> None:
        """Say something again and again, and stay; to be thrown out is what an attacker is prepared for."""
        with contextlib.suppress(ConnectionError):
            writer = await self.connect(tcp_port)
            for _ in range(times):
                writer.write(data)
                await asyncio.wait_for(writer.drain(), 1)

    async def silent_by_the_hundred(self) -> None:
        """Connections to every door that say nothing."""
        for tcp_port in (self.attacked, self.manager, self.exchange) * 100:
            with contextlib.suppress(ConnectionError):
                await self.connect(tcp_port)

    async def floods(self) -> None:
        """Requests as fast as they go, and far ahead of one that blocks."""
        quick = b"cmd=ctclear src=0 dst=0 \n" * 500
        states = b"cmd=portstatus src=0 dst=-2 \n" * 500
        blocks = b"cmd=ctsleep src=0 dst=0 arg1=999999 \n" * 500
        with contextlib.suppress(TimeoutError):
            await asyncio.gather(*(self.say(self.attacked, data, 4) for data in (quick, states, blocks, blocks)))

    async def slow_readers(self) -> None:
        """They ask for much, and read nothing."""
        for _ in range(2):
            with contextlib.suppress(ConnectionError):
                writer = await self.connect(self.attacked)
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(b"cmd=portstatus src=0 dst=-2 \n" * 60_000)  # to which the replies are megabytes
        log = self.system.state / "ctserver.log"
        await self.system.until(lambda: "does not read" in log.read_text())

    async def endless_lines(self) -> None:
        """Lines without an end, to clients' doors and to the exchange's."""
        with contextlib.suppress(TimeoutError):
            await asyncio.gather(
                *(self.say(door, b"x" * 64_000, 30) for door in (self.attacked, self.manager, self.exchange) * 3)
            )

    async def garbage(self) -> None:
        """All kinds of it, in the middle of which the connection is reset."""
        for data in (
            bytes(range(256)) * 50,
            b"\0" * 9000,
            b"GET / HTTP/1.1\r\n\r\ncmd=ctanswer \n",
            b"\xff" * 70_000,
        ):
            for door in (self.attacked, self.manager, self.exchange):
                with contextlib.suppress(ConnectionError):
                    writer = await self.connect(door)
                    writer.write(data)
                    await writer.drain()
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    writer.close()

    async def escapes(self) -> None:
        """Files of others are neither read nor written: each request is refused, and says why in one word."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.manager)
        asked = f"src=-2 dst={ATTACKED - 1}"
        outside = self.system.folder.parent
        names = ("/etc/passwd", "/dev/zero", f"{self.system.state}/../../x.wav", f"{outside}/x.wav")
        writer.write(f"cmd=ctanswer {asked} \n".encode())
        for name in names:
            writer.write(f"cmd=ctplay {asked} arg1={name} \ncmd=ctrecord {asked} arg1={name} arg2=1 \n".encode())
        writer.write(f"cmd=cthangup {asked} \n".encode())
        refused: list[bytes] = []
        async with asyncio.timeout(10):
            while not (line := await reader.readline()).strip(b"\0").startswith(b"rly=cthangup"):
                refused += [line] if b"ERROR" in line else []
        assert len(refused) == 2 * len(names), refused
        told = b" arg1=ERROR arg2="
        assert {line.split(told)[1].split(b" ")[0] for line in refused} <= {b"outside-folders", b"cannot-record"}
        assert not list(outside.glob("*.wav*"))
        writer.transport.abort()

    def leave(self) -> None:
        """All at once."""
        for writer in self._writers:
            writer.transport.abort()


def memory_mb(pid: int) -> float:
    """Resident memory of a process, at its highest."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def descriptors(pid: int) -> int:
    """Files and sockets that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def a_call(system: System, port: int) -> None:
    """Somebody calls, and hears when to speak."""
    called = await system.phone(port, "until", "beep", "hangup")
    assert called.status == 0, called


async def test_attacked_port_harms_no_other(start_system: StartSystem) -> None:
    """Calls go through meanwhile; afterwards the attacked port takes one, and nothing is left of it all."""
    system = await start_system(["voicemail"], ["voicemail"], changes={"exchange": {"speed": 10.0}})
    (ctserver,) = (await system.status()).ctserver
    pid = ctserver.pid
    assert pid is not None
    before_mb, before = memory_mb(pid), descriptors(pid)
    attackers = Attackers(system)
    attacks: list[Callable[[], Awaitable[None]]] = [
        attackers.silent_by_the_hundred, attackers.floods, attackers.slow_readers, attackers.endless_lines,
        attackers.garbage,
    ]  # fmt: skip
    call = asyncio.create_task(a_call(system, UNTOUCHED))
    most = 0
    for attack in attacks:
        await attack()
        most = max(most, descriptors(pid))
    await call
    await a_call(system, UNTOUCHED)  # while hundreds of connections are still there
    assert most <= before + DESCRIPTORS
    assert memory_mb(pid) <= before_mb + MORE_MB
    attackers.leave()
    await system.until(lambda: descriptors(pid) <= before + 2)
    await system.idle(ATTACKED)
    await attackers.escapes()
    await system.idle(ATTACKED)
    await a_call(system, ATTACKED)
    (after,) = (await system.status()).ctserver
    assert (after.pid, after.starts) == (pid, ctserver.starts), "ctserver fell over"
    lost = [line for line in system.log_lines if line["event"] == "disconnected"]
    assert not lost, "the daemon lost its place to strangers"
    log = (system.state / "ctserver.log").read_text()
    for told in ("makes room", "too far ahead", "does not read", "web page", "is really"):
        assert told in log
