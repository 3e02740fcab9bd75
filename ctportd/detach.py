"""Runs the daemon in the background, for systems without systemd."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from daemon import DaemonContext
from daemon.pidfile import TimeoutPIDLockFile

from ctportd.conduct import strict_umask
from ctportd.errors import ServerError
from ctportd.processes import runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ctportd.logs import LogFile


@contextmanager
def detached(pid_file: Path, log_file: LogFile | None) -> Iterator[None]:
    """Leave the terminal: the block runs in the background, and the process that called ends with status 0.

    Args:
        pid_file: Holds the pid as long as the block runs. One that a killed daemon left behind is replaced.
        log_file: Stays open.

    Raises:
        ServerError: The pid file names a process that runs; it is told while there is a terminal to tell it on.
    """
    pid_file = pid_file.absolute()
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    lock = TimeoutPIDLockFile(str(pid_file), 0)
    pid = lock.read_pid()
    if pid is not None and runs(pid):
        raise ServerError(f"a ctportd is running already: {pid_file} names process {pid}")
    if lock.is_locked():
        lock.break_lock()
    context = DaemonContext(
        working_directory=os.getcwd(),  # noqa: PTH109 - python-daemon wants text
        umask=strict_umask(),
        pidfile=lock,
        files_preserve=[log_file.fileno()] if log_file is not None else None,
    )
    with context:
        yield
