"""What the processes of a system hold: file descriptors, memory, threads, as the kernel tells it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Vitals(msgspec.Struct, frozen=True):
    """One process at one moment.

    Attributes:
        pid: Which.
        fds: Open file descriptors.
        rss_kb: Resident memory.
        threads: Its threads.
        tasks: Its asyncio tasks, where it tells.
    """

    pid: int
    fds: int
    rss_kb: int
    threads: int
    tasks: int | None = None


def vitals_of(pid: int, tasks: int | None = None) -> Vitals:
    """Look at a process.

    Raises:
        OSError: There is none.
    """
    folder = Path(f"/proc/{pid}")
    fds = len(os.listdir(folder / "fd"))  # noqa: PTH208 - nothing but their number is wanted
    rss_kb = int((folder / "statm").read_text().split()[1]) * _PAGE_KB
    return Vitals(pid, fds, rss_kb, len(list((folder / "task").iterdir())), tasks)


def processes_with(variable: str) -> dict[int, list[str]]:
    """The command lines of all processes that were started with this in their environment (``NAME=value``), by pid.

    What a process starts has it too, and what that starts, whatever it is called and whoever its parent is by now.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().decode(errors="replace")
                found[int(folder.name)] = words.rstrip("\0").split("\0")
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    return found


def parent_of(pid: int) -> int:
    """The pid of a process's parent; 0 where there is no such process."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def age_of(pid: int) -> float:
    """How long a process has run, in seconds; 0.0 where there is none."""
    fields = _stat(pid)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _TICKS_A_SECOND if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of proc(5)'s ``stat`` behind the name, which may hold anything: the third field is the first here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
