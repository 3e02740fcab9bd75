"""The whole system as its owner runs it: daemon, ctserver and telephones, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import tomli_w

from ctportd.control.client import ControlClient
from ctportd.store import Store
from ctportd.testing.setup import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from ctportd.records import CallRecord, VoiceMessage
    from ctportd.status import Status

ROOT = Path(__file__).parent.parent.parent
SPEED = 25.0
"""Seconds of the line in one second of these tests."""

_COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")

RING_TIMEOUT = 40.0
"""Seconds of the line: at speed, a machine under load must not seem to be a caller who gave up."""

READY_TIMEOUT = 30.0
PHONE_TIMEOUT = 45.0


def copy_plugins(folder: Path) -> None:
    """Copy the plugins that ship: as root, nobody else's checkout would be run."""
    shutil.copytree(ROOT / "plugins", folder, copy_function=shutil.copyfile, ignore=_COMPILED)


class Finished:
    """A process that has ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"status {self.status}\n{self.out}\n{self.err}"

    @property
    def happenings(self) -> list[dict[str, Any]]:
        """What ``phone --json`` told, line by line."""
        return [json.loads(line) for line in self.out.splitlines()]


async def run_ctportd(folder: Path, *arguments: str, timeout: float = PHONE_TIMEOUT) -> Finished:  # noqa: ASYNC109
    """Run one command to its end, in a folder."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ctportd", *arguments, cwd=folder, env=environment(),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(
            f"{arguments} did not end within {timeout} s:\n{out.decode()}\n{err.decode()}"
        ) from None
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


def environment() -> dict[str, str]:
    """The environment of a process under test: ours, without what would colour its output, and as if no make ran us."""
    ours = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}
    return ours | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


