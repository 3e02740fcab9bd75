"""The daemon's side of the guard: started before ctserver is, kept, dismissed when ctserver has ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil
import structlog

from ctportd.processes import HeldProcess, members, whole

SCRIPT = Path(__file__).with_name("guard.py")
_ARGUMENTS = 3

_AGAIN_AFTER = 1.0  # seconds; a guard ends only by SIGKILL, and for want of memory it may at once again

log = structlog.stdlib.get_logger("ctportd.supervisor")


class Guarded(NamedTuple):
    """What a guard's command line tells.

    Attributes:
        daemon: The pid of the ctportd that started it.
        ending: Whether that one is dead, and the guard ends the group.
    """

    daemon: int
    ending: bool


def guarded_groups() -> dict[int, Guarded]:
    """Every process group of this machine that has a guard, this daemon's or another's. Reads files.

    A guard of another user than the group's is believed only if that is root: anybody can have such a command line.
    """
    guarded = {}
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if len(command) > _ARGUMENTS and Path(command[-_ARGUMENTS - 1]).parts[-2:] == SCRIPT.parts[-2:]:
                group, _, daemon = command[-_ARGUMENTS:]
                if process.uids().real in (0, _owner(int(group))):
                    guarded[int(group)] = Guarded(int(daemon), process.ppid() != int(daemon))
        except (psutil.Error, ValueError):
            continue  # it has ended, or calls itself so without being one
    return guarded


def _owner(group: int) -> int | None:
    """Whose a process group is: its leader's user, or another member's where the leader has ended; None: it is gone."""
    for pid in [group] if psutil.pid_exists(group) else members(group):
        with contextlib.suppress(psutil.Error):
            return psutil.Process(pid).uids().real
    return None


class Guard:
    """The guard of one process group.

    Args:
        name: The ctserver's name in the configuration.
        stop_timeout: Seconds between its SIGTERM and SIGKILL.
    """

    def __init__(self, name: str, stop_timeout: float) -> None:
        self._name = name
        self._stop_timeout = stop_timeout
        self._group = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._process.pid if self._process is not None else None

    def start(self, group: int) -> None:
        """Start it; for a thread, since a process takes its time to begin.

        Args:
            group: The process group that it guards.

        Raises:
            OSError: It cannot be started.
        """
        self._group = group
        daemon = os.pidfd_open(os.getpid())
        try:
            arguments = [str(group), str(self._stop_timeout), str(os.getpid())]
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-I", "-S", str(SCRIPT), *arguments],
                stdin=daemon,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",  # so that no file system is kept from being unmounted
                start_new_session=True,
            )
        finally:
            os.close(daemon)

    def keep(self) -> None:
        """Start another one whenever it is ended by anybody but us, until it is dismissed."""
        self._keeping = asyncio.create_task(self._keep(), name=f"guard of ctserver {self._name}")

    async def _keep(self) -> None:
        while True:
            if self._process is not None:
                with HeldProcess(self._process.pid) as held:
                    await held.ended.wait()
                self._process.wait()
                log.warning("the guard of ctserver was ended, starting another one", ctserver=self._name)
                self._process = None
            await asyncio.sleep(_AGAIN_AFTER)
            try:
                await whole(asyncio.to_thread(self.start, self._group))
            except OSError as error:
                log.error("ctserver is unguarded", ctserver=self._name, error=str(error))  # noqa: TRY400

    def drop(self) -> None:
        """End one that is not kept, at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def dismiss(self) -> None:
        """End it, without a word to the group."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._process is not None:
            with HeldProcess(self._process.pid) as held:
                self._process.kill()
                await held.ended.wait()
            self._process.wait()
