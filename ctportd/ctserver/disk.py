"""The threads that touch the disk for recordings, so that no line ever waits for one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_Args = TypeVarTuple("_Args")


class Disk:
    """One thread writes, in order; another waits until what was written is on the disk.

    They are two, so that a disk that is slow to sync holds up no writing: it goes into the system's memory meanwhile,
    and no recording fails for a disk that only takes its time.
    """

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recordings")
        self._syncer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="syncs")

    def write(self, action: Callable[[Unpack[_Args]], None], *args: *_Args) -> asyncio.Future[None]:
        """Do something to a file after all that was asked before."""
        return asyncio.get_running_loop().run_in_executor(self._writer, action, *args)

    def sync(self, action: Callable[[], None]) -> Future[None]:
        """Wait until the disk has what was written. Each file asks for one at a time, so that they do not pile up."""
        return self._syncer.submit(action)

    def close(self) -> None:
        """See to an end what was asked. This may wait for the disk."""
        self._writer.shutdown()
        self._syncer.shutdown()
