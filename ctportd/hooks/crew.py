"""The plugins that are on duty together: a call stays with those with which it began, whatever is loaded meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from ctportd.calls.verdict import Verdict
from ctportd.errors import PluginError
from ctportd.hooks.results import StrayCancelError, harmless, name_of, told, verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ctportd.calls.call import Call
    from ctportd.calls.caller import Caller
    from ctportd.hooks.blame import Blame
    from ctportd.hooks.hosted import Hosted
    from ctportd.hooks.loader import Plugins
    from ctportd.links.port import Port

ASK_TIMEOUT = 2.0
"""Seconds that a plugin may take to name a caller, or to judge one: meanwhile the line rings (our figure)."""

_T = TypeVar("_T")


class Crew:
    """Plugins that are on duty together. Which ones they are never changes.

    Args:
        plugins: All of them, those that could not be loaded too.
        hosted: Those that run, by their names.
        blame: Knows whose fault something is.

    Attributes:
        plugins: As given.
        hosted: As given.
        ports: Those whose calls they have.
    """

    def __init__(self, plugins: Plugins, hosted: Mapping[str, Hosted], blame: Blame) -> None:
        self.plugins = plugins
        self.hosted = hosted
        self.ports: set[Port] = set()
        self._blame = blame
        self._observers: dict[str, list[Hosted]] = {}
        for one in hosted.values():
            for hook in one.plugin.hooks:
                self._observers.setdefault(hook, []).append(one)

    def tell(self, hook: str, **arguments: Any) -> None:
        """Tell every observer of a hook, each in its turn."""
        for hosted in self._observers.get(hook, ()):
            hosted.put(hook, arguments)

    # -- ctportd.calls.routing.Handlers

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
        if self._is_its_own(hosted, error):
            hosted.count("answer_call", error)
        if isinstance(error, StrayCancelError):
            return PluginError(name, str(error))
        if isinstance(error, SystemExit | KeyboardInterrupt):
            return PluginError(name, "tried to end the daemon")
        return error if isinstance(error, Exception) else PluginError(name, f"raised {told(error)}")

    def _is_its_own(self, hosted: Hosted, error: BaseException) -> bool:
        """Whether what a plugin has raised is its own fault, and not that of one to which it has handed the call."""
        if isinstance(error, PluginError):
            return error.plugin == hosted.plugin.name
        return self._blame.of_error(error) in (None, hosted.plugin)
