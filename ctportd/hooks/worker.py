"""Calls a plugin's observers, one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ctportd.hooks.results import finished
from ctportd.logs import current_hook

if TYPE_CHECKING:
    from ctportd.hooks.hosted import Hosted

BATCH = 100
"""Calls after which the others get their turn, where a plugin's queue is long (our figure)."""


class Worker:
    """Takes calls out of a plugin's queue, in a task of its own, until it is retired.

    Attributes:
        task: The task.
        hook: The last hook that had to be waited for.
    """

    def __init__(self, hosted: Hosted, queue: asyncio.Queue[tuple[str, dict[str, Any]]]) -> None:
        self.hook = ""
        self._hosted = hosted
        self._queue = queue
        self._retired = False  # by others, while this one waits
        self._since: float | None = None
        self.task = asyncio.create_task(self._run(), name=f"plugin {hosted.plugin.name}")

    def took(self, now: float) -> float:
        """Seconds that the hook has been waited for which runs now; 0 where none is."""
        return 0.0 if self._since is None else now - self._since

    def retire(self) -> None:
        """Take nothing more; the hook that is waited for is given up, and counts as done. The task wants cancelling."""
        if self._retired:
            return
        self._retired = True
        if self._since is not None:
            self._queue.task_done()

    async def _run(self) -> None:
        hosted, queue = self._hosted, self._queue
        handled = 0
        while True:
            try:
                hook, arguments = await queue.get()
            except asyncio.CancelledError as error:
                self._not_ended(error)
                continue
            token = current_hook.set((hosted.plugin, arguments))
            try:
                await self._call(hook, arguments)
            finally:
                current_hook.reset(token)
            if self._retired:
                return  # it was given up, and counted as done
            queue.task_done()
            handled += 1
            if queue.empty():
                hosted.caught_up()
            elif handled % BATCH == 0:
                await self._let_others()

    async def _call(self, hook: str, arguments: dict[str, Any]) -> None:
        """Call one observer. Raises nothing, whatever that raises."""
        hosted = self._hosted
        if hosted.out:
            hosted.skipped += 1
            return
        try:
            result = hosted.call(hook, arguments)
            if result is not None:
                self.hook, self._since = hook, asyncio.get_running_loop().time()
                await finished(result)
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises stays with it
            if not self._retired:
                self._not_cancelled()
                hosted.failed(hook, error)
        finally:
            self._since = None

    async def _let_others(self) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            self._not_ended(error)

    def _not_ended(self, error: asyncio.CancelledError) -> None:
        """Raise a cancellation that is ours; one that comes from the plugin, which found this task, is a fault."""
        if self._retired:
            raise error
        self._not_cancelled()
        self._hosted.failed("worker", error)

    def _not_cancelled(self) -> None:
        while self.task.cancelling():
            self.task.uncancel()
