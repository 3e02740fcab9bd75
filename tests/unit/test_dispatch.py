"""Each plugin is called in order, and kept apart from the others' faults."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.fakes import AnsweringNetwork, Recorder, settle

from ctportd.calls.caller import Caller
from ctportd.calls.verdict import Verdict
from ctportd.config import PluginsTable
from ctportd.errors import CallEnded, Disconnected, PluginError
from ctportd.hooks.dispatch import Dispatcher
from ctportd.hooks.loader import Plugin, Plugins, hooks_of, load_plugins
from ctportd.hooks.markers import hookimpl
from ctportd.links.port import Port

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path

    from ctportd.calls.call import Call
    from ctportd.hooks.services import Daemon
    from ctportd.wire.events import Event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

DAEMON = cast("Daemon", SimpleNamespace(name="the daemon"))


def plugin(name: str, settings: Any = None, **hooks: Callable[..., Any]) -> Plugin:
    """A plugin made of functions, as the loader would have it."""
    module = ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return Plugin(name, module, settings, hooks_of(name, module))


def watcher(name: str, seen: list[Event]) -> Plugin:
    """A plugin that remembers the events that it sees."""

    def port_event(event: Event) -> None:
        seen.append(event)

    return plugin(name, port_event=port_event)


def dispatcher(*plugins: Plugin, limit: int = 100) -> Dispatcher:
    """A dispatcher with these plugins, whose workers run as long as the test."""
    return Dispatcher(
        Plugins({one.name: one for one in plugins}), DAEMON, PluginsTable(queue=limit, hold_limit=0, hold_kill=0)
    )


@pytest.fixture
def port() -> Port:
    """A port that nothing is asked of."""
    return Port("main", 3, AnsweringNetwork("port 3", 3, Recorder()), None)


async def test_hook_takes_what_it_names(port: Port) -> None:
    """An implementation gets those arguments that it names, its own settings and the daemon among them."""
    seen: list[Any] = []

    def port_disconnected(reason: str, settings: Any, daemon: Any) -> None:
        seen.append((reason, settings, daemon))

    plugins = dispatcher(plugin("one", {"a": 1}, port_disconnected=port_disconnected))
    working = asyncio.create_task(plugins.run())
    plugins.port_disconnected(port, "gone")
    await plugins.drain(1)
    assert seen == [("gone", {"a": 1}, DAEMON)]
    working.cancel()


async def test_observer_sees_all_in_order(port: Port) -> None:
    """Plain functions and coroutines alike see events in the order in which they came."""
    plain: list[int] = []
    slow: list[int] = []

    def told(event: Event) -> None:
        plain.append(cast("int", event))

    async def told_slowly(event: Event) -> None:
        await asyncio.sleep(0)
        slow.append(cast("int", event))

    plugins = dispatcher(plugin("plain", port_event=told), plugin("slow", port_event=told_slowly))
    working = asyncio.create_task(plugins.run())
    for number in range(50):
        plugins.port_event(port, cast("Event", number))
    await plugins.drain(1)
    assert plain == slow == list(range(50))
    working.cancel()


async def test_slow_plugin_delays_nobody(port: Port) -> None:
    """A plugin that never comes back from its first event does not keep the others from theirs."""
    seen: list[Event] = []

    async def hang(event: Event) -> None:
        await asyncio.Event().wait()

    plugins = dispatcher(plugin("hangs", port_event=hang), watcher("works", seen))
    working = asyncio.create_task(plugins.run())
    for number in range(10):
        plugins.port_event(port, cast("Event", number))
    await settle()
    assert len(seen) == 10
    assert plugins.hosted["hangs"].waiting == 9
    working.cancel()


async def test_plugin_that_falls_behind_loses_only_its_own(
    port: Port, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Beyond its queue a plugin loses events; that is counted, and told once."""
    seen: list[Event] = []

    async def hang(event: Event) -> None:
        await asyncio.Event().wait()

    plugins = dispatcher(plugin("hangs", port_event=hang), watcher("works", seen), limit=5)
    working = asyncio.create_task(plugins.run())
    await settle()
    for number in range(20):
        plugins.port_event(port, cast("Event", number))
        await settle()
    assert len(seen) == 20
    assert plugins.hosted["hangs"].lost == 14  # one is under way, five wait
    assert [line["plugin"] for line in log_lines if "fallen behind" in line["event"]] == ["hangs"]
    working.cancel()


