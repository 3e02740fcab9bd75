"""The event loop's threads: each plugin has some of its own, so that none can use up everybody's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from ctportd.logs import Named

THREADS = 8
"""Threads that work for one plugin, at most; what comes then waits (our figure)."""


class Threads(ThreadPoolExecutor):
    """The default executor of the event loop. What a plugin's hook or task has done in a thread is done by its own."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="ctportd")
        self._own: WeakKeyDictionary[Named, ThreadPoolExecutor] = (
            WeakKeyDictionary()
        )  # its threads end with a plugin

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have something done in a thread."""
        running = current_hook.get()
        if running is None:
            return super().submit(function, *args, **kwargs)
        return self._threads_of(running[0]).submit(function, *args, **kwargs)

    def _threads_of(self, plugin: Named) -> ThreadPoolExecutor:
        if plugin not in self._own:
            self._own[plugin] = ThreadPoolExecutor(THREADS, thread_name_prefix=f"plugin {plugin.name}")
        return self._own[plugin]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as its base has it
        """Take nothing more."""
        for own in self._own.values():
            own.shutdown(wait=wait, cancel_futures=cancel_futures)
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
