"""Calls plugins, each kept apart from the others' faults.

An observer's calls go through a queue of its plugin's own: they come in order, and a plugin that is slow delays nobody
else. When its queue is full, what comes is lost to that plugin alone, and counted.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.errors import CallEnded, LinkError, PluginError
from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import pluggy

    from ctportd.calls.call import Call
    from ctportd.errors import ConnectFailed
    from ctportd.hooks.loader import Plugin
    from ctportd.hooks.services import Daemon
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

NAME_TIMEOUT = 2.0
"""Seconds that a plugin may take to find a caller's name: meanwhile the line rings (our figure)."""

log = structlog.stdlib.get_logger("ctportd.plugins")


class Hosted:
    """A plugin while the daemon runs: its queue, its worker, and how it fares.

    Attributes:
        plugin: The plugin.
        faults: How many of its hooks have raised.
        lost: How many calls of its observers were lost because it had fallen behind.
    """

    def __init__(self, plugin: Plugin, daemon: Daemon, limit: int) -> None:
        self.plugin = plugin
        self.faults = 0
        self.lost = 0
        self._shared = {"settings": plugin.settings, "daemon": daemon}
        self._queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(limit)
        self._behind = False

    @property
    def waiting(self) -> int:
        """How many calls wait in its queue."""
        return self._queue.qsize()

    def put(self, hook: str, arguments: dict[str, Any]) -> None:
        """Have an observer called in its turn."""
        if not self._queue.full():
            self._queue.put_nowait((hook, arguments))
            return
        self.lost += 1
        if not self._behind:
            self._behind = True
            log.error("a plugin has fallen behind and loses events", plugin=self.plugin.name, waiting=self.waiting)

    async def run(self) -> None:
        """Call the observers in order, until cancelled."""
        while True:
            hook, arguments = await self._queue.get()
            try:
                await self.call_safely(hook, arguments)
            finally:
                self._queue.task_done()
            if self._behind and self._queue.empty():
                self._behind = False
                log.info("a plugin has caught up", plugin=self.plugin.name, lost=self.lost)

    async def drain(self) -> None:
        """Wait until everything in the queue has been done."""
        await self._queue.join()

    async def call_safely(self, hook: str, arguments: dict[str, Any], within: float | None = None) -> Any:
        """Call one hook; log what it raises, with the plugin's name. Returns None then.

        ``within`` are the seconds that it may take; longer is a fault.
        """
        token = current_hook.set((self.plugin.name, arguments))
        try:
            async with asyncio.timeout(within):
                return await self.call(hook, arguments)
        except CallEnded:
            log.debug("a hook used a call that is over", hook=hook)
        except asyncio.CancelledError as error:
            if _we_are_cancelled():
                raise
            self._fault(hook, error)  # it awaited a task of its own that was cancelled
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises stays with it
            self._fault(hook, error)
        finally:
            current_hook.reset(token)
        return None

    def _fault(self, hook: str, error: BaseException) -> None:
        self.faults += 1
        log.error("a plugin's hook failed", hook=hook, exc_info=error)

    async def call(self, hook: str, arguments: dict[str, Any]) -> Any:
        """Call one hook with those arguments that it takes, and wait for it if it is asynchronous."""
        implementation: pluggy.HookImpl = self.plugin.hooks[hook]
        shared = self._shared
        result = implementation.function(
            *[arguments[name] if name in arguments else shared[name] for name in implementation.argnames]
        )
        return await result if inspect.isawaitable(result) else result


class Dispatcher:
    """All plugins of a running daemon."""

    def __init__(self, plugins: Iterable[Plugin], daemon: Daemon, queue_limit: int) -> None:
        self.hosted = {plugin.name: Hosted(plugin, daemon, queue_limit) for plugin in plugins}
        self._observers: dict[str, list[Hosted]] = {}
        for hosted in self.hosted.values():
            for hook in hosted.plugin.hooks:
                self._observers.setdefault(hook, []).append(hosted)

    async def run(self) -> None:
        """Run every plugin's worker until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, hosted in self.hosted.items():
                group.create_task(hosted.run(), name=f"plugin {name}")

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
        """Tell every observer of a hook, each in its turn."""
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

    def call_ended(self, call: Call) -> None:
        """Tell that it is over."""
        self.tell("call_ended", call=call)

    def pin_locked(self, mailbox: str, caller: str, until: datetime) -> None:
        """Tell that somebody guesses at PINs."""
        self.tell("pin_locked", mailbox=mailbox, caller=caller, until=until)

    async def caller_name(self, number: str) -> str:
        """Ask the plugins in the order of their names; the first that knows one is believed."""
        for hosted in self._observers.get("caller_name", ()):
            name = await hosted.call_safely("caller_name", {"number": number}, within=NAME_TIMEOUT)
            if isinstance(name, str) and name:
                return name
        return ""

    async def answer_call(self, plugin: str, call: Call, target: str) -> None:
        """Let a plugin have a call; what it raises is raised.

        Raises:
            PluginError: There is no such plugin, or it answers no calls.
        """
        hosted = self.hosted.get(plugin)
        if hosted is None or "answer_call" not in hosted.plugin.hooks:
            raise PluginError(plugin, "does not answer calls here: it is not loaded, or has no answer_call")
        with structlog.contextvars.bound_contextvars(plugin=plugin):
            try:
                await hosted.call("answer_call", {"call": call, "target": target})
            except (CallEnded, LinkError):
                raise
            except asyncio.CancelledError:
                if _we_are_cancelled():
                    raise
                hosted.faults += 1
                raise PluginError(plugin, "awaited a task of its own that was cancelled") from None
            except SystemExit as error:
                hosted.faults += 1
                raise PluginError(plugin, "tried to end the daemon") from error
            except Exception:
                hosted.faults += 1
                raise


def _we_are_cancelled() -> bool:
    """Whether it is this very task that somebody wants to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
