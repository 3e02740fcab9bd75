"""A plugin while the daemon runs, in quarantine: whatever it does stays with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.clock import Clock
from ctportd.hooks.breaker import Breaker
from ctportd.hooks.results import StrayCancelError, finished, harmless, told
from ctportd.hooks.tasks import Tasks
from ctportd.hooks.worker import Worker
from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ctportd.config import PluginsTable
    from ctportd.hooks.loader import Plugin
    from ctportd.hooks.services import Daemon

BEGIN_TIMEOUT = 3.0
"""Seconds that whoever asks a new generation of a plugin waits for its beginning, at most (our figure)."""

RETIRE_TIMEOUT = 2.0
"""Seconds that an older generation gets to let go, before a newer one begins (our figure)."""

HEED_TIMEOUT = 1.0
"""Seconds that a hook gets, which somebody waited for, when it is cancelled: then it is left behind (our figure).

Shorter than what the router gives a call that it has cancelled.
"""

log = structlog.stdlib.get_logger("ctportd.plugins")


class Hosted:
    """A plugin while the daemon runs: its queue, its worker, its tasks, and how it fares.

    Args:
        plugin: The plugin.
        daemon: What its hooks are given as ``daemon``.
        limits: How far it may go.
        tell: Tells the observers of a hook; for what happens to this plugin.
        begun: Whether its hooks may be called from :meth:`start` on; else :meth:`begin` comes first.

    Attributes:
        plugin: As given.
        begun: Set as soon as its hooks may be called.
        faults: How often it has failed.
        lost: How many calls of its observers were lost because it had fallen behind.
        skipped: How many of its hooks' calls were left out because it was in quarantine.
        last_fault: The last fault in few words; empty where there was none.
        tasks: The tasks that it has started, and those of its hooks that were left behind.
        breaker: Says when it is taken out.
    """

    def __init__(
        self,
        plugin: Plugin,
        daemon: Daemon,
        limits: PluginsTable,
        tell: Callable[..., None],
        *,
        begun: bool = True,
    ) -> None:
        self.plugin = plugin
        self.begun = asyncio.Event()
        if begun:
            self.begun.set()
        self.faults = self.lost = self.skipped = 0
        self.last_fault = ""
        self.tasks = Tasks(limits.tasks, self._too_many_tasks)
        self.breaker = Breaker(_loop_time, limits.faults, limits.fault_window, limits.quarantine)
        self._limits = limits
        self._tell = tell
        self._shared = {"settings": plugin.settings, "daemon": daemon, "site": daemon}
        self._queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._worker: Worker | None = None
        self._behind = False

    def limit(self, limits: PluginsTable) -> None:
        """Let it go so far from now on."""
        self._limits = limits
        self.tasks.limit(limits.tasks)
        self.breaker.limit(limits.faults, limits.fault_window, limits.quarantine)

    @property
    def waiting(self) -> int:
        """How many calls wait in its queue."""
        return self._queue.qsize()

    @property
    def running(self) -> bool:
        """Whether its observers are called."""
        return self._worker is not None

    @property
    def out(self) -> bool:
        """Whether it is in quarantine; one whose time is over is let in on trial, and told of."""
        if not self.breaker.open:
            return False
        if not self.breaker.try_again():
            return True
        log.warning("a plugin is tried again", plugin=self.plugin.name)
        return False

    @property
    def out_until(self) -> datetime | None:
        """When it is tried again, if it is in quarantine."""
        return Clock.later_than_now(self.breaker.remaining) if self.breaker.open else None

    # -- its observers

    def put(self, hook: str, arguments: dict[str, Any]) -> None:
        """Have an observer called in its turn."""
        if self.out:
            self.skipped += 1
        elif self._queue.qsize() < self._limits.queue:
            self._queue.put_nowait((hook, arguments))
        else:
            self._lose()

    def _lose(self) -> None:
        self.lost += 1
        if not self._behind:
            self._behind = True
            log.error("a plugin has fallen behind and loses events", plugin=self.plugin.name, waiting=self.waiting)

    def caught_up(self) -> None:
        """Nothing waits in its queue."""
        if self._behind:
            self._behind = False
            log.info("a plugin has caught up", plugin=self.plugin.name, lost=self.lost)

    async def drain(self) -> None:
        """Wait until everything in the queue has been done."""
        await self._queue.join()

    def start(self) -> None:
        """Begin to call its observers."""
        self._worker = Worker(self, self._queue)

    # -- one generation of it after the other

    async def begin(self) -> None:
        """Tell it that the daemon runs, before anything else; then call its observers. Raises nothing."""
        await self._try("daemon_started", self._limits.hook_timeout)
        self.start()
        self.begun.set()

    async def retire(self) -> None:
        """Tell it that a newer generation takes over. Raises nothing."""
        if "plugin_retiring" not in self.plugin.hooks:
            return
        with suppress(TimeoutError):  # what it does not get to see before, it sees after
            async with asyncio.timeout(RETIRE_TIMEOUT / 2):
                await self.drain()
        await self._try("plugin_retiring", RETIRE_TIMEOUT / 2)

    async def finish(self) -> list[asyncio.Future[Any]]:
        """Tell it that all is over, and let it do what waits. Returns its tasks, which have been told to end."""
        if "daemon_stopping" in self.plugin.hooks:
            self.put("daemon_stopping", {})
        try:
            async with asyncio.timeout(self._limits.hook_timeout):
                await self.drain()
        except TimeoutError:
            log.warning(
                "a plugin that is over did not finish in time", plugin=self.plugin.name, waiting=self.waiting
            )
        return self.stop()

    async def _try(self, hook: str, within: float) -> None:
        """Call a hook, if it has that and is not out."""
        if hook not in self.plugin.hooks or self.out:
            return
        try:
            await self._ask(hook, {}, within)
        except asyncio.CancelledError:  # we are
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a plugin raises stays with it
            self.failed(hook, error)

    def look(self) -> None:
        """Look after it: give up a hook that has taken too long, and trust it again when its trial is over."""
        worker = self._worker
        if worker is not None and worker.took(_loop_time()) >= self._limits.hook_timeout:
            worker.retire()
            self.tasks.leave_behind(worker.task)
            self._worker = Worker(self, self._queue)
            self.fault(
                worker.hook, TimeoutError(f"took longer than {self._limits.hook_timeout:g} s, and is given up")
            )
        if not self.out and self.breaker.trust():
            log.warning("a plugin is out of quarantine", plugin=self.plugin.name)
            self._tell("plugin_restored", plugin=self.plugin.name)

    def stop(self) -> list[asyncio.Future[Any]]:
        """End its worker and its tasks. Returns those that have been told to end."""
        if self._worker is not None:
            self._worker.retire()
            self.tasks.leave_behind(self._worker.task)
            self._worker = None
        return self.tasks.cancel()

    # -- its hooks that are waited for

    async def ask(self, hook: str, arguments: dict[str, Any], within: float | None = None) -> Any:
        """Call a hook, and return what it returns, or raise what it raises.

        It runs in a task of its own: whatever it does to that, whoever waits here is told in time.

        Args:
            hook: Which.
            arguments: Those that it may take.
            within: Seconds that it may take. When it has taken longer it is cancelled, heeds it or not, and
                ``TimeoutError`` is raised.
        """
        if not self.begun.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(min(BEGIN_TIMEOUT, within or BEGIN_TIMEOUT)):
                    await self.begun.wait()
        return await self._ask(hook, arguments, within)

    async def _ask(self, hook: str, arguments: dict[str, Any], within: float | None = None) -> Any:
        task = self._begin(hook, arguments)
        try:
            done, _ = await asyncio.wait([task], timeout=within)
        except asyncio.CancelledError:
            await self._end(hook, task)
            raise
        if not done:
            self.tasks.leave_behind(task)
            raise TimeoutError(f"took longer than {within:g} s, and is given up")
        if task.cancelled():
            raise StrayCancelError
        result, error = task.result()
        if isinstance(error, asyncio.CancelledError):
            raise StrayCancelError from error
        if error is not None:
            raise error
        return result

    def _begin(self, hook: str, arguments: dict[str, Any]) -> asyncio.Task[tuple[Any, BaseException | None]]:
        token = current_hook.set(None)  # one plugin may hand a call over to another: the task is neither's
        try:
            return asyncio.create_task(self._guarded(hook, arguments), name=f"{hook} of {self.plugin.name}")
        finally:
            current_hook.reset(token)

    async def _guarded(self, hook: str, arguments: dict[str, Any]) -> tuple[Any, BaseException | None]:
        """What a hook returns and what it raises: out of a task, a SystemExit would end the event loop."""
        current_hook.set((self.plugin, arguments))
        try:
            return await finished(self.call(hook, arguments), hook), None
        except BaseException as error:  # noqa: BLE001 - it is raised to whoever waits
            return None, error

    async def _end(self, hook: str, task: asyncio.Task[Any]) -> None:
        """Cancel a hook, and let it put its things in order; one that does not heed it is left behind."""
        self.tasks.leave_behind(task)
        _, late = await asyncio.wait([task], timeout=HEED_TIMEOUT)
        if late:
            self.fault(hook, TimeoutError("does not heed that it is cancelled, and is left behind"))
        elif not task.cancelled():
            _, error = task.result()
            if error is not None and not isinstance(error, asyncio.CancelledError):
                self.failed(hook, error)

    # -- what both have in common

    def call(self, hook: str, arguments: dict[str, Any]) -> Any:
        """Call one hook with those arguments that it takes."""
        implementation = self.plugin.hooks[hook]
        shared = self._shared
        return implementation.function(
            *[arguments[name] if name in arguments else shared[name] for name in implementation.argnames]
        )

    # -- its faults

    def failed(self, hook: str, error: BaseException) -> None:
        """Take what a hook has raised: log it, and count it unless it is the end of a call or of a connection."""
        ended = harmless(error)
        if ended is not None:
            log.info("a hook was cut short", plugin=self.plugin.name, hook=hook, reason=told(ended))
        elif isinstance(error, asyncio.CancelledError):
            self.fault(hook, StrayCancelError())
        else:
            self.fault(hook, error)

    def fault(self, hook: str, error: BaseException) -> None:
        """Log and count a fault, and take the plugin out after too many."""
        log.error("a plugin's hook failed", plugin=self.plugin.name, hook=hook, exc_info=error)
        self.count(hook, error)

    def count(self, hook: str, error: BaseException) -> None:
        """Count a fault that is logged elsewhere."""
        self.faults += 1
        self.last_fault = f"{hook}: {told(error)}"
        if not self.breaker.fault():
            return
        log.error(
            "a plugin is taken out: it fails again and again",
            plugin=self.plugin.name,
            faults=self.faults,
            last=self.last_fault,
            seconds=round(self.breaker.remaining, 1),
        )
        self.tasks.cancel()
        self._tell("plugin_quarantined", plugin=self.plugin.name, reason=self.last_fault)

    def _too_many_tasks(self) -> None:
        problem = f"more than {self._limits.tasks} of its tasks ran at once: all are cancelled"
        self.fault("tasks", RuntimeError(problem))


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
