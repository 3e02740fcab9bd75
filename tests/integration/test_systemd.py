"""The unit that ships: what systemd says of it, and a daemon under its rules."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from support.processes import started
from support.sandbox import settings_of
from support.system import ROOT, System

from ctportd.config import CtserverTable, DaemonTable

UNIT = ROOT / "systemd" / "ctportd.service"
SANDBOX = ROOT / "tests" / "support" / "sandbox.py"


@pytest.fixture(autouse=True)
def _needs_systemd() -> None:
    """Debian's package systemd has the command, and libseccomp."""
    if shutil.which("systemd-analyze") is None:
        assert not os.environ.get("CI"), "systemd-analyze is missing, which .ci/run installs"
        pytest.skip("there is no systemd-analyze on this machine; install the package systemd")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], check=False, capture_output=True, text=True, timeout=30
    )


def test_exposure() -> None:
    """Systemd's own measure of what a service that was taken over could do: 0 is nothing, 10 all."""
    said = analyze("security", "--offline=true", str(UNIT)).stdout
    found = re.search(r"Overall exposure level for ctportd.service: ([0-9.]+) ", said)
    assert found, said
    assert float(found[1]) <= 2.0, said


def test_verified(tmp_path: Path) -> None:
    """Systemd finds no mistake in it."""
    unit = tmp_path / "ctportd.service"
    text, substituted = re.subn("(?m)^(Exec[A-Za-z]+)=[^ ]+", r"\1=/bin/true", UNIT.read_text())
    assert substituted == 2
    unit.write_text(text)
    verified = analyze("verify", str(unit))
    assert verified.returncode == 0, verified
    assert "ctportd" not in verified.stdout + verified.stderr


def test_a_mistake_would_be_found(tmp_path: Path) -> None:
    """The test above can fail."""
    unit = tmp_path / "ctportd.service"
    unit.write_text(UNIT.read_text().replace("KillMode=mixed", "KillMode=mixd"))
    assert "mixd" in analyze("verify", str(unit)).stderr


def test_time_to_stop_is_enough() -> None:
    """Systemd kills nobody who is still within the times that the configuration gives by default."""
    daemon = msgspec.structs.asdict(DaemonTable())
    times = (daemon.get("drain_timeout", 30.0), daemon["stop_timeout"], CtserverTable().stop_timeout)
    assert float(settings_of(UNIT)["TimeoutStopSec"][0]) >= sum(times) + 5


def test_files_are_enough() -> None:
    """As many as the daemon would allow itself, which the sandbox does not let it."""
    assert settings_of(UNIT)["LimitNOFILE"] == ["65536"]


def test_folders_are_its_own() -> None:
    """Nothing that it writes is for others to read, and it may write nowhere else."""
    settings = settings_of(UNIT)
    assert settings["UMask"] == ["0027"]
    for folder in ("State", "Runtime", "Logs"):
        assert settings[f"{folder}Directory"] == ["ctportd"]
        assert settings[f"{folder}DirectoryMode"] == ["0750"]
    assert settings["ProtectSystem"] == ["strict"]


FORBIDDEN = """
import mmap, os, socket
def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
print(all([
    refused(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)),
    refused(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))),
    refused(lambda: os.chroot("/")),
]))
"""


async def test_rules_are_rules() -> None:
    """What the next test runs under refuses what the unit refuses."""
    command = [sys.executable, str(SANDBOX), str(UNIT), sys.executable, "-c", FORBIDDEN]
    async with started(*command, says="True") as process:
        assert process.pid


def mode(path: str) -> int:
    """A file's permissions."""
    return Path(path).stat().st_mode & 0o777


async def test_daemon_runs_under_its_rules(tmp_path: Path) -> None:
    """Started as systemd would confine it, the daemon takes a message, shows its status, restarts, and stops."""
    system = System(tmp_path / "system", [["voicemail"]])
    system.write_config()
    daemon = [sys.executable, "-m", "ctportd", "--config", str(system.config_path)]
    async with started(sys.executable, str(SANDBOX), str(UNIT), *daemon, says="", cwd=system.folder) as process:
        await system.until((system.state / "ctportd.log").exists)
        await system.logged("ready")
        called = await system.phone(1, "--number", "5550100", "until", "beep", "wait", "2", "press", "#", "until",
                                    "vm-thanks", "hangup")  # fmt: skip
        assert called.status == 0, called
        await system.call_record("5550100")
        (message,) = await system.messages()
        assert mode(message.path) == 0o640
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
        refused = [line for line in system.log_lines if "not permitted" in str(line)]
        assert refused == []
