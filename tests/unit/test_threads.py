"""What plugins have done in threads uses up nobody's threads but their own."""

from __future__ import annotations

import threading

from ctportd.hooks.threads import THREADS, Threads
from ctportd.logs import current_hook


class Named:
    """A plugin, as far as threads need one."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_plugin_that_blocks_its_threads_blocks_nobody_else() -> None:
    """Its own work waits; that of others, and of ctportd, is done."""
    threads = Threads()
    go = threading.Event()
    one = Named("stuck")
    token = current_hook.set((one, {}))
    stuck = [threads.submit(go.wait) for _ in range(THREADS + 1)]
    other = Named("other")
    current_hook.set((other, {}))
    assert threads.submit(pow, 2, 10).result(10) == 1024
    current_hook.reset(token)
    assert threads.submit(pow, 3, 2).result(10) == 9
    assert not any(future.done() for future in stuck)
    go.set()
    assert stuck[-1].result(10)
    threads.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("plugin", "ctportd"))]
