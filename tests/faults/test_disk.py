"""Disks that are full, and disks that have become read-only, while callers speak.

The disk is a small one of the test's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from support.system import System, environment, tick

from ctportd.control.client import ControlClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ctportd.status import Status

NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
"""Runs a command with mounts of its own, which are gone when it ends."""

SIZE = 8_000_000  # bytes of the disk
BALLAST = "ballast"


def can_mount() -> bool:
    """Whether this machine lets the test have a disk of its own."""
    try:
        return subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not can_mount(), reason="no mount namespaces here: neither root nor allowed to be")


class SmallDisk(System):
    """A daemon whose state folder is a disk of eight megabytes; its logs and its socket are elsewhere."""

    def __init__(self, folder: Path, min_free: float) -> None:
        elsewhere: dict[str, dict[str, Any]] = {
            "daemon": {"min_free": min_free},
            "log": {"file": "ctportd.log"},
            "control": {"socket": "ctportd.sock"},
        }
        super().__init__(folder, [["voicemail"]], {"voicemail": {"silence": 0, "longest": 600}}, elsewhere)
        self.config["exchange"]["log"] = "ctserver.log"
        (folder / "state").mkdir()
        mount = f'mount -t tmpfs -o size={SIZE} tmpfs "$0" && exec "$@"'
        self.wrapper = [*NAMESPACE, "sh", "-c", mount, str(folder / "state")]

    @property
    def state(self) -> Path:
        """The disk, as the daemon sees it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.folder}/state")

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """The log is on another disk."""
        return [json.loads(line) for line in (self.folder / "ctportd.log").read_text().splitlines()]

    async def status(self) -> Status:
        """So is the socket."""
        return await ControlClient(self.folder / "ctportd.sock").status()

    def within(self, *command: str) -> None:
        """Run a command where the disk is."""
        assert self.process is not None
        subprocess.run(["nsenter", "--mount", "--target", str(self.process.pid), *command], check=True)

    async def told(self, command: str) -> list[dict[str, Any]]:
        """What ``messages`` or ``calls`` prints where the disk is: SQLite would look for it where it is not."""
        assert self.process is not None
        enter = ("nsenter", "--mount", "--target", str(self.process.pid), f"--wd={self.folder}")
        ctportd = (sys.executable, "-m", "ctportd", "--config", str(self.config_path))
        process = await asyncio.create_subprocess_exec(
            *enter, *ctportd, command, "--json", env=environment(), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        rows: list[dict[str, Any]] = json.loads(out)
        return rows

    def fill(self, free: int) -> None:
        """Leave so many bytes free."""
        disk = os.statvfs(self.state)
        (self.state / BALLAST).write_bytes(bytes(max(0, disk.f_bavail * disk.f_frsize - free)))


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    """A daemon on a small disk."""
    system = SmallDisk(tmp_path, 0.0)
    await system.start()
    try:
        yield system
    finally:
        await system.stop()


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A minute of the caller's voice."""
    path = tmp_path / "voice.wav"
    soundfile.write(path, 0.5 * np.sin(np.arange(60 * 8000) / 3), 8000)
    return path


async def test_disk_that_fills_while_a_caller_speaks(disk: SmallDisk, voice: Path) -> None:
    """What was spoken until then is a message; callers hear that no more can be taken; with room again, all is well."""
    disk.fill(free=300_000)
    caller = await disk.phone(1, "--number", "5550101", "until", "beep", "say", str(voice))
    assert any(line.get("prompt") == "vm-unavailable" for line in caller.happenings), caller
    await disk.logged("ctserver could not go on recording")
    refused = await disk.phone(1, "--number", "5550102", "until", "vm-unavailable")
    assert refused.status == 0, refused
    (disk.state / BALLAST).unlink()
    async with asyncio.timeout(30):
        while not await disk.told("messages") or not all(call["ended_at"] for call in await disk.told("calls")):
            await tick()
    (message,) = await disk.told("messages")
    assert (message["number"], message["cut_short"]) == ("5550101", True)
    assert message["seconds"] > 2
    assert len(await disk.told("calls")) == 2
    assert (
        soundfile.info(disk.state / Path(message["path"]).relative_to(disk.folder / "state")).duration
        == message["seconds"]
    )
    again = await disk.phone(1, "until", "beep", "wait", "3", "press", "#", "until", "vm-thanks")
    assert again.status == 0, again
    assert len(await disk.told("messages")) == 2


async def test_disk_that_has_become_read_only(disk: SmallDisk) -> None:
    """As a worn-out card does: callers hear that no message can be taken, calls go on, nothing falls over."""
    folder = str(disk.folder / "state")
    over = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'  # what is open already stays writable
    await asyncio.to_thread(disk.within, "sh", "-c", over, folder)
    refused = await disk.phone(1, "until", "vm-unavailable")
    assert refused.status == 0, refused
    await disk.logged("no message can be taken")
    await asyncio.to_thread(disk.within, "umount", folder)
    again = await disk.phone(1, "until", "beep", "wait", "3", "press", "#", "until", "vm-thanks")
    assert again.status == 0, again
    assert len(await disk.told("messages")) == 1


async def test_too_little_room_is_told_before_the_greeting(tmp_path: Path) -> None:
    """Below ``min_free`` nobody is asked to speak."""
    system = SmallDisk(tmp_path, 5.0)
    await system.start()
    try:
        system.fill(free=4_000_000)
        refused = await system.phone(1, "until", "vm-unavailable")
        assert refused.status == 0, refused
        assert [line["prompt"] for line in refused.happenings if line["event"] == "played"] == ["vm-unavailable"]
        assert not list(system.state.glob("voicemail/*/incoming/*"))
        (line,) = [line for line in system.log_lines if line["event"] == "no message can be taken"]
        assert "has 4 MB free where 5 are wanted: see [daemon] min_free" in line["error"]
    finally:
        assert await system.stop() == 0
