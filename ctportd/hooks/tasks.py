"""The tasks that plugins start: counted, limited, and cancelled with their plugin."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, cast

from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from ctportd.hooks.blame import Blame
    from ctportd.hooks.loader import Plugin


class Tasks:
    """The tasks of one plugin.

    Args:
        limit: How many may run at once; one more, and all are cancelled.
        exceeded: Told then.
    """

    def __init__(self, limit: int, exceeded: Callable[[], None]) -> None:
        self._limit = limit
        self._exceeded = exceeded
        self._running: set[asyncio.Future[Any]] = set()
        self._cancelled: set[asyncio.Future[Any]] = set()  # until they have ended: some do not heed it

    def limit(self, limit: int) -> None:
        """Allow so many from the next one on."""
        self._limit = limit

    def __len__(self) -> int:
        return len(self._running) + len(self._cancelled)

    def adopt(self, task: asyncio.Future[Any]) -> None:
        """Know of a task from now on, until it has ended."""
        self._running.add(task)
        task.add_done_callback(self._ended)
        if len(self._running) > self._limit:
            self.cancel()
            self._exceeded()

    def leave_behind(self, task: asyncio.Future[Any]) -> None:
        """Cancel a task of our own that runs a hook, and know of it until it has ended."""
        self._cancelled.add(task)
        task.add_done_callback(self._ended)
        cancel(task)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        self._cancelled.discard(task)

    def cancel(self) -> list[asyncio.Future[Any]]:
        """Cancel them all, those again that have not heeded it. Returns them."""
        self._cancelled |= self._running
        self._running.clear()
        tasks = list(self._cancelled)
        for task in tasks:
            cancel(task)
        return tasks


def cancel(task: asyncio.Future[Any]) -> None:
    """Cancel a task, which may wait for something of a plugin's making that does not let itself be cancelled."""
    try:
        task.cancel()
    except BaseException as error:  # noqa: BLE001 - it stays with the task, which never ends, and is counted so
        context = {"message": "a task cannot be cancelled", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


class PluginTask(asyncio.Task[Any]):
    """A task that a plugin has started.

    Attributes:
        plugin: The plugin.
    """

    plugin: Plugin


def _plain(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **options)


class TaskFactory:
    """Makes all tasks of the event loop, and gives those that plugins start to their plugins.

    One look at a context variable is all that it costs the others.
    """

    def __init__(
        self, tasks: Mapping[Plugin, Tasks], blame: Blame, others: Callable[..., Any] | None = None
    ) -> None:
        """``tasks`` may change; ``others`` makes those that are no plugin's: the factory that was the loop's before."""
        self._tasks = tasks
        self._blame = blame
        self._others = others or _plain

    def make(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any) -> Any:
        """Make a task: a task factory, as :meth:`asyncio.loop.set_task_factory` wants it."""
        running = current_hook.get()
        tasks = None if running is None else self._tasks.get(cast("Plugin", running[0]))
        if running is None or tasks is None:
            return self._others(loop, coro, **options)
        frame = inspect.currentframe()
        while frame is not None and frame.f_code is TaskFactory.make.__code__:  # ours, and that of those before us
            frame = frame.f_back
        if not self._blame.began(frame):
            return self._others(loop, coro, **options)
        task = PluginTask(coro, loop=loop, **options)
        task.plugin = cast("Plugin", running[0])
        tasks.adopt(task)
        return task
