"""What plugins can be asked about calls that nobody makes, by a running daemon and without one."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ctportd.calls.leg import handler_parts
from ctportd.errors import PluginError
from ctportd.hooks.inquiry import Explanation, Problem
from ctportd.hooks.results import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ctportd.hooks.hosted import Hosted
    from ctportd.hooks.inquiry import Inquiry
    from ctportd.hooks.loader import Plugins

ANSWER_TIMEOUT = 5.0
"""Seconds that a plugin may take to explain a call, or to look through its settings (our figure)."""

DEEPEST = 16
"""Hand-overs one within the other that are explained: plugins may hand a call to and fro for ever."""

_T = TypeVar("_T")

_depth: ContextVar[int] = ContextVar("depth", default=0)


class Questions:
    """Asks the plugins, and takes what they answer for no more than it is.

    Args:
        plugins: All of them, those that could not be loaded too.
        hosted: Those that run, by their names.
    """

    def __init__(self, plugins: Plugins, hosted: Mapping[str, Hosted]) -> None:
        self._plugins = plugins
        self._hosted = hosted

    # -- handlers

    def check_handler(self, handler: str) -> str:
        """What is wrong with a handler such as ``voicemail:100``; empty where nothing is."""
        name, target = handler_parts(handler)
        problem = self._plugins.problem_with(name)
        if problem or "check_target" not in self._hosted[name].plugin.hooks:
            return problem
        try:
            found = self._ask_now(name, "check_target", target=target)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises stays with it
            return (
                f"the plugin {name!r} cannot say whether {target!r} will do: its check_target raised {told(error)}"
            )
        return found if isinstance(found, str) else ""

    def takes_all(self, handler: str) -> bool:
        """Whether a handler answers every call. One that does not say so may let calls pass.

        Raises:
            PluginError: The plugin fails to say it.
        """
        name, target = handler_parts(handler)
        hosted = self._hosted.get(name)
        if hosted is None or "takes_all" not in hosted.plugin.hooks:
            return False
        try:
            return self._ask_now(name, "takes_all", target=target) is True
        except Exception as error:
            raise PluginError(name, f"its takes_all raised {told(error)}") from error

    def _ask_now(self, name: str, hook: str, **arguments: Any) -> Any:
        result = self._hosted[name].call(hook, arguments)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"{hook} is async def, and nothing waits for it")
        return result

    # -- calls

    async def explain(self, handler: str, inquiry: Inquiry) -> Explanation:
        """What a handler would do with a call, as its plugin tells. Raises nothing."""
        problem = self.check_handler(handler)
        if problem:
            return Explanation([f"cannot have the call: {problem}"], takes=False)
        depth = _depth.get()
        if depth >= DEEPEST:
            return Explanation(
                [f"and so on: more than {DEEPEST} plugins would have the call one within the other"]
            )
        token = _depth.set(depth + 1)
        try:
            return await self._explain(*handler_parts(handler), inquiry)
        finally:
            _depth.reset(token)

    async def _explain(self, name: str, target: str, inquiry: Inquiry) -> Explanation:
        hosted = self._hosted[name]
        if "explain_call" not in hosted.plugin.hooks:
            return _unsure("it does not tell what it would do: it has no explain_call")
        try:
            asked = {"inquiry": inquiry, "target": target}
            return _explanation(await hosted.ask("explain_call", asked, within=ANSWER_TIMEOUT))
        except Exception as error:  # noqa: BLE001 - as above
            return _unsure(f"it fails to tell what it would do: {told(error)}")

    # -- settings

    async def problems(self) -> list[Problem]:
        """What all plugins find in their settings, in the order of their names. Raises nothing."""
        found: list[Problem] = []
        for name, hosted in self._hosted.items():
            if "check_settings" in hosted.plugin.hooks:
                found += await self._problems_of(name, hosted)
        return found

    @staticmethod
    async def _problems_of(name: str, hosted: Hosted) -> list[Problem]:
        try:
            answer = await hosted.ask("check_settings", {}, within=ANSWER_TIMEOUT)
            return [_plain(problem, Problem) for problem in answer or ()]
        except Exception as error:  # noqa: BLE001 - as above
            what = f"the plugin cannot check its settings: {told(error)}"
            return [Problem(f"[plugins.{name}]", what, serious=False)]


def _explanation(answer: object) -> Explanation:
    if answer is None:
        return _unsure("it does not tell what it would do")
    return _plain(answer, Explanation)


def _unsure(why: str) -> Explanation:
    return Explanation([why], takes=False, sure=False)


def _plain(answer: object, kind: type[_T]) -> _T:
    """What a plugin answered, if it is what it should be, through and through.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(answer, kind):
        raise TypeError(f"it answered {type(answer).__name__}, expected {kind.__name__}")
    try:
        return msgspec.convert(msgspec.to_builtins(answer), kind)
    except (msgspec.MsgspecError, TypeError) as error:
        raise TypeError(f"it answered {kind.__name__} that holds what none can: {error}") from error
