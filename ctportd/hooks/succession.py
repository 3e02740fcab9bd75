"""Plugins from their beginning to their end, one generation after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.hooks.hosted import HEED_TIMEOUT, RETIRE_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    from ctportd.config import PluginsTable
    from ctportd.hooks.blame import Blame
    from ctportd.hooks.hosted import Hosted
    from ctportd.hooks.loader import Plugin
    from ctportd.hooks.tasks import Tasks

log = structlog.stdlib.get_logger("ctportd.plugins")


class Succession:
    """Looks after every plugin that runs, the superseded ones too, until nothing of them is left.

    Args:
        hosted: Those at the beginning.
        in_use: Whether one is on duty, or has calls.
        blame: Is told which there are.

    Attributes:
        alive: All of them: those on duty, those that have calls, and those that are about to end.
        tasks: The tasks of each.
    """

    def __init__(self, hosted: Iterable[Hosted], in_use: Callable[[Hosted], bool], blame: Blame) -> None:
        self.alive: dict[Plugin, Hosted] = {}
        self.tasks: dict[Plugin, Tasks] = {}
        self._in_use = in_use
        self._blame = blame
        self._under_way: set[asyncio.Task[None]] = set()
        self._relieved: set[Hosted] = set()  # until a newer one has taken over
        self._ending: set[Hosted] = set()
        self._know(hosted)

    def _know(self, hosted: Iterable[Hosted]) -> None:
        for one in hosted:
            self.alive[one.plugin] = one
            self.tasks[one.plugin] = one.tasks
        self._blame.know(self.alive)

    # -- changes

    def change(self, hosted: Iterable[Hosted], before: Mapping[str, Hosted], limits: PluginsTable) -> None:
        """Begin those that are new, each after the one of its name that was on duty; end those that nobody needs."""
        new = [one for one in hosted if one.plugin not in self.alive]
        self._know(new)
        for one in self.alive.values():
            one.limit(limits)
        for one in new:
            old = before.get(one.plugin.name)
            if old is not None:
                self._relieved.add(old)
            self._start(self._take_over(one, old), f"beginning of {one.plugin.name}")
        self.settle()

    def settle(self) -> None:
        """End those that nobody needs any more."""
        for one in list(self.alive.values()):
            if one not in self._relieved and one not in self._ending and not self._in_use(one):
                self._begin_end(one)

    def _begin_end(self, one: Hosted) -> asyncio.Task[None]:
        self._ending.add(one)
        return self._start(self._end(one), f"end of {one.plugin.name}")

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _take_over(self, new: Hosted, old: Hosted | None) -> None:
        """Let the old one go first: where nothing is left for it to do, to its end."""
        if old is not None:
            await old.begun.wait()
            await old.retire()
            self._relieved.discard(old)
            if not self._in_use(old):
                await asyncio.wait([self._begin_end(old)], timeout=RETIRE_TIMEOUT)
        await new.begin()
        log.info("a plugin is on duty", plugin=new.plugin.name)

    async def _end(self, one: Hosted) -> None:
        await one.begun.wait()
        ending = await one.finish()
        if ending:
            await asyncio.wait(ending, timeout=HEED_TIMEOUT)
        one.plugin.unload()
        log.info("a plugin is unloaded", plugin=one.plugin.name)
        if one.tasks:
            log.warning("tasks of a plugin do not come to an end, and are left behind", plugin=one.plugin.name)
        self._forget_ended()

    def _forget_ended(self) -> None:
        """Forget those of which nothing is left: whatever a task that does not end raises is theirs until then."""
        over = [one for one in self._ending if not one.tasks and not one.running]
        for one in over:
            self._ending.discard(one)
            del self.alive[one.plugin], self.tasks[one.plugin]
        if over:
            self._blame.know(self.alive)

    # -- while they run

    def look(self) -> None:
        """Look after each."""
        for one in list(self.alive.values()):
            one.look()
        if self._ending:
            self._forget_ended()

    def tell_stopping(self) -> None:
        """Tell every one that the daemon stops, but for those that were told so before."""
        for one in self.alive.values():
            if one not in self._ending and "daemon_stopping" in one.plugin.hooks:
                one.put("daemon_stopping", {})

    async def drain(self, within: float) -> None:
        """Let them do what waits in their queues, for so many seconds at most."""
        try:
            async with asyncio.timeout(within):
                for one in list(self.alive.values()):
                    await one.drain()
                while self._under_way:
                    await asyncio.wait(self._under_way)
        except TimeoutError:
            waiting = {one.plugin.name: one.waiting for one in self.alive.values() if one.waiting}
            log.warning("plugins did not finish in time", waiting=waiting)

    async def stop(self) -> None:
        """End workers and tasks; those that do not heed it are left behind."""
        for task in list(self._under_way):
            task.cancel()
        ending = [task for one in self.alive.values() for task in one.stop()]
        if not ending:
            return
        _, late = await asyncio.wait(ending, timeout=HEED_TIMEOUT)
        if late:
            names = sorted({one.plugin.name for one in self.alive.values() if one.tasks})
            log.warning("tasks of plugins do not come to an end, and are left behind", plugins=names)
