"""An installation in a temporary folder, as a reader of a page has it: files, a configuration, a daemon, commands."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from click.testing import CliRunner

from ctportd.cli import program
from ctportd.store import Store
from ctportd.testing.setup import free_ports
from support.pages.standins import STANDINS
from support.system import READY_TIMEOUT, RING_TIMEOUT, ROOT, SPEED, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

_SYSTEM_PATH = re.compile(r"(?<![\w./~-])(/(?:etc|usr/local|usr/lib/systemd|opt|var|run|srv)/[\w./@-]*\w)")
_PORTS = 8
"""More telephone ports than any page has."""

_SHELL = re.compile(r"[|&;<>$`*]|^\w+=")


class Installation:
    """A folder in which the commands of a page are run.

    Args:
        folder: Where it is; empty at first.
        monkeypatch: The test's: folder and environment of this process are the installation's as long as it lasts.
        config: The name of the configuration.
        live: Whether a daemon is run with it, on TCP ports that are free, with quick lines.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, config: str, *, live: bool) -> None:
        self.folder = folder
        self.config = folder / config
        self.data: dict[str, Any] = {}
        self._patch = monkeypatch
        self._running: list[Process] = []
        self._has_database = False
        monkeypatch.chdir(folder)
        self._first = free_ports(_PORTS + 2) if live else 0
        self._programs()

    def _programs(self) -> None:
        """What a page finds on its path: ctportd, and stand-ins for what no test may run."""
        programs = self.folder / ".programs"
        programs.mkdir()
        for name in STANDINS:
            script = f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/support/pages/standins.py {name} "$@"\n'
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
        here = str(Path(sys.executable).parent)
        self._patch.setenv("PATH", os.pathsep.join([str(programs), here, os.environ["PATH"]]))
        self._patch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider -p no:hypothesispytest -p no:xdist")

    def check_out(self) -> None:
        """Have in it what somebody has who has cloned ctportd, on TCP ports that are free, with quick lines."""
        for name in ("Makefile", "pyproject.toml"):
            (self.folder / name).write_text((ROOT / name).read_text())
        text = (ROOT / "etc/ctportd.toml").read_text()
        for key, ours in {
            "first_port": str(self._first),
            "manager_port": str(self._first + _PORTS),
            "listen": f'"127.0.0.1:{self._first + _PORTS + 1}"',
            "speed": str(SPEED),
            "ring_timeout": str(RING_TIMEOUT),
        }.items():
            text = re.sub(rf"(?m)^{key} = .*", f"{key} = {ours}", text)
        self.write("etc/ctportd.toml", text)
        self.write(".venv/bin/python", (self.folder / ".programs/python3").read_text())
        (self.folder / ".venv/bin/python").chmod(0o755)
        (self.folder / ".venv/bin/ctportd").symlink_to(Path(sys.executable).parent / "ctportd")

    # -- files

    def placed(self, text: str) -> str:
        """A text with the folders of the system as those of the installation, and files there that it names."""
        for path in _SYSTEM_PATH.findall(text):
            file = self.folder / "system" / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() and "." not in file.name and "bin" in path.split("/"):
                file.write_text("#!/bin/sh\n")
                file.chmod(0o755)
            elif not file.exists() and "password" in file.name:
                file.write_text("hush\n")
                file.chmod(0o600)
        return _SYSTEM_PATH.sub(rf"{self.folder}/system\1", text)

    def shown(self, text: str) -> str:
        """What was printed, with the folders of the system where they are for a reader."""
        return text.replace(f"{self.folder}/system/", "/").replace(f"{self.folder}/", "")

    def write(self, name: str, text: str) -> None:
        """Write a file, as its owner would: nobody else reads or changes it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o640)

    def configure(self, data: dict[str, Any]) -> None:
        """Write the configuration."""
        self.data = data
        if self._first:
            server = {"first_port": self._first, "manager_port": self._first + _PORTS}
            exchange = {"listen": f"127.0.0.1:{self._first + _PORTS + 1}", "speed": SPEED}
            ports = [{"ring_timeout": RING_TIMEOUT} | port for port in data.get("port", [])]
            servers = [server | each for each in data.get("ctserver", [{}])]
            data = data | {"ctserver": servers, "exchange": exchange | data.get("exchange", {}), "port": ports}
        self.write(str(self.config.relative_to(self.folder)), tomli_w.dumps(data))

    # -- commands

    def start(self) -> None:
        """Run the daemon of the configuration, until the page ends."""
        daemon = self.process(["ctportd", "--config", str(self.config)])
        daemon.wait(lambda told: "ready " in told)
        self._running.append(daemon)

    def run(self, command: str) -> tuple[int, str]:
        """Run a command to its end; returns its status, and what it printed."""
        self._make_database()
        words = shlex.split(command, comments=True)
        if words[0] == "cd":
            return 0, ""
        if words[0] in {"source", "."}:
            return (0, "") if Path(words[1]).is_file() else (1, f"{words[1]} is not there")
        if words[0] in {"ctportd", ".venv/bin/ctportd"} and not _SHELL.search(
            re.sub(r"'[^']*'|\"[^\"]*\"", "", command)
        ):
            result = CliRunner().invoke(program, words[1:], prog_name="ctportd")
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                raise result.exception
            if "phone" in words:
                self._settle()
            return result.exit_code, self.shown(result.output)
        done = subprocess.run(
            ["bash", "-c", command], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=environment(), timeout=READY_TIMEOUT * 2,
        )  # fmt: skip
        return done.returncode, self.shown(done.stdout)

    def _settle(self) -> None:
        """Wait until the calls that have begun are over for the daemon too, and their messages stored."""
        log = self.folder / "state/ctportd.log"
        deadline = time.monotonic() + READY_TIMEOUT
        while log.is_file() and (text := log.read_text()).count('"event":"call",') > text.count(
            '"event":"call ended"'
        ):
            assert time.monotonic() < deadline, text
            time.sleep(0.02)

    def process(self, words: list[str]) -> Process:
        """Start a command, and let it run."""
        return Process(words, self.folder)

    def keep(self, process: Process) -> None:
        """Let a process run until the page ends."""
        self._running.append(process)

    def _make_database(self) -> None:
        """The one that is there as soon as a daemon has run once."""
        if not self._has_database:
            self._has_database = True
            (self.folder / "state").mkdir(exist_ok=True)
            asyncio.run(_make(f"sqlite+aiosqlite:///{self.folder}/state/ctportd.db"))

    def close(self) -> None:
        """End what runs."""
        for process in self._running:
            process.end()


async def _make(url: str) -> None:
    store = Store(url)
    await store.open()
    await store.close()


class Process:
    """A command that runs on, with a terminal for its keyboard."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self._keyboard, terminal = pty.openpty()
        self.output = folder / f".output-{self._keyboard}"
        with self.output.open("w") as output:
            self._process = subprocess.Popen(
                words, cwd=folder, env=environment(), stdin=terminal, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        os.close(terminal)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._keyboard, keys.encode())

    def wait(self, enough: Callable[[str], bool]) -> str:
        """Wait until it has printed what is waited for, or has ended; returns what it printed."""
        deadline = time.monotonic() + READY_TIMEOUT
        while True:
            ended = self._process.poll() is not None
            told = self.output.read_text()
            if enough(told) or ended:
                return told
            assert time.monotonic() < deadline, told
            time.sleep(0.02)

    def wait_end(self) -> tuple[int, str]:
        """Wait until it has ended; returns its status, and what it printed."""
        status = self._process.wait(READY_TIMEOUT)
        os.close(self._keyboard)
        return status, self.output.read_text()

    def end(self) -> None:
        """Stop it as a reader would, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self.wait_end()
