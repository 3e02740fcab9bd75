"""Looks for a ctserver that runs already: by its pid file, by its name, by whoever listens on its TCP ports.

All of it reads files of the kernel, so it is for a thread.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from ctportd.links.supervision.guarding import guarded_groups
from ctportd.links.supervision.sockets import is_elsewhere, is_visible, listeners

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ctportd.links.supervision.guarding import Guarded
    from ctportd.links.supervision.names import Same
    from ctportd.links.supervision.sockets import Listeners

_SHOWN = 200  # characters of a command line, in a sentence


class Found(msgspec.Struct, frozen=True):
    """A process that is a ctserver, or that listens where one should.

    Attributes:
        process: The process; None where this user cannot see whose a TCP port is.
        command: Its command line, as it may be shown.
        how: How it was found.
        ports: Those of the ctserver's TCP ports on which it listens; empty while it opens none.
        known: Whether it is a ctserver by its name, or by the pid file.
        listed: Whether the pid file names it.
        ending: Whether it is being ended at this moment, since its daemon was killed.
        owner: The pid of the ctportd that runs it; 0: none does.
    """

    process: psutil.Process | None
    command: str
    how: str
    ports: frozenset[int] = frozenset()
    known: bool = True
    listed: bool = False
    ending: bool = False
    owner: int = 0

    @property
    def pid(self) -> int | None:
        """Its pid, if this user can see it."""
        return self.process.pid if self.process is not None else None

    def __str__(self) -> str:
        if self.process is None:
            return "a process that this user cannot see"
        return f"process {self.process.pid}" + (f" ({self.command})" if self.command else "")


def _found(process: psutil.Process, how: str, ports: frozenset[int], *, known: bool = True) -> Found:
    command = shlex.join(_command(process))[:_SHOWN]
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in command)
    return Found(process, shown, how, ports, known)


class Search:
    """What is looked for.

    Args:
        host: Where the ctserver listens.
        ports: Its TCP ports.
        manager_port: Which of them is the manager's; None: its dialect has none.
        same: Tells its processes by their command lines.
        pid_file: Where it may have written its pid.
    """

    def __init__(
        self, host: str, ports: Sequence[int], manager_port: int | None, same: Same, pid_file: Path | None
    ) -> None:
        self.host = host
        self.manager_port = manager_port
        self._ports = frozenset(ports)
        self._same = same
        self._pid_file = pid_file

    def look(self) -> list[Found]:
        """All that there are at this moment, the likeliest first."""
        table = self._listeners()
        found = {one.pid: one for one in (*self._by_name(table), *self._by_pid_file(table))}
        unseen = table.ports.get(None, frozenset())
        hidden = [pid for pid in found if pid is not None and not is_visible(pid)]
        if unseen and len(hidden) == 1:  # that listener must be this one
            found[hidden[0]] = msgspec.structs.replace(found[hidden[0]], ports=unseen)
            unseen = frozenset()
        for pid, one in list(found.items()):
            # a namesake of which nobody tells us where it listens: not here; or anybody's, who may call himself so
            if not (one.ports or one.listed) and (pid in hidden or not _is_trusted(one.process)):
                del found[pid]
        for one in self._by_port(table):
            if one.pid is not None or unseen:
                found.setdefault(one.pid, one)
        guarded = guarded_groups()
        marked = [_mark(one, guarded) for one in found.values()]
        return sorted((one for one in marked if one.ports or not one.owner), key=self._likelihood)

    def busy(self) -> bool:
        """Whether anybody listens on one of its TCP ports."""
        return bool(self._listeners().ports)

    def _likelihood(self, found: Found) -> tuple[bool, bool, bool]:
        return (not found.ports, not found.known, self.manager_port not in found.ports)

    def _listeners(self) -> Listeners:
        return listeners(self.host, self._ports)

    def _by_pid_file(self, table: Listeners) -> Iterator[Found]:
        """Who the pid file names, if that is no later process with the same pid."""
        if self._pid_file is None:
            return
        try:
            process = psutil.Process(int(self._pid_file.read_text("ascii")))
        except (OSError, ValueError, psutil.Error):
            return  # no file, no number, or a number that nobody has
        ports = table.ports.get(process.pid, frozenset())
        if ports or (process.pid not in table.pids and self._is_same(process)):
            one = _found(process, f"by the pid file {self._pid_file}", ports)
            yield msgspec.structs.replace(one, listed=True)

    def _by_name(self, table: Listeners) -> Iterator[Found]:
        """Those of its name that listen on its ports, or on none yet: the others are others' ctservers."""
        for process in psutil.process_iter():
            ports = table.ports.get(process.pid, frozenset())
            if ports or process.pid not in table.pids:
                may_be = ports or not is_elsewhere(process.pid)
                if may_be and self._is_same(process):
                    yield _found(process, "by its name", ports)

    def _by_port(self, table: Listeners) -> Iterator[Found]:
        for pid, ports in table.ports.items():
            how = f"by TCP port {min(ports)}"
            if pid is None:
                yield Found(None, "", how, ports, known=False)
                continue
            try:
                yield _found(psutil.Process(pid), how, ports, known=False)
            except psutil.NoSuchProcess:
                continue

    def _is_same(self, process: psutil.Process) -> bool:
        return self._same(_command(process), _folder(process))


def _is_trusted(process: psutil.Process | None) -> bool:
    """Whether a process is ours, or root's, who could end ours anyway."""
    try:
        return process is not None and process.uids().real in (0, os.getuid())
    except psutil.Error:
        return False


def _command(process: psutil.Process) -> list[str]:
    """A process's command line; empty for one that has ended, or is the kernel's."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _folder(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except psutil.Error:
        return None


def _mark(found: Found, guarded: dict[int, Guarded]) -> Found:
    """The same, with what its guard tells of it, if it has one."""
    if found.process is None:
        return found
    try:
        guard = guarded.get(os.getpgid(found.process.pid))
    except ProcessLookupError:
        return found
    if guard is None:
        return found
    return msgspec.structs.replace(found, ending=guard.ending, owner=0 if guard.ending else guard.daemon)
