"""The system that is soaked: a daemon that can be killed and started again, and all that is known of it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from support.system import ROOT, System, tick

from soak.lines import PLUGINS
from soak.vitals import age_of, parent_of, processes_with, vitals_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from soak.lines import LineKind
    from soak.vitals import Vitals

UP_WITHIN = 25.0
"""Seconds of the clock in which every port must be connected again after a fault (our figure): ctserver may be waited
for, and knocked at, with delays that double."""

_MARK = "CTPORTD_SOAK"
"""A variable in the environment of all processes of a house."""

_LAST_WORDS = 20_000  # characters that are kept of what the daemon prints


class House(System):
    """A daemon with its ctserver, the soak's plugins and as many lines as there are kinds given.

    Attributes:
        troubles: What did not come back by itself, and what was left over, in words.
    """

    def __init__(self, folder: Path, lines: Sequence[LineKind], speed: float) -> None:
        super().__init__(
            folder,
            [kind.handlers_of(number) for number, kind in enumerate(lines, 1)],
            PLUGINS,
            {
                "log": {"level": "info"},
                "ctserver": {"reconnect_delay": 0.2, "max_reconnect_delay": 2.0},
                "exchange": {"speed": speed},
            },
        )
        for plugin in (ROOT / "tests" / "soak" / "plugins").glob("*.py"):
            (self.plugins_folder / plugin.name).write_bytes(plugin.read_bytes())
        self.troubles: list[str] = []
        self._dying: set[int] = set()

    async def launch(self) -> None:
        """Start the daemon, ready or not, with a mark that all its descendants carry."""
        os.environ[_MARK] = str(self.folder)
        try:
            await super().launch()
        finally:
            del os.environ[_MARK]

    async def _read_output(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        while some := await self.process.stdout.read(_LAST_WORDS):  # a line may be of any length
            self.output = (self.output + some.decode(errors="replace"))[-_LAST_WORDS:]

    # -- processes

    @property
    def processes(self) -> dict[int, list[str]]:
        """Every process of this system, the daemon, its ctserver, and what is left of earlier ones."""
        return processes_with(f"{_MARK}={self.folder}")

    @property
    def daemon(self) -> int:
        """The daemon's pid."""
        assert self.process is not None
        return self.process.pid

    @property
    def ctserver(self) -> int | None:
        """The pid of the daemon's ctserver, if there is one."""
        pids = [pid for pid, words in self.processes.items() if words[-1] == "ctserver"]
        return next((pid for pid in pids if parent_of(pid) == self.daemon), pids[0] if pids else None)

    def end_ctserver(self, how: signal.Signals) -> None:
        """End ctserver, and nothing else."""
        pid = self.ctserver
        if pid is not None:
            self._dying.add(pid)
            signal_to(pid, how)

    async def let_ctserver_live(self, seconds: float) -> None:
        """Wait until ctserver has run for so long, or is gone."""
        while (pid := self.ctserver) is not None and age_of(pid) < seconds:
            await tick()

    @property
    def left_over(self) -> list[int]:
        """Processes whose daemon is gone."""
        return [pid for pid in self.processes if pid != self.daemon and parent_of(pid) != self.daemon]

    def end_left_over(self) -> None:
        """End them, so that what comes next has its TCP ports."""
        for pid in self.left_over:
            signal_to(pid, signal.SIGKILL)

    # -- what it tells

    async def told(self) -> dict[str, Any] | None:
        """The daemon's status as it comes, with what this soak does not know yet; None where nobody answers."""
        connector = aiohttp.UnixConnector(str(self.state / "ctportd.sock"))
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.get("http://ctportd/v1/status") as response,
            ):
                told = json.loads(await response.read())
                return told if isinstance(told, dict) else None
        except (aiohttp.ClientError, OSError, ValueError):
            return None

    async def states(self) -> list[str]:
        """The states of the ports, as the daemon tells them; none where it does not answer."""
        told = await self.told()
        return [] if told is None else [port["state"] for port in told["ports"]]

    async def vitals(self) -> dict[str, Vitals]:
        """The daemon and its ctserver, as they are now."""
        told = await self.told() or {}
        found = {}
        with contextlib.suppress(OSError):  # it is being killed
            found["daemon"] = vitals_of(self.daemon, told.get("tasks"))
            if self.ctserver:
                found["ctserver"] = vitals_of(self.ctserver)
        return found

    # -- coming back

    async def is_up(self) -> bool:
        """Whether every port is connected."""
        states = await self.states()
        return bool(states) and "disconnected" not in states and self.ctserver not in self._dying

    async def wait_up(self) -> bool:
        """Wait until every port is connected; returns whether that came in time."""
        return await self._wait(self.is_up)

    async def wait_idle(self) -> bool:
        """Wait until no port has a call, and no plugin anything to do; returns whether that came in time."""

        async def idle() -> bool:
            told = await self.told()
            return told is not None and not _busy(told)

        return await self._wait(idle)

    async def note_rest(self) -> None:
        """Wait until all is idle; tell of what is not, and of plugins that have lost events."""
        await self.wait_idle()
        told = await self.told()
        for trouble in ["the daemon does not answer"] if told is None else [*_busy(told), *_lost(told)]:
            self.troubles.append(f"nobody calls, and {trouble}")

    @staticmethod
    async def _wait(holds: Callable[[], Any]) -> bool:
        deadline = time.monotonic() + UP_WITHIN
        while not await holds():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    def expect_daemon(self, after: str) -> None:
        """Tell if the daemon has ended by itself."""
        assert self.process is not None
        if self.process.returncode is not None:
            words = self.output[-400:].strip()
            self.troubles.append(f"after {after}: the daemon ended, with {self.process.returncode}: {words}")

    async def recover(self, after: str) -> None:
        """Start the daemon if it is gone, and wait until all ports are connected; tell where that takes help."""
        assert self.process is not None
        if self.process.returncode is not None:
            await self.launch()
        if await self.wait_up():
            return
        left = self.left_over
        reason = f"processes of its last life hold on: {left}" if left else self.output[-400:].strip()
        self.troubles.append(f"after {after}: not all ports are connected within {UP_WITHIN:g} s ({reason})")
        self.end_left_over()
        if await self.wait_up():
            return
        self.troubles.append(f"after {after}: nor without them; the daemon was started anew")
        await self.end_daemon(signal.SIGKILL)
        self.end_left_over()
        await self.launch()
        if not await self.wait_up():
            raise AssertionError(f"after {after}: the system does not come up any more:\n{self.output}")

    async def end_daemon(self, how: signal.Signals) -> int:
        """End the daemon, and nothing else; returns its exit status."""
        assert self.process is not None
        signal_to(self.daemon, how)
        try:
            async with asyncio.timeout(UP_WITHIN):
                return await self.process.wait()
        except TimeoutError:
            self.troubles.append(f"the daemon did not end within {UP_WITHIN:g} s of {how.name}")
            self.process.kill()
            return await self.process.wait()

    async def close(self) -> None:
        """End whatever is left."""
        await self.kill()
        self.end_left_over()
        if self._output is not None:
            await self._output
        while self.left_over:
            await tick()


def signal_to(pid: int | None, how: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


def _busy(told: dict[str, Any]) -> list[str]:
    """What is not at rest, in words."""
    ports = [f"port {port['address']} is {port['state']}" for port in told["ports"] if port["state"] != "idle"]
    plugins = [
        f"{plugin['name']} has {plugin['waiting']} to do" for plugin in told["plugins"] if plugin["waiting"]
    ]
    return ports + plugins


def _lost(told: dict[str, Any]) -> list[str]:
    return [f"{plugin['name']} has lost {plugin['lost']} events" for plugin in told["plugins"] if plugin["lost"]]
