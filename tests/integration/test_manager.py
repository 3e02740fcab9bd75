"""The unit that ships, under a real systemd."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from support.manager import managing, why_not
from support.system import ROOT, System

LEFT_OUT = {
    "User": "the manager's own user is who runs it",
    "Group": "as for User=",
    "ProtectHome": "the tests' Python may be in a home",
    "PrivateTmp": "or in /tmp, where the test's folder is too",
    "ProtectKernelLogs": "it hides files behind some that only the system's manager makes",
    "ProtectKernelTunables": "as for ProtectKernelLogs=",
}
"""What a user's manager, or a test, cannot have of the unit, and why."""

CHANGES = "[Service]\nWatchdogSec=2\nRestartSec=0.1\n"
"""As somebody would make them, in a drop-in: a test does not wait for 30 seconds."""


@pytest.fixture(autouse=True)
def _needs_a_manager() -> None:
    """A real one, apart from the machine's."""
    if reason := why_not():
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)


def adapted(unit: str, system: System, home: Path) -> str:
    """The unit without what is left out, with the test's Python, configuration and folders."""
    lines = [line for line in unit.splitlines() if line.partition("=")[0] not in LEFT_OUT]
    text = "\n".join(lines).replace("/usr/bin/ctportd ", f"{sys.executable} -m ctportd ")
    text = text.replace("/etc/ctportd/ctportd.toml", str(system.config_path))
    return text.replace("/var/lib/ctportd", str(home / "ctportd"))


@pytest.mark.timeout(180)
async def test_service() -> None:
    """It is active when it is ready, tells how it is, reloads, is started anew when it is killed or hangs, and stops."""
    with tempfile.TemporaryDirectory(prefix="ctportd-") as name:  # a short name: it holds sockets
        folder = Path(name)
        home = folder / "home"
        (folder / "system").mkdir()
        places = {
            "daemon": {"state": str(home / "ctportd")},
            "plugins": {"directory": str(folder / "system/plugins")},
        }
        system = System(folder / "system", [["voicemail"]], changes=places)
        system.write_config()
        drop_in = folder / "units/ctportd.service.d/override.conf"
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text(f"{CHANGES}StandardError=append:{folder}/told\n")
        unit = adapted((ROOT / "systemd/ctportd.service").read_text(), system, home)
        (folder / "units/ctportd.service").write_text(unit)
        async with managing(folder) as manager:
            started = await manager.ctl("start", "ctportd")
            assert started == (0, ""), (folder / "told").read_text()
            first = await manager.shows(
                "ctportd", ActiveState="active", StatusText="ready: 1 of 1 ports connected"
            )
            assert (await manager.ctl("reload", "ctportd"))[0] == 0
            assert (await manager.shows("ctportd", ActiveState="active"))["MainPID"] == first["MainPID"]
            for times, signal in enumerate(("KILL", "STOP"), 1):
                assert await manager.ctl("kill", "--kill-who=main", f"--signal={signal}", "ctportd") == (0, "")
                again = await manager.shows(
                    "ctportd", NRestarts=str(times), ActiveState="active", StatusText="ready"
                )
                assert again["MainPID"] != first["MainPID"]
            assert await manager.ctl("stop", "ctportd") == (0, "")
            await manager.shows("ctportd", ActiveState="inactive", Result="success", ExecMainStatus="0")
