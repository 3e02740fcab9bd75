"""Other processes: by their pids, and held so that a pid that was given to another one is never signalled."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Coroutine


def runs(pid: int) -> bool:
    """Whether there is a process of this pid, ours or another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def whole(work: Coroutine[Any, Any, None]) -> None:
    """Do what may not be left half done: when this is cancelled, it is waited for all the same."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def members(group: int) -> list[int]:
    """The pids of a process group, without those that have ended and are not reaped yet. Reads files."""
    return [pid for pid in psutil.pids() if _is_member(pid, group)]


def _is_member(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


class HeldProcess:
    """A process that is held by a pidfd: it, and never a later one of the same pid, is watched and signalled.

    Made on the event loop, which notices its end.

    Args:
        pid: Its pid, while it is sure to be this process's.

    Attributes:
        pid: As given.
        ended: Set as soon as it has ended.

    Raises:
        ProcessLookupError: There is none.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended = asyncio.Event()
        self._fd = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> None:
        self._loop.remove_reader(self._fd)
        self.ended.set()

    def send(self, which: signal.Signals) -> None:
        """Send it a signal; one that has ended gets none.

        Raises:
            PermissionError: It is another user's.
        """
        try:
            signal.pidfd_send_signal(self._fd, which)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Let go of it."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
