"""Processes that tests start and watch: programs that stand for a ctserver, whether they are there, their ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

WAIT = 20.0
"""Seconds after which a test no longer waits for what should take a tenth of one."""

LISTENING = """
import os, signal, socket, subprocess, sys, threading

def answer(peer):
    while peer.recv(1000):
        peer.sendall(b"rly=serversion src=-2 dst=-2 arg1=OK arg2=0.0 argc=2\\n\\0")

words, ports = [w for w in sys.argv[1:] if not w.isdigit()], [int(w) for w in sys.argv[1:] if w.isdigit()]
if "stubborn" in words:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"])
if "late" in words:
    sys.stdin.readline()
doors = []
for port in ports:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.listen()
    doors.append(door)
print("Started!", flush=True)
while "answering" in words:
    threading.Thread(target=answer, args=doors[0].accept()[:1], daemon=True).start()
while True:
    signal.pause()
"""
"""Listens on the TCP ports among its arguments. ``answering``: the first is a manager's that tells its version;
``stubborn``: SIGTERM ends neither it nor its child; ``late``: it opens them when it has read a line."""


def exists(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def running_with(*words: str) -> list[int]:
    """The pids of the processes whose command lines hold all of these."""
    lines = {process.pid: " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    return [pid for pid, line in lines.items() if all(word in line for word in words)]


async def until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened that only a look can tell."""
    async with asyncio.timeout(WAIT):
        while not happened():  # noqa: ASYNC110 - nothing tells of what happens in another process
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    """Wait until a process is gone."""
    await until(lambda: not exists(pid))


def script(folder: Path, name: str, text: str = LISTENING) -> list[str]:
    """Write a program that is called so; returns what runs it."""
    file = folder / name
    file.write_text(text)
    return [sys.executable, str(file)]


@asynccontextmanager
async def started(
    *command: str, says: str = "Started!", cwd: Path | None = None, user: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program as long as the block lasts, once it has said this; it is killed with its children.

    As root, it can be run as any user.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE if says else asyncio.subprocess.DEVNULL,
        start_new_session=True,
        cwd=cwd,
        user=user,
        group=user,
    )
    try:
        if process.stdout is not None:
            assert (await asyncio.wait_for(process.stdout.readline(), WAIT)).decode().strip() == says
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children():
                child.kill()
        if process.returncode is None:
            process.kill()
        await process.communicate()
