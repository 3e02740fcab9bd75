"""Calls plugins, each kept apart from the others' faults.

An observer's calls go through a queue of its plugin's own: they come in order, and a plugin that is slow delays nobody
else. When its queue is full, what comes is lost to that plugin alone, and counted.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog

from ctportd.calls.verdict import Verdict
from ctportd.errors import PluginError
from ctportd.hooks.blame import Blame
from ctportd.hooks.hosted import HEED_TIMEOUT, Hosted
from ctportd.hooks.results import StrayCancelError, harmless, name_of, told, verdict_of
from ctportd.hooks.tasks import PluginTask, TaskFactory
from ctportd.hooks.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ctportd.calls.call import Call
    from ctportd.calls.caller import Caller
    from ctportd.config import PluginsTable
    from ctportd.errors import ConnectFailed
    from ctportd.hooks.loader import Plugin
    from ctportd.hooks.services import Daemon
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

ASK_TIMEOUT = 2.0
"""Seconds that a plugin may take to name a caller, or to judge one: meanwhile the line rings (our figure)."""

LOOK_EVERY = 1.0
"""Seconds between two looks at how long each plugin's hook has run (our figure)."""

_T = TypeVar("_T")

log = structlog.stdlib.get_logger("ctportd.plugins")


class Dispatcher:
    """All plugins of a running daemon.

    Args:
        plugins: Those that were loaded.
        daemon: What their hooks are given as ``daemon``.
        limits: How far each may go.

    Attributes:
        hosted: Each plugin by its name.
        listener: Is told all that observers are told, and more; must neither wait nor raise. None: nobody listens.
    """

    def __init__(self, plugins: Iterable[Plugin], daemon: Daemon, limits: PluginsTable) -> None:
        self.hosted = {plugin.name: Hosted(plugin, daemon, limits, self.tell) for plugin in plugins}
        self.listener: Callable[[str, dict[str, Any]], None] | None = None
        self._observers: dict[str, list[Hosted]] = {}
        for hosted in self.hosted.values():
            for hook in hosted.plugin.hooks:
                self._observers.setdefault(hook, []).append(hosted)
        self._blame = Blame(hosted.plugin for hosted in self.hosted.values())
        self._watchdog = Watchdog(self._blame, limits.hold_limit, limits.hold_kill, self._fault)

    # -- while it runs

    async def run(self) -> None:
        """Run every plugin's worker, and look after them, until cancelled."""
        with self._in_loop(), self._watchdog.watching():
            for hosted in self.hosted.values():
                hosted.start()
            try:
                while True:
                    await asyncio.sleep(LOOK_EVERY)
                    self._look()
            finally:
                await self._stop()

    def _look(self) -> None:
        for hosted in self.hosted.values():
            hosted.look()

    async def _stop(self) -> None:
        """End workers and tasks; those that do not heed it are left behind."""
        ending = [task for hosted in self.hosted.values() for task in hosted.stop()]
        if not ending:
            return
        _, late = await asyncio.wait(ending, timeout=HEED_TIMEOUT)
        if late:
            names = sorted(name for name, hosted in self.hosted.items() if hosted.tasks)
            log.warning("tasks of plugins do not come to an end, and are left behind", plugins=names)

    @contextmanager
    def _in_loop(self) -> Iterator[None]:
        """Know of the tasks that plugins start, and of what nobody catches."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory(), loop.get_exception_handler()
        tasks = {name: hosted.tasks for name, hosted in self.hosted.items()}
        loop.set_task_factory(cast("Any", TaskFactory(tasks, self._blame, before[0]).make))
        loop.set_exception_handler(self._uncaught)
        try:
            yield
        finally:
            loop.set_task_factory(before[0])
            loop.set_exception_handler(before[1])

    def _uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what a task or a callback has raised, or left undone: the fault of the plugin whose code it was."""
        error = context.get("exception")
        name = self._blame.of_error(error) if error is not None else None
        task = context.get("task") or context.get("future")
        if name is None and isinstance(task, PluginTask):
            name = task.plugin
        if name is None:
            loop.default_exception_handler(context)
        elif error is None:
            self._fault(name, "a task", RuntimeError(context["message"]))
        elif "future" not in context or not isinstance(error, SystemExit | KeyboardInterrupt):
            self.hosted[name].failed(
                "a task", error
            )  # those of a task have come out of the loop before, and were counted

    def _fault(self, plugin: str, what: str, error: BaseException) -> None:
        self.hosted[plugin].fault(what, error)

    async def drain(self, within: float) -> None:
        """Let the plugins do what waits in their queues, for so many seconds at most."""
        try:
            async with asyncio.timeout(within):
                for hosted in self.hosted.values():
                    await hosted.drain()
        except TimeoutError:
            waiting = {name: hosted.waiting for name, hosted in self.hosted.items() if hosted.waiting}
            log.warning("plugins did not finish in time", waiting=waiting)

    def tell(self, hook: str, **arguments: Any) -> None:
        """Tell every observer of a hook, each in its turn; and who listens, though it be no hook."""
        if self.listener is not None:
            self.listener(hook, arguments)
        for hosted in self._observers.get(hook, ()):
            hosted.put(hook, arguments)

    # -- what happens on ports

    def port_connected(self, port: Port) -> None:
        """Tell that a port's connection stands."""
        self.tell("port_connected", port=port)

    def port_disconnected(self, port: Port, reason: str) -> None:
        """Tell that it is gone."""
        self.tell("port_disconnected", port=port, reason=reason)

    def port_connect_failed(self, port: Port, error: ConnectFailed, retry_in: float | None) -> None:
        """Tell that it could not be made."""
        self.tell("port_connect_failed", port=port, error=error, retry_in=retry_in)

    def port_event(self, port: Port, event: Event) -> None:
        """Tell of an event."""
        self.tell("port_event", port=port, event=event)

    # -- ctportd.calls.router.Handlers

    def call_started(self, call: Call) -> None:
        """Tell that a call began."""
        self.tell("call_started", call=call)

    def call_answered(self, call: Call) -> None:
        """Tell that it was answered."""
        self.tell("call_answered", call=call)

    def number_dialled(self, call: Call, number: str) -> None:
        """Tell that a number was dialled on it."""
        self.tell("number_dialled", call=call, number=number)

    def call_ended(self, call: Call) -> None:
        """Tell that it is over."""
        self.tell("call_ended", call=call)

    def line_trouble(self, port: Port, problem: str) -> None:
        """Tell that something is wrong with a line, or nothing any more."""
        self.tell("line_trouble", port=port, problem=problem)

    def pin_locked(self, mailbox: str, caller: str, until: datetime) -> None:
        """Tell that somebody guesses at PINs."""
        self.tell("pin_locked", mailbox=mailbox, caller=caller, until=until)

    async def screen_caller(self, caller: Caller, port: str, at: datetime) -> Verdict:
        """Ask the plugins in the order of their names; the first that judges is believed."""
        arguments = {"caller": caller, "port": port, "at": at}
        return await self._first("screen_caller", arguments, verdict_of) or Verdict()

    async def caller_name(self, number: str, name: str) -> str:
        """Ask the plugins in the order of their names; the first that knows one is believed."""
        told = {"number": number, "name": name}
        return await self._first("caller_name", told, lambda result, _: name_of(result)) or ""

    async def _first(
        self, hook: str, arguments: dict[str, Any], read: Callable[[Any, str], _T | None]
    ) -> _T | None:
        """The first answer to a hook that says anything."""
        for hosted in self._observers.get(hook, ()):
            if hosted.out:
                hosted.skipped += 1
                continue
            try:
                answer = read(await hosted.ask(hook, arguments, within=ASK_TIMEOUT), hosted.plugin.name)
            except asyncio.CancelledError:  # we are: what the plugin does to itself comes as another error
                raise
            except BaseException as error:  # noqa: BLE001 - whatever a plugin raises stays with it
                hosted.failed(hook, error)
            else:
                if answer:
                    return answer
        return None

    async def answer_call(self, plugin: str, call: Call, target: str) -> None:
        """Let a plugin have a call; what it raises is raised, if it is an Exception.

        Raises:
            PluginError: There is no such plugin, it answers no calls, it is in quarantine, or it has raised what would
                end a task or the daemon.
        """
        hosted = self.hosted.get(plugin)
        if hosted is None or "answer_call" not in hosted.plugin.hooks:
            raise PluginError(plugin, "does not answer calls here: it is not loaded, or has no answer_call")
        if hosted.out:
            hosted.skipped += 1
            raise PluginError(
                plugin, f"is in quarantine, and lets its calls pass; its last fault: {hosted.last_fault}"
            )
        self.tell("call_offered", call=call, handler=f"{plugin}:{target}" if target else plugin)
        try:
            await hosted.ask("answer_call", {"call": call, "target": target})
        except asyncio.CancelledError:  # we are, as above
            raise
        except BaseException as error:
            problem = self._problem(hosted, error)
            if problem is error:
                raise
            raise problem from error

    def _problem(self, hosted: Hosted, error: BaseException) -> Exception:
        """What a failed answer_call is to the line, counted where it is the plugin's fault and not that of another one.

        A plugin to which a call was handed over is at fault itself, and not also the one that did so.
        """
        ended = harmless(error)
        if ended is not None:
            return ended
        name = hosted.plugin.name
        culprit = error.plugin if isinstance(error, PluginError) else self._blame.of_error(error)
        if culprit in (None, name):
            hosted.count("answer_call", error)
        if isinstance(error, StrayCancelError):
            return PluginError(name, str(error))
        if isinstance(error, SystemExit | KeyboardInterrupt):
            return PluginError(name, "tried to end the daemon")
        return error if isinstance(error, Exception) else PluginError(name, f"raised {told(error)}")
