"""A systemd that a test can have: a manager of a user's services, in namespaces of its own. Only root can have one."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psutil

from support.processes import WAIT, until
from support.system import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_APART = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def why_not() -> str:
    """Why this machine cannot have one; nothing: it can."""
    if shutil.which("systemctl") is None:
        return "there is no systemd on this machine"
    tried = subprocess.run([*_APART, "mount", "--make-rprivate", "/"], check=False, capture_output=True, text=True)
    return tried.stderr.strip()


class Manager:
    """One that runs; see `managing`."""

    def __init__(self, pid: int, environ: dict[str, str]) -> None:
        self._command = ["nsenter", f"--target={pid}", "--mount", "--pid", "systemctl", "--user", "--no-pager"]
        self._environ = environ

    async def ctl(self, *arguments: str) -> tuple[int, str]:
        """Ask systemctl; returns its status, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, env=self._environ, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), WAIT)
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def shows(self, unit: str, **wanted: str) -> dict[str, str]:
        """Wait until a unit has these properties; returns the properties that were asked for, and the main pid."""
        deadline = time.monotonic() + WAIT
        while True:
            _, told = await self.ctl("show", unit, f"--property={','.join([*wanted, 'MainPID', 'NRestarts'])}")
            shown = dict(line.partition("=")[::2] for line in told.splitlines())
            if all(shown.get(key, "").startswith(value) for key, value in wanted.items()):
                return shown
            assert time.monotonic() < deadline, told
            await asyncio.sleep(0.05)


@asynccontextmanager
async def managing(folder: Path) -> AsyncIterator[Manager]:
    """Have one as long as the block lasts, with the units in ``units`` of a folder; with it, all that it runs ends."""
    (folder / "run").mkdir(mode=0o700)
    for target in ("basic", "shutdown", "exit"):  # what every unit of a service depends on
        (folder / "units" / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    environ = environment() | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"),
                               "SYSTEMD_UNIT_PATH": str(folder / "units")}  # fmt: skip
    environ |= dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(folder / "home"))
    script = ROOT / "tests" / "support" / "manager.sh"
    process = await asyncio.create_subprocess_exec(
        *_APART, "sh", str(script), str(folder), env=environ, stdin=asyncio.subprocess.PIPE
    )
    try:
        await until((folder / "run/systemd/private").exists)
        (inside,) = psutil.Process(process.pid).children()
        yield Manager(inside.pid, environ)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), WAIT)
