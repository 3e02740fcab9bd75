"""Calls plugins, each kept apart from the others' faults, and puts newer ones into their places between calls.

An observer's calls go through a queue of its plugin's own: they come in order, and a plugin that is slow delays nobody
else. When its queue is full, what comes is lost to that plugin alone, and counted.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

import structlog

from ctportd.hooks.audience import Audience
from ctportd.hooks.blame import Blame
from ctportd.hooks.crew import Crew
from ctportd.hooks.hosted import Hosted
from ctportd.hooks.questions import Questions
from ctportd.hooks.succession import Succession
from ctportd.hooks.tasks import PluginTask, TaskFactory
from ctportd.hooks.watchdog import Watchdog
from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from ctportd.config import PluginsTable
    from ctportd.errors import ConnectFailed
    from ctportd.hooks.loader import Plugin, Plugins
    from ctportd.hooks.services import Daemon
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

LOOK_EVERY = 1.0
"""Seconds between two looks at how long each plugin's hook has run (our figure)."""

log = structlog.stdlib.get_logger("ctportd.plugins")


class Dispatcher:
    """All plugins of a running daemon.

    Args:
        plugins: Those that were loaded, and why others were not.
        daemon: What their hooks are given as ``daemon``.
        limits: How far each may go.

    Attributes:
        crew: The plugins that are on duty now: those of the next call.
        audience: Who listens to all that they are told.
    """

    def __init__(self, plugins: Plugins, daemon: Daemon, limits: PluginsTable) -> None:
        self._daemon = daemon
        self._limits = limits
        self._blame = Blame(())
        self.audience = Audience()
        hosted = {name: Hosted(plugin, daemon, limits, self.tell) for name, plugin in plugins.loaded.items()}
        self.crew = Crew(plugins, hosted, self._blame, self.audience)
        self._older: dict[Port, Crew] = {}
        self._succession = Succession(hosted.values(), self._in_use, self._blame)
        self._watching = ExitStack()

    @property
    def hosted(self) -> Mapping[str, Hosted]:
        """Each plugin that is on duty now, by its name."""
        return self.crew.hosted

    @property
    def plugins(self) -> Plugins:
        """Those that are on duty now, and why others are not."""
        return self.crew.plugins

    @property
    def questions(self) -> Questions:
        """Asks the plugins of the call whose hook runs now, or else those that are on duty."""
        running = current_hook.get()
        port = getattr(running[1].get("call"), "port", None) if running is not None else None
        crew = self.crew if port is None else self.crew_of(port)
        return Questions(crew.plugins, crew.hosted)

    # -- while it runs

    async def run(self) -> None:
        """Run every plugin's worker, and look after them, until cancelled."""
        with self._in_loop(), self._watching:
            self._watch()
            for hosted in self.hosted.values():
                hosted.start()
            try:
                while True:
                    await asyncio.sleep(LOOK_EVERY)
                    self._succession.look()
            finally:
                await self._succession.stop()

    def _watch(self) -> None:
        """Have the loop watched as the limits say now."""
        self._watching.close()
        watchdog = Watchdog(self._blame, self._limits.hold_limit, self._limits.hold_kill, self._fault)
        self._watching.enter_context(watchdog.watching())

    @contextmanager
    def _in_loop(self) -> Iterator[None]:
        """Know of the tasks that plugins start, and of what nobody catches."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory(), loop.get_exception_handler()
        factory = TaskFactory(self._succession.tasks, self._blame, before[0])
        loop.set_task_factory(cast("Any", factory.make))
        loop.set_exception_handler(self._uncaught)
        try:
            yield
        finally:
            loop.set_task_factory(before[0])
            loop.set_exception_handler(before[1])

    def _uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what a task or a callback has raised, or left undone: the fault of the plugin whose code it was."""
        error = context.get("exception")
        plugin = self._blame.of_error(error) if error is not None else None
        task = context.get("task") or context.get("future")
        if plugin is None and isinstance(task, PluginTask):
            plugin = task.plugin
        hosted = self._succession.alive.get(plugin) if plugin is not None else None
        if hosted is None:
            loop.default_exception_handler(context)
        elif error is None:
            hosted.fault("a task", RuntimeError(context["message"]))
        elif "future" not in context or not isinstance(error, SystemExit | KeyboardInterrupt):
            hosted.failed("a task", error)  # those of a task have come out of the loop before, and were counted

    def _fault(self, plugin: Plugin, what: str, error: BaseException) -> None:
        hosted = self._succession.alive.get(plugin)
        if hosted is not None:
            hosted.fault(what, error)

    def stopping(self) -> None:
        """Tell every plugin that the daemon is about to stop."""
        self._succession.tell_stopping()

    async def drain(self, within: float) -> None:
        """Let the plugins do what waits in their queues, for so many seconds at most."""
        await self._succession.drain(within)

    def tell(self, hook: str, **arguments: Any) -> None:
        """Tell every observer of a hook, each in its turn."""
        self.crew.tell(hook, **arguments)

    # -- one generation after the other

    def replace(self, plugins: Plugins, limits: PluginsTable) -> None:
        """Have other plugins on duty from now on. Those that are the same go on; calls keep those that they have.

        Args:
            plugins: As :func:`ctportd.hooks.renewal.load_changed` has loaded them beside those that are on duty.
            limits: How far each may go.
        """
        before, self._limits = self.crew, limits
        hosted = {name: self._host(plugin, before.hosted.get(name)) for name, plugin in plugins.loaded.items()}
        self.crew = Crew(plugins, hosted, self._blame, self.audience)
        self._older |= dict.fromkeys(before.ports, before)
        self._succession.change(hosted.values(), before.hosted, limits)
        self._watch()

    def _host(self, plugin: Plugin, old: Hosted | None) -> Hosted:
        if old is not None and old.plugin is plugin:
            return old
        new = Hosted(plugin, self._daemon, self._limits, self.tell, begun=False)
        if "port_connected" in plugin.hooks:
            for port in self._daemon.ports.values():
                if port.connected:
                    new.put("port_connected", {"port": port})
        return new

    def _in_use(self, hosted: Hosted) -> bool:
        """Whether the present crew has a plugin, or one with calls."""
        name = hosted.plugin.name
        return any(crew.hosted.get(name) is hosted for crew in (self.crew, *self._older.values()))

    def retiring(self, name: str) -> int:
        """How many older generations of a plugin have calls, or are about to end."""
        return sum(
            hosted.plugin.name == name and self.hosted.get(name) is not hosted
            for hosted in self._succession.alive.values()
        )

    # -- ctportd.calls.routing.Company

    def crew_of(self, port: Port) -> Crew:
        """The plugins that have the call on a port, or would have the next one."""
        return self._older.get(port, self.crew)

    def begin(self, port: Port, home: Port | None = None) -> None:
        """A call begins on a port; with ``home``, for the one there: it stays with the plugins of now, or of that."""
        crew = self.crew if home is None else self.crew_of(home)
        crew.ports.add(port)
        if crew is not self.crew:
            self._older[port] = crew

    def end(self, port: Port) -> None:
        """The call on a port is over, and its plugins have been told so."""
        crew = self.crew_of(port)
        crew.ports.discard(port)
        if self._older.pop(port, None) is not None and not crew.ports:
            self._succession.settle()

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
        crew = self._older.get(port, self.crew) if self._older else self.crew
        crew.tell("port_event", port=port, event=event)

    def line_trouble(self, port: Port, problem: str) -> None:
        """Tell that something is wrong with a line, or nothing any more."""
        self.tell("line_trouble", port=port, problem=problem)

    def pin_locked(self, mailbox: str, caller: str, until: datetime) -> None:
        """Tell that somebody guesses at PINs."""
        self.tell("pin_locked", mailbox=mailbox, caller=caller, until=until)
