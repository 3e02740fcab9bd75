"""Systemd's side of sd_notify, played over a real socket: what the daemon says, and what becomes of one that hangs."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from support.processes import gone
from support.system import System, environment

if TYPE_CHECKING:
    from pathlib import Path

WATCHDOG = 2.0
"""Seconds, as WatchdogSec= would have it."""


async def heard(manager: socket.socket, wanted: str, within: float = 30.0) -> list[str]:
    """What is said until a message begins so."""
    said: list[str] = []
    async with asyncio.timeout(within):
        while not said or not said[-1].startswith(wanted):
            said.append((await asyncio.get_running_loop().sock_recv(manager, 1000)).decode())
    return said


async def test_hanging_daemon_is_ended(tmp_path: Path) -> None:
    """It says that it is ready, and lives; when it hangs it says nothing, and its ctserver ends with it."""
    system = System(tmp_path / "system", [["voicemail"]])
    system.write_config()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(int(WATCHDOG * 1_000_000))}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ctportd", "--config", str(system.config_path), cwd=system.folder,
            env=environment() | told, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await heard(manager, "READY=1")
            ctserver = (await system.status()).ctserver[0].pid
            assert ctserver is not None
            await heard(manager, "STATUS=ready: 1 of 1 ports connected, 0 calls")
            begun = time.monotonic()
            for _ in range(2):
                await heard(manager, "WATCHDOG=1")
            assert time.monotonic() - begun < 10 * WATCHDOG
            process.send_signal(signal.SIGSTOP)
            before = await _rest(manager)
            await asyncio.sleep(WATCHDOG)  # what systemd waits for does not come
            assert await _rest(manager) == [], before
            process.send_signal(signal.SIGABRT)
            process.send_signal(signal.SIGCONT)
            assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGABRT
            await gone(ctserver)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _rest(manager: socket.socket) -> list[str]:
    """What is there to be heard now."""
    said: list[str] = []
    while True:
        try:
            said.append(manager.recv(1000).decode())
        except BlockingIOError:
            return said