class System:
    """A daemon in a folder of its own, with free ports, at speed.

    Args:
        folder: Where it lives; empty at first.
        handlers: For each port from 1 up, who is offered its calls.
        plugins: Tables ``[plugins.NAME]``.
        changes: More tables of the configuration, merged into what stands there.

    Attributes:
        wrapper: A command that runs the daemon's, if anything does.
    """

    def __init__(
        self,
        folder: Path,
        handlers: list[list[str]],
        plugins: Mapping[str, Any] | None = None,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.folder = folder
        self.first_port = free_ports(len(handlers) + 2)
        self.config = self._config(handlers, dict(plugins or {}), dict(changes or {}))
        self.config_path = folder / "ctportd.toml"
        self.process: asyncio.subprocess.Process | None = None
        self.plugins_folder = folder / "plugins"
        copy_plugins(self.plugins_folder)
        self._output: asyncio.Task[None] | None = None
        self.output = ""
        self.wrapper: list[str] = []

    def _config(
        self, handlers: list[list[str]], plugins: dict[str, Any], changes: dict[str, Any]
    ) -> dict[str, Any]:
        ports = len(handlers)
        server = {"first_port": self.first_port, "manager_port": self.first_port + ports, "name": "main"}
        config: dict[str, Any] = {
            "daemon": {"drain_timeout": 0.0},
            "log": {"level": "debug"},
            "ctserver": [server | changes.pop("ctserver", {})],
            "exchange": {"listen": f"127.0.0.1:{self.first_port + ports + 1}", "speed": SPEED},
            "port": [
                {"number": number, "handlers": names, "ring_timeout": RING_TIMEOUT}
                for number, names in enumerate(handlers, 1)
            ],
            "plugins": {"shipped": False, **plugins},  # as root, a checkout's are not run: they are copied
        }
        for table, keys in changes.items():
            config.setdefault(table, {}).update(keys)
        return config

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """The log file, line by line."""
        return [json.loads(line) for line in (self.state / "ctportd.log").read_text().splitlines()]

    def was_asked(self, request: str, times: int) -> bool:
        """Whether ctserver was asked something so often."""
        asked = [line for line in self.log_lines if line["event"] == "request" and line["request"] == request]
        return len(asked) == times

    async def start(self) -> None:
        """Start the daemon and wait until it is ready."""
        await self.launch()
        await self.wait_output("ready ")

    def write_config(self) -> None:
        """Write the configuration, without starting anything."""
        self.config_path.write_text(tomli_w.dumps(self.config))

    async def launch(self) -> None:
        """Start the daemon, ready or not."""
        self.write_config()
        self.output = ""
        self.process = await asyncio.create_subprocess_exec(
            *self.wrapper, sys.executable, "-m", "ctportd", "--config", str(self.config_path), cwd=self.folder,
            env=environment(), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._output = asyncio.create_task(self._read_output())

    async def _read_output(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.output += line.decode()

    async def wait_output(self, text: str) -> None:
        """Wait until the daemon has printed something."""
        assert self.process is not None
        deadline = time.monotonic() + READY_TIMEOUT
        while text not in self.output:
            if self.process.returncode is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not print {text!r}:\n{self.output}")
            await tick()

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until something has happened that only a look can tell."""
        deadline = time.monotonic() + READY_TIMEOUT
        while not happened():
            assert time.monotonic() < deadline, self.output
            await tick()

    async def logged(self, event: str, **fields: Any) -> None:
        """Wait until a line with these fields is in the log file."""

        def is_there() -> bool:
            return any(all(line.get(key) == value for key, value in wanted.items()) for line in self.log_lines)

        wanted = {"event": event, **fields}
        await self.until(is_there)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the daemon; returns its exit status."""
        assert self.process is not None
        assert self._output is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(READY_TIMEOUT):
            status = await self.process.wait()
            await self._output
        return status

    async def spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start one command and leave it running; what it prints is for nobody. The caller ends it."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ctportd", "--config", str(self.config_path), *arguments, cwd=self.folder,
            env=environment(), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def exchange_url(self) -> str:
        """Where telephones attach."""
        return f"ws://{self.config['exchange']['listen']}/phone"

    async def kill(self) -> None:
        """End whatever is left of it, and its ctserver."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    async def run(self, *arguments: str) -> Finished:
        """Run one command against the daemon."""
        return await run_ctportd(self.folder, "--config", str(self.config_path), *arguments)

    async def phone(self, port: int, *arguments: str) -> Finished:
        """Call a port from a telephone that is a process of its own, and wait until the call is over."""
        return await self.run("phone", str(port), "--json", *arguments)

    async def json(self, *arguments: str) -> Any:
        """Run one command with ``--json`` and read what it printed."""
        finished = await self.run(*arguments, "--json")
        assert finished.status == 0, finished
        return json.loads(finished.out)

    async def status(self) -> Status:
        """What the daemon tells of itself."""
        return await ControlClient(self.state / "ctportd.sock").status()

    async def calls(self) -> list[CallRecord]:
        """The log of calls, newest first."""
        async with self._store() as store:
            return await store.calls()

    async def messages(self) -> list[VoiceMessage]:
        """The messages that were left."""
        async with self._store() as store:
            return await store.messages()

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Store]:
        store = Store(f"sqlite+aiosqlite:///{self.state / 'ctportd.db'}")
        await store.open(create=False)
        try:
            yield store
        finally:
            await store.close()

    async def idle(self, port: int) -> None:
        """Wait until a port is free again."""
        deadline = time.monotonic() + READY_TIMEOUT
        while (await self.status()).ports[port - 1].state != "idle":
            assert time.monotonic() < deadline, self.output
            await tick()

    async def ended_calls(self, count: int) -> list[CallRecord]:
        """Wait until so many calls have ended in the log of calls, which comes after the line; newest first."""
        deadline = time.monotonic() + READY_TIMEOUT
        while len(ended := [call for call in await self.calls() if call.ended_at]) < count:
            assert time.monotonic() < deadline, self.output
            await tick()
        return ended

    async def call_record(self, number: str) -> CallRecord:
        """Wait until the call from this number has ended in the log of calls, and return it."""
        deadline = time.monotonic() + READY_TIMEOUT
        while True:
            found = [call for call in await self.calls() if call.number == number and call.ended_at]
            if found:
                return found[0]
            assert time.monotonic() < deadline, self.output
            await tick()


async def tick() -> None:
    """Let another process get on: nothing in ours could tell when it has."""
    await asyncio.sleep(0.02)


class StartSystem(Protocol):
    """Starts a system with these handlers for its ports; it is stopped when the test is over."""

    async def __call__(
        self,
        *handlers: list[str],
        plugins: Mapping[str, Any] | None = None,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        own_plugins: Mapping[str, str] | None = None,
    ) -> System:
        """``own_plugins`` are files for the plugins' folder: names and texts."""