async def test_raising_hook_is_logged_and_harms_nobody(
    port: Port, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """What a hook raises is logged with the plugin's name; it and the others see the next event."""
    seen: list[Event] = []
    tries: list[Event] = []

    def broken(event: Event) -> None:
        tries.append(event)
        raise ZeroDivisionError

    plugins = dispatcher(plugin("broken", port_event=broken), watcher("works", seen))
    working = asyncio.create_task(plugins.run())
    for number in range(3):
        plugins.port_event(port, cast("Event", number))
    await plugins.drain(1)
    assert len(tries) == len(seen) == 3
    assert plugins.hosted["broken"].faults == 3
    assert plugins.hosted["works"].faults == 0
    failed = [line for line in log_lines if line["event"] == "a plugin's hook failed"]
    assert len(failed) == 3
    working.cancel()


async def test_first_name_is_believed() -> None:
    """Plugins are asked for a caller's name in the order of their names; one that fails or knows none is passed."""

    def broken(number: str) -> str:
        raise KeyError(number)

    async def knows(number: str) -> str:
        return f"who has {number}"

    plugins = dispatcher(
        plugin("a", caller_name=broken),
        plugin("b", caller_name=lambda number: None),
        plugin("c", caller_name=knows),
        plugin("d", caller_name=lambda number: "too late"),
    )
    assert await plugins.crew.caller_name("555", "") == "who has 555"
    assert await dispatcher().crew.caller_name("555", "") == ""


async def test_first_verdict_stands() -> None:
    """Plugins that fail, that cannot judge, or that return what is none are passed over; who judged is named."""

    def broken(port: str) -> Verdict:
        raise KeyError(port)

    blocked = Verdict("blocked", "reject", "list: 555", by="somebody else")
    plugins = dispatcher(
        plugin("a", screen_caller=broken),
        plugin("b", screen_caller=lambda caller: None),
        plugin("c", screen_caller=lambda caller: "blocked"),
        plugin("d", screen_caller=lambda caller: Verdict("unheard-of")),  # type: ignore[arg-type]
        plugin("e", screen_caller=lambda caller, port, at: blocked if (port, at) == ("main:1", NOON) else None),
        plugin("f", screen_caller=lambda caller: Verdict("permitted")),
    )
    verdict = await plugins.crew.screen_caller(Caller("555"), "main:1", NOON)
    assert verdict == Verdict("blocked", "reject", "list: 555", by="e")
    assert {name for name, hosted in plugins.hosted.items() if hosted.faults} == {"a", "c", "d"}
    assert await dispatcher().crew.screen_caller(Caller("555"), "main:1", NOON) == Verdict()


async def test_answer_call_raises_what_the_plugin_raises() -> None:
    """The router decides what a fault in a call means; it is counted here."""
    call = cast("Call", object())

    async def broken(call: Call) -> None:
        raise ZeroDivisionError

    async def ended(call: Call) -> None:
        raise CallEnded("hangup")

    plugins = dispatcher(plugin("broken", answer_call=broken), plugin("ended", answer_call=ended), plugin("mute"))
    with pytest.raises(ZeroDivisionError):
        await plugins.crew.answer_call("broken", call, "")
    with pytest.raises(CallEnded):
        await plugins.crew.answer_call("ended", call, "")
    assert [plugins.hosted[name].faults for name in ("broken", "ended")] == [1, 0]
    for name in ("mute", "nobody"):
        with pytest.raises(PluginError, match=f"plugin {name}: does not answer calls here"):
            await plugins.crew.answer_call(name, call, "")


@pytest.mark.looptime
async def test_drain_does_not_wait_for_ever(port: Port, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A plugin that hangs is told of, and left."""

    async def hang(event: Event) -> None:
        await asyncio.Event().wait()

    plugins = dispatcher(plugin("hangs", port_event=hang))
    working = asyncio.create_task(plugins.run())
    plugins.port_event(port, cast("Event", 1))
    plugins.port_event(port, cast("Event", 2))
    await plugins.drain(1)
    assert log_lines[-1]["waiting"] == {"hangs": 1}
    working.cancel()


def test_loaded_plugins_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Whoever asks plugins in turn asks them in an order that people can foresee."""
    for name in ("c", "a", "b"):
        (tmp_path / f"{name}.py").write_text("")
    assert list(load_plugins(tmp_path, {}, "x.toml").loaded) == ["a", "b", "c"]


async def test_plugin_that_tries_to_end_the_daemon(port: Port, log_lines: list[MutableMapping[str, Any]]) -> None:
    """SystemExit and a stray cancellation are faults like others: the plugin sees the next event."""
    seen: list[Event] = []

    async def event_told(event: Event) -> None:
        seen.append(event)
        if len(seen) == 1:
            raise SystemExit(3)
        if len(seen) == 2:
            task = asyncio.create_task(asyncio.sleep(60))
            task.cancel()
            await task

    plugins = dispatcher(plugin("mad", port_event=event_told))
    working = asyncio.create_task(plugins.run())
    for number in range(3):
        plugins.port_event(port, cast("Event", number))
    await plugins.drain(1)
    assert len(seen) == 3
    assert plugins.hosted["mad"].faults == 2
    working.cancel()


async def test_answer_that_tries_to_end_the_daemon() -> None:
    """In a call they are told as the plugin's fault."""
    call = cast("Call", object())

    async def leave(call: Call) -> None:
        raise SystemExit(3)

    async def trip(call: Call) -> None:
        raise asyncio.CancelledError

    plugins = dispatcher(plugin("leaves", answer_call=leave), plugin("trips", answer_call=trip))
    with pytest.raises(PluginError, match="plugin leaves: tried to end the daemon"):
        await plugins.crew.answer_call("leaves", call, "")
    with pytest.raises(PluginError, match="plugin trips: awaited a task of its own"):
        await plugins.crew.answer_call("trips", call, "")


async def test_lost_link_is_no_fault_of_the_plugin() -> None:
    """A call that was cut because ctserver died is not counted against who answered it."""

    async def cut(call: Call) -> None:
        raise Disconnected("port main:1", "gone")

    plugins = dispatcher(plugin("good", answer_call=cut))
    with pytest.raises(Disconnected):
        await plugins.crew.answer_call("good", cast("Call", object()), "")
    assert plugins.hosted["good"].faults == 0


@pytest.mark.looptime
async def test_name_that_is_long_in_coming_is_not_waited_for() -> None:
    """The line rings while a name is looked for: after two seconds the next plugin is asked."""

    async def slow(number: str) -> str:
        await asyncio.sleep(1e6)
        return "never"

    plugins = dispatcher(plugin("a", caller_name=slow), plugin("b", caller_name=lambda number: "Ada"))
    assert await plugins.crew.caller_name("555", "") == "Ada"
    assert asyncio.get_running_loop().time() < 1e6
    assert plugins.hosted["a"].faults == 1
