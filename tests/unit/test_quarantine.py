"""Whatever a plugin does stays with it: it is given up, counted, taken out, and let in again."""

from __future__ import annotations

import asyncio
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.fakes import settle

import ctportd
from ctportd.config import PluginsTable
from ctportd.errors import CallEnded, PluginError
from ctportd.hooks.crew import ASK_TIMEOUT
from ctportd.hooks.dispatch import Dispatcher
from ctportd.hooks.hosted import HEED_TIMEOUT
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.results import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping

    from ctportd.calls.call import Call
    from ctportd.hooks.loader import Plugins
    from ctportd.hooks.services import Daemon
    from ctportd.links.port import Port
    from ctportd.wire.events import Event

PORT = cast("Port", SimpleNamespace(address="main:1"))
CALL = cast("Call", SimpleNamespace(id="c", port=PORT))

WITNESS = """
    seen = []

    @hookimpl
    def port_event(event):
        seen.append(event)

    @hookimpl
    def plugin_quarantined(plugin, reason):
        seen.append(("out", plugin, reason))

    @hookimpl
    def plugin_restored(plugin):
        seen.append(("in", plugin))
"""

HEADER = "import asyncio, sys\nfrom ctportd import *\n"


def load(folder: Path) -> Plugins:
    """Load plugins as before a daemon runs: not on the event loop."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(load_plugins, folder, {}, "x.toml").result()


class House:
    """A dispatcher whose plugins are files, as the daemon has them."""

    def __init__(self, folder: Path, limits: dict[str, Any], sources: dict[str, str]) -> None:
        for name, source in sources.items():
            indented = "if True:\n" + source if source.startswith("\n ") else source
            (folder / f"{name}.py").write_text(HEADER + indented)
        plugins = load(folder)
        assert plugins.failed == {}
        self.modules: dict[str, Any] = {name: plugin.module for name, plugin in plugins.loaded.items()}
        table = PluginsTable(**{"hold_limit": 0, "hold_kill": 0, **limits})
        self.dispatcher = Dispatcher(plugins, cast("Daemon", SimpleNamespace()), table)
        self.hosted = self.dispatcher.hosted

    def event(self, *events: object) -> None:
        """Have events happen on a port."""
        for event in events:
            self.dispatcher.port_event(PORT, cast("Event", event))

    def seen(self, name: str) -> list[Any]:
        """What a plugin remembers."""
        return cast("list[Any]", self.modules[name].seen)

    def out(self, name: str) -> bool:
        """Whether a plugin is shown as being in quarantine."""
        return self.hosted[name].out_until is not None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the dispatcher as long as the block lasts."""
        working = asyncio.create_task(self.dispatcher.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            working.cancel()
            await asyncio.wait([working])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes a house of plugins: limits, and a source for each name."""

    def make(limits: dict[str, Any] | None = None, **sources: str) -> House:
        return House(tmp_path, limits or {}, sources)

    before = set(sys.modules)
    yield make
    _forget_plugins(before)


def _forget_plugins(before: set[str]) -> None:
    """Unload the plugins that were loaded since; those that other tests hold stay."""
    for name in set(sys.modules) - before:
        if name.startswith("ctportd_plugins."):
            del sys.modules[name]


# -- what it raises

RAISED = {
    "exit": "SystemExit(3)",
    "interrupt": "KeyboardInterrupt",
    "generator's": "GeneratorExit",
    "cancelled": "asyncio.CancelledError",
    "base": "BaseException",
    "group": "BaseExceptionGroup('several', [SystemExit(), CallEnded('hangup')])",
    "exits when it is shown": "type('Odd', (Exception,), {'__str__': lambda self: sys.exit(4)})",
}


@pytest.mark.parametrize("how", ["def", "async def"])
@pytest.mark.parametrize("raised", RAISED.values(), ids=RAISED)
async def test_observer_may_raise_anything(house: Callable[..., House], raised: str, how: str) -> None:
    """It is a fault, and the next event is told; nobody else knows of it."""
    mad = f"seen = []\n@hookimpl\n{how} port_event(event):\n    seen.append(event)\n    raise {raised}\n"
    plugins = house(mad=mad, sound=WITNESS)
    async with plugins.running():
        plugins.event(1, 2, 3)
        await plugins.dispatcher.drain(1)
    assert plugins.seen("mad") == plugins.seen("sound") == [1, 2, 3]
    assert plugins.hosted["mad"].faults == 3
    assert plugins.hosted["sound"].faults == 0


@pytest.mark.parametrize("how", ["def", "async def"])
@pytest.mark.parametrize("raised", RAISED.values(), ids=RAISED)
async def test_answer_may_raise_anything(house: Callable[..., House], raised: str, how: str) -> None:
    """To the line it is an Exception, of the plugin's name where it was none before."""
    plugins = house(mad=f"@hookimpl\n{how} answer_call(call):\n    raise {raised}\n")
    async with plugins.running():
        with pytest.raises(Exception) as raising:  # noqa: PT011 - which one is asked next
            await plugins.dispatcher.crew.answer_call("mad", CALL, "")
    assert type(raising.value).__name__ in {"PluginError", "Odd"}
    assert plugins.hosted["mad"].faults == 1


@pytest.mark.parametrize(
    "raised",
    [
        "CallEnded('hangup')",
        "ExceptionGroup('both', [CallEnded('hangup'), Disconnected('port 1', 'gone')])",
    ],
)
async def test_end_of_a_call_is_no_fault(house: Callable[..., House], raised: str) -> None:
    """Alone or in a group, such as that of tasks that a plugin waited for: the line gets it by itself."""
    source = f"@hookimpl\ndef answer_call(call):\n    raise {raised}\n@hookimpl\ndef port_event():\n    raise {raised}\n"
    plugins = house(sound=source)
    async with plugins.running():
        with pytest.raises(CallEnded):
            await plugins.dispatcher.crew.answer_call("sound", CALL, "")
        plugins.event(1)
        await plugins.dispatcher.drain(1)
    assert plugins.hosted["sound"].faults == 0


async def test_lost_link_is_no_fault_of_an_observer(house: Callable[..., House]) -> None:
    """A ctserver that comes and goes takes no plugin out."""
    plugins = house(sound="@hookimpl\ndef port_event():\n    raise Disconnected('port 1', 'gone')\n")
    async with plugins.running():
        plugins.event(*range(10))
        await plugins.dispatcher.drain(1)
    assert plugins.hosted["sound"].faults == 0


async def test_observer_that_cancels_its_worker(house: Callable[..., House]) -> None:
    """From within, and from another task while the worker waits: it goes on, and each time is a fault."""
    mad = """
    seen = []

    @hookimpl
    def port_event(event):
        seen.append(event)
        asyncio.current_task().cancel()

    @hookimpl
    async def call_started(call):
        seen.append(call)
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    def cancel_all():
        for task in asyncio.all_tasks():
            if task.get_name() == "plugin mad":
                task.cancel()
"""
    plugins = house(mad=mad, sound=WITNESS)
    async with plugins.running():
        plugins.event(1)
        await settle()
        plugins.dispatcher.crew.call_started(CALL)
        await settle()
        plugins.modules["mad"].cancel_all()
        await settle()
        plugins.event(2)
        await plugins.dispatcher.drain(1)
        await settle()
    assert plugins.seen("mad") == [1, CALL, 2]
    assert plugins.hosted["mad"].faults == 4


# -- how long it takes

SLOW = """
    seen = []

    @hookimpl
    async def port_event(event):
        seen.append(event)
        while True:
            try:
                await asyncio.sleep(1e6)
            except BaseException:
                if not deaf:
                    raise
"""


@pytest.mark.looptime
@pytest.mark.parametrize("deaf", [False, True])
async def test_observer_that_takes_too_long_is_given_up(house: Callable[..., House], deaf: bool) -> None:  # noqa: FBT001
    """Whether it heeds that or not, the next event has its turn, and nothing is left to wait for."""
    plugins = house({"hook_timeout": 30}, slow=f"deaf = {deaf}\nif True:\n{SLOW}", sound=WITNESS)
    loop = asyncio.get_running_loop()
    async with plugins.running():
        began = loop.time()
        plugins.event(1, 2, 3)
        await plugins.dispatcher.drain(29)
        assert (plugins.seen("slow"), plugins.hosted["slow"].waiting) == ([1], 2)
        await plugins.dispatcher.drain(1000)
        assert 90 <= loop.time() - began <= 94
        await settle()
        assert plugins.seen("slow") == plugins.seen("sound") == [1, 2, 3]
        assert plugins.hosted["slow"].faults == 3
        assert (
            plugins.hosted["slow"].last_fault == "port_event: TimeoutError: took longer than 30 s, and is given up"
        )
        assert len(plugins.hosted["slow"].tasks) == (3 if deaf else 0)
    await plugins.dispatcher.drain(1)
    if deaf:
        _let_hear(plugins, "slow")
        await settle()


def _let_hear(plugins: House, name: str) -> None:
    """Have what heeds nothing end after all: tests leave nothing behind."""
    plugins.modules[name].deaf = False
    plugins.hosted[name].tasks.cancel()


@pytest.mark.looptime
async def test_plain_function_has_no_such_limit(house: Callable[..., House]) -> None:
    """Only what is waited for can be given up; a short one among many is never taken for a long one."""
    plugins = house({"hook_timeout": 30}, sound=WITNESS)
    async with plugins.running():
        for number in range(200):
            plugins.event(number)
            await asyncio.sleep(1)
    assert plugins.seen("sound") == list(range(200))
    assert plugins.hosted["sound"].faults == 0


DEAF = """
    deaf = True

    async def listen():
        while True:
            try:
                await asyncio.sleep(1e6)
            except BaseException:
                if not deaf:
                    raise

    @hookimpl
    async def caller_name(number):
        await listen()

    @hookimpl
    async def answer_call(call):
        await listen()
"""


@pytest.mark.looptime
async def test_name_comes_in_time_whatever_a_plugin_does(house: Callable[..., House]) -> None:
    """A plugin that does not heed that it is cancelled is left behind."""
    plugins = house(deaf=DEAF, sound="@hookimpl\ndef caller_name(number):\n    return 'Ada'\n")
    async with plugins.running():
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await plugins.dispatcher.crew.caller_name("555", "") == "Ada"
        assert loop.time() - began == pytest.approx(ASK_TIMEOUT, abs=0.1)
        assert len(plugins.hosted["deaf"].tasks) == 1
        assert plugins.hosted["deaf"].faults == 1
        _let_hear(plugins, "deaf")
        await settle()


@pytest.mark.looptime
async def test_call_that_is_cancelled_ends_whatever_its_plugin_does(house: Callable[..., House]) -> None:
    """The line is free again though its plugin does not heed it."""
    plugins = house(deaf=DEAF)
    async with plugins.running():
        line = asyncio.create_task(plugins.dispatcher.crew.answer_call("deaf", CALL, ""))
        await asyncio.sleep(100)
        line.cancel()
        began = asyncio.get_running_loop().time()
        await asyncio.wait([line])
        assert line.cancelled()
        assert asyncio.get_running_loop().time() - began == pytest.approx(HEED_TIMEOUT, abs=0.1)
        assert plugins.hosted["deaf"].faults == 1
        _let_hear(plugins, "deaf")
        await settle()


@pytest.mark.parametrize(
    ("last", "faults"), [("raise KeyError", 1), ("raise CallEnded('hangup')", 0), ("pass", 0)]
)
async def test_call_that_fails_when_it_is_cancelled(house: Callable[..., House], last: str, faults: int) -> None:
    """What it raises instead of ending is a fault, though nobody waits for it any more."""
    source = f"""
    @hookimpl
    async def answer_call(call):
        try:
            await asyncio.Event().wait()
        finally:
            {last}
"""
    plugins = house(p=source)
    async with plugins.running():
        line = asyncio.create_task(plugins.dispatcher.crew.answer_call("p", CALL, ""))
        await settle()
        line.cancel()
        await asyncio.wait([line])
        assert line.cancelled()
    assert plugins.hosted["p"].faults == faults


# -- what it returns


@pytest.mark.parametrize(
    ("returned", "name", "faults"),
    [
        ("'Ada'", "Ada", 0),
        ("None", "", 0),
        ("''", "", 0),
        ("' \\x1b[2JAda\\n\\x00 '", "[2JAda", 0),
        ("'x' * 10_000_000", "x" * LONGEST_NAME, 0),
        ("5", "", 1),
        ("b'Ada'", "", 1),
        ("object", "", 1),
        ("(x for x in 'Ada')", "", 1),
        ("asyncio.sleep(0, 'Ada')", "Ada", 0),
        ("asyncio.sleep(0, 5)", "", 1),
        ("type('Bad', (), {'__await__': lambda self: 5})()", "", 1),
        ("type('Bad', (), {'__await__': lambda self: iter([5])})()", "", 1),
    ],
)
async def test_callers_name_is_text(house: Callable[..., House], returned: str, name: str, faults: int) -> None:
    """What is none is a fault, what is too long or cannot be shown is cut."""
    plugins = house(p=f"@hookimpl\ndef caller_name(number):\n    return {returned}\n")
    async with plugins.running():
        assert await plugins.dispatcher.crew.caller_name("555", "") == name
    assert plugins.hosted["p"].faults == faults


@pytest.mark.parametrize(
    ("returned", "faults"),
    [("5", 0), ("[event] * 1000", 0), ("asyncio.sleep(0)", 0), ("(x for x in 'abc')", 1)],
)
async def test_what_observers_return_is_nobodys_business(
    house: Callable[..., House], returned: str, faults: int
) -> None:
    """But for a generator, of which nothing would run."""
    plugins = house(p=f"@hookimpl\ndef port_event(event):\n    return {returned}\n")
    async with plugins.running():
        plugins.event(1)
        await plugins.dispatcher.drain(1)
    assert plugins.hosted["p"].faults == faults


# -- what it starts

BUSY = """
    @hookimpl
    def port_event(event):
        for _ in range(event):
            asyncio.create_task(asyncio.sleep(1e6))

    @hookimpl
    async def answer_call(call):
        await asyncio.gather(asyncio.sleep(1e6), asyncio.sleep(1e6))
"""


async def test_tasks_are_known_and_end_with_the_daemon(house: Callable[..., House]) -> None:
    """Those of observers and of calls; whatever others start is not the plugin's."""
    plugins = house(busy=BUSY)
    async with plugins.running():
        plugins.event(3)
        await plugins.dispatcher.drain(1)
        others = asyncio.create_task(asyncio.sleep(1e6))
        answering = asyncio.create_task(plugins.dispatcher.crew.answer_call("busy", CALL, ""))
        await settle()
        assert len(plugins.hosted["busy"].tasks) == 5
        answering.cancel()
        await asyncio.wait([answering])
        assert len(plugins.hosted["busy"].tasks) == 3
    assert len(plugins.hosted["busy"].tasks) == 0
    assert not others.cancelled()
    others.cancel()
    assert plugins.hosted["busy"].faults == 0


async def test_too_many_tasks_are_cancelled(house: Callable[..., House]) -> None:
    """All of them, and it is a fault; what comes after begins anew."""
    plugins = house({"tasks": 10}, busy=BUSY)
    async with plugins.running():
        plugins.event(10)
        await plugins.dispatcher.drain(1)
        assert (len(plugins.hosted["busy"].tasks), plugins.hosted["busy"].faults) == (10, 0)
        plugins.event(3)
        await plugins.dispatcher.drain(1)
        await settle()
        assert (len(plugins.hosted["busy"].tasks), plugins.hosted["busy"].faults) == (2, 1)


async def test_task_of_ctportds_own_is_out_of_harm(house: Callable[..., House]) -> None:
    """What ctportd's code starts on its own account, when a plugin calls it, is not the plugin's to lose."""
    ours: dict[str, Any] = {"asyncio": asyncio}
    file = str(Path(ctportd.__file__).parent / "calls" / "leg.py")
    exec(compile("def end():\n    return asyncio.create_task(asyncio.sleep(1e6))", file, "exec"), ours)
    plugins = house(p="from typing import Any\n@hookimpl\ndef port_event(event):\n    event()\n")
    started = []
    async with plugins.running():
        plugins.event(lambda: started.append(ours["end"]()))
        await plugins.dispatcher.drain(1)
        assert len(plugins.hosted["p"].tasks) == 0
    (task,) = started
    assert not task.cancelling()
    task.cancel()


STRAY = """
    async def fail():
        raise KeyError("stray")

    def fail_at_once():
        raise KeyError("stray")

    @hookimpl
    def port_event(event):
        loop = asyncio.get_running_loop()
        if event == "task":
            asyncio.create_task(fail())
        elif event == "callback":
            loop.call_soon(fail_at_once)
        elif event == "foreign callback":
            loop.call_soon(int, "stray")
        elif event == "foreign task":
            asyncio.create_task(asyncio.wait_for("stray", 1))
"""


@pytest.mark.parametrize("what", ["task", "callback", "foreign callback", "foreign task"])
async def test_what_nobody_catches_is_the_fault_of_whose_it_is(house: Callable[..., House], what: str) -> None:
    """Though no code of the plugin's may stand in the traceback."""
    plugins = house(stray=STRAY, sound=WITNESS)
    async with plugins.running():
        plugins.event(what)
        await plugins.dispatcher.drain(1)
        await settle()
        gc.collect()
        await settle()
    assert plugins.hosted["stray"].faults == 1
    assert plugins.hosted["stray"].last_fault.startswith("a task: ")
    assert plugins.hosted["sound"].faults == 0


async def test_what_is_no_plugins_fault_goes_to_the_log(
    house: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is told as asyncio tells it."""
    plugins = house(sound=WITNESS)
    async with plugins.running():
        asyncio.get_running_loop().call_soon(int, "ours")
        await settle()
    assert "Exception in callback" in caplog.text
    assert plugins.hosted["sound"].faults == 0


# -- quarantine

SOMETIMES = """
    seen = []
    bad = True

    @hookimpl
    def port_event(event):
        seen.append(event)
        if bad:
            raise ValueError("bad")

    @hookimpl
    def daemon_started():
        asyncio.create_task(asyncio.sleep(1e6))

    @hookimpl
    def answer_call(call):
        seen.append("call")

    @hookimpl
    def caller_name(number):
        return "Bad"
"""


@pytest.mark.looptime
async def test_plugin_that_fails_again_and_again_is_taken_out(
    house: Callable[..., House], log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Nothing of it is called until its time is over; others are told when it goes, and when it is trusted again."""
    plugins = house({"faults": 3, "quarantine": 60, "fault_window": 30}, bad=SOMETIMES, sound=WITNESS)
    bad, told = plugins.hosted["bad"], [("out", "bad", "port_event: ValueError: bad")]
    async with plugins.running():
        plugins.dispatcher.tell("daemon_started")
        plugins.event(1, 2, 3, 4, 5)
        await plugins.dispatcher.drain(1)
        assert (bad.faults, bad.skipped, plugins.seen("bad")) == (3, 2, [1, 2, 3])
        assert plugins.seen("sound") == [1, 2, 3, 4, 5, *told]
        assert plugins.out("bad")
        with pytest.raises(PluginError, match=r"is in quarantine.*port_event: ValueError: bad"):
            await plugins.dispatcher.crew.answer_call("bad", CALL, "")
        assert await plugins.dispatcher.crew.caller_name("555", "") == ""
        await settle()
        assert (bad.faults, bad.skipped, len(bad.tasks)) == (3, 4, 0)
        await asyncio.sleep(61)
        plugins.modules["bad"].bad = False
        plugins.event(6)
        await plugins.dispatcher.drain(1)
        assert plugins.seen("bad")[-1] == 6
        assert await plugins.dispatcher.crew.caller_name("555", "") == "Bad"
        assert plugins.seen("sound")[-1] == 6
        await asyncio.sleep(32)
        assert plugins.seen("sound")[-1] == ("in", "bad")
    assert not plugins.out("bad")
    assert [line["event"] for line in log_lines if line["event"].startswith("a plugin is ")] == [
        "a plugin is taken out: it fails again and again",
        "a plugin is tried again",
        "a plugin is out of quarantine",
    ]


@pytest.mark.looptime
async def test_plugin_on_trial_is_taken_out_by_one_fault(house: Callable[..., House]) -> None:
    """For twice as long."""
    plugins = house({"faults": 3, "quarantine": 60}, bad=SOMETIMES)
    async with plugins.running():
        plugins.event(1, 2, 3)
        await plugins.dispatcher.drain(1)
        await asyncio.sleep(60)
        plugins.event(4, 5)
        await plugins.dispatcher.drain(1)
        assert plugins.seen("bad") == [1, 2, 3, 4]
        await asyncio.sleep(119)
        plugins.event(6)
        await asyncio.sleep(2)
        plugins.event(7)
        await plugins.dispatcher.drain(1)
        assert plugins.seen("bad") == [1, 2, 3, 4, 7]


async def test_fault_in_a_call_that_was_handed_over_is_that_of_whose_it_is(house: Callable[..., House]) -> None:
    """The plugin that handed the call over has done nothing wrong."""
    plugins = house(
        attendant="@hookimpl\nasync def answer_call(call, target):\n    await call.hand_over(target)\n",
        broken="@hookimpl\nasync def answer_call(call):\n    raise KeyError\n",
        leaves="@hookimpl\nasync def answer_call(call):\n    sys.exit()\n",
    )
    call = SimpleNamespace(id="c", port=PORT)
    call.hand_over = lambda plugin: plugins.dispatcher.crew.answer_call(plugin, cast("Call", call), "")
    async with plugins.running():
        for target in ("broken", "leaves"):
            with pytest.raises((KeyError, PluginError)):
                await plugins.dispatcher.crew.answer_call("attendant", cast("Call", call), target)
    assert {name: hosted.faults for name, hosted in plugins.hosted.items()} == {
        "attendant": 0,
        "broken": 1,
        "leaves": 1,
    }


async def test_package_is_known_by_all_its_files(tmp_path: Path) -> None:
    """Whatever stands below a plugin's folder is the plugin's."""
    (tmp_path / "p" / "far").mkdir(parents=True)
    (tmp_path / "p" / "__init__.py").write_text("from .far.below import *\n")
    (tmp_path / "p" / "far" / "__init__.py").write_text("")
    (tmp_path / "p" / "far" / "below.py").write_text(HEADER + STRAY.replace("\n    ", "\n"))
    (tmp_path / "pq.py").write_text("")
    before = set(sys.modules)
    plugins = load(tmp_path)
    assert plugins.failed == {}
    dispatcher = Dispatcher(plugins, cast("Daemon", SimpleNamespace()), PluginsTable(hold_limit=0, hold_kill=0))
    working = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0)
    dispatcher.port_event(PORT, cast("Event", "task"))
    await settle()
    gc.collect()
    assert dispatcher.hosted["p"].faults == 1
    working.cancel()
    await asyncio.wait([working])
    _forget_plugins(before)
