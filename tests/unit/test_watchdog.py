"""Who holds the event loop is told, and interrupted where it is a plugin; nobody is blamed for what proves nothing."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.errors import HookInterrupted
from ctportd.hooks.blame import Blame
from ctportd.hooks.hold import AGAIN, Hold
from ctportd.hooks.loader import Plugin, load_plugins
from ctportd.hooks.watchdog import SIGNAL, Watchdog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

CALLS = """
def call(what):
    return what()

def call_within(what, swallowed):
    try:
        what()
    except BaseException as error:
        swallowed.append(error)
    what()
"""


def test_hold_is_told_once() -> None:
    """When the limit is reached; and when the loop turns, how long it was held, if that was told."""
    hold = Hold(limit=1.0, kill=0)
    assert hold.turned() is None
    assert [hold.lasts(0.25, None) for _ in range(6)] == [False, False, False, True, False, False]
    assert hold.turned() == 1.5
    assert not hold.lasts(0.25, None)
    assert hold.turned() is None


def test_each_who_holds_is_told() -> None:
    """Two plugins in one turn of the loop: the second is told too, once it has held for as long by itself."""
    hold = Hold(limit=1.0, kill=0)
    assert [hold.lasts(0.25, "a") for _ in range(5)] == [False, False, False, True, False]
    assert [hold.lasts(0.25, "b") for _ in range(5)] == [False, False, False, True, False]
    assert hold.culprits_seconds == 1.25
    assert not any(hold.lasts(0.25, "a") for _ in range(8))
    assert hold.turned() == 4.5


def test_plugin_is_killed_again_and_again() -> None:
    """At its limit, and each second after that as long as it does not let go."""
    hold = Hold(limit=0, kill=2.0)
    killed = []
    for step in range(16):
        assert not hold.lasts(0.25, "a")
        if hold.kills():
            killed.append((step + 1) * 0.25)
    assert killed == [2.0, 2.0 + AGAIN, 2.0 + 2 * AGAIN]


@pytest.mark.parametrize("other", ["b", None])
def test_only_who_held_all_the_time_is_killed(other: str | None) -> None:
    """Whoever comes next in the same turn of the loop begins anew; nobody is never killed."""
    hold = Hold(limit=0, kill=1.0)
    for _ in range(3):
        hold.lasts(0.25, "a")
    hold.lasts(0.25, other)
    assert not hold.kills()
    hold.lasts(0.25, "a")
    assert not hold.kills()


def test_nobody_is_never_killed() -> None:
    """A hold by no plugin's code lasts as long as it lasts."""
    hold = Hold(limit=0, kill=1.0)
    for _ in range(100):
        hold.lasts(0.25, None)
        assert not hold.kills()


class FakeLoop:
    """A loop that keeps what it is given until it turns."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, ...]] = []

    def call_soon_threadsafe(self, *what: Any) -> None:
        """Remember."""
        self.waiting.append(what)

    def turn(self) -> None:
        """Do what waits."""
        waiting, self.waiting = self.waiting, []
        for function, *arguments in waiting:
            function(*arguments)


class Kennel:
    """A watchdog whose thread is the test, and whose loop is held by the test's main thread."""

    def __init__(self, folder: Path, limit: float = 1.0, kill: float = 2.0) -> None:
        (folder / "held.py").write_text(CALLS)
        plugins = load_plugins(folder, {}, "x.toml").loaded
        self.held, self.other = plugins["held"], Plugin("other", ModuleType("other"), {}, {})
        self.module: Any = self.held.module
        self.faults: list[tuple[Plugin, str, BaseException]] = []
        self.watchdog = Watchdog(Blame(plugins.values()), limit, kill, lambda *fault: self.faults.append(fault))
        self.watchdog._thread_id = threading.get_ident()
        self.loop = FakeLoop()

    def look(self, times: int = 1, passed: float = 0.25) -> None:
        """Have the thread look."""
        for _ in range(times):
            self.watchdog._look(self.loop, passed)  # type: ignore[arg-type]


@pytest.fixture
def kennel(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A watchdog with the signal's handler set, as it is while it watches."""
    kennel = Kennel(tmp_path)
    before = signal.signal(SIGNAL, kennel.watchdog._interrupt)
    yield kennel
    signal.signal(SIGNAL, before)
    sys.modules.pop("ctportd_plugins.held", None)


def test_loop_that_turns_is_left_alone(kennel: Kennel, log_lines: list[MutableMapping[str, Any]]) -> None:
    """Each look asks for a sign of life, and gets it."""
    for _ in range(100):
        kennel.look()
        kennel.loop.turn()
    assert log_lines == []
    assert kennel.faults == []


def test_plugin_that_holds_is_named(kennel: Kennel, log_lines: list[MutableMapping[str, Any]]) -> None:
    """With its stack, while it holds; the fault is counted when the loop turns again."""
    kennel.module.call(lambda: kennel.look(6))
    (line,) = log_lines
    assert (line["event"], line["plugin"]) == ("a plugin holds the event loop", "held")
    assert "held.py" in line["stack"]
    assert kennel.faults == []
    kennel.loop.turn()
    ((plugin, what, error),) = kennel.faults
    assert (plugin, what) == (kennel.held, "event loop")
    assert "held up everybody else for more than 1 s" in str(error)
    kennel.look()
    assert log_lines[-1]["event"] == "the event loop turns again"


def test_plugin_that_goes_on_is_interrupted(kennel: Kennel) -> None:
    """In the midst of its code; one that catches it is interrupted again."""
    swallowed: list[BaseException] = []
    with pytest.raises(HookInterrupted, match=r"plugin held held up everybody else for 3\.0 s"):
        kennel.module.call_within(lambda: kennel.look(13), swallowed)
    assert [type(error) for error in swallowed] == [HookInterrupted]


def test_held_by_nobody_is_told_and_not_interrupted(
    kennel: Kennel, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Never is anything raised where no plugin's code stands."""
    kennel.look(100)
    assert [line["event"] for line in log_lines] == ["the event loop is held, by no plugin"]
    assert "test_watchdog.py" in log_lines[0]["stack"]
    kennel.loop.turn()
    assert kennel.faults == []


def test_signal_that_comes_late_does_nothing(kennel: Kennel) -> None:
    """The loop has turned since, or another's code stands there now: it is let go."""
    kennel.watchdog._aim = kennel.held, 1
    signal.raise_signal(SIGNAL)  # no plugin's code here
    kennel.watchdog._aim = kennel.other, 1
    kennel.module.call(lambda: signal.raise_signal(SIGNAL))
    kennel.watchdog._answered, kennel.watchdog._aim = 1, (kennel.held, 1)
    kennel.module.call(lambda: signal.raise_signal(SIGNAL))
    kennel.module.call(lambda: signal.raise_signal(SIGNAL))  # nobody is aimed at
    kennel.watchdog._aim = kennel.held, 2
    with pytest.raises(HookInterrupted):
        kennel.module.call(lambda: signal.raise_signal(SIGNAL))


class StoppedClock:
    """Waits as the process was stopped: one look takes an hour."""

    def __init__(self, looks: int) -> None:
        self.now = 0.0
        self._looks = looks

    def wait(self, seconds: float) -> bool:
        """The next look, or the end."""
        self.now += 3600
        self._looks -= 1
        return self._looks < 0

    def monotonic(self) -> float:
        """The time."""
        return self.now


def test_process_that_was_stopped_is_not_taken_for_one_that_hangs(
    kennel: Kennel, monkeypatch: pytest.MonkeyPatch, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """The thread has slept as well: an hour between two of its looks counts half a second at most."""

    def watch(looks: int) -> None:
        clock = StoppedClock(looks)
        monkeypatch.setattr("ctportd.hooks.watchdog.time", clock)
        kennel.watchdog._over = clock  # type: ignore[assignment]
        kennel.module.call(lambda: kennel.watchdog._watch(kennel.loop))  # type: ignore[arg-type]

    watch(looks=2)
    assert log_lines == []
    watch(looks=2)
    assert [line["event"] for line in log_lines] == ["a plugin holds the event loop"]


async def test_watching_leaves_nothing_behind(kennel: Kennel) -> None:
    """The thread ends and the signal's handler is as before; with both limits 0 there is neither."""
    before = signal.getsignal(SIGNAL)
    with kennel.watchdog.watching():
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "watchdog"]
        assert signal.getsignal(SIGNAL) == kennel.watchdog._interrupt
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert signal.getsignal(SIGNAL) == before
    off = Watchdog(kennel.watchdog._blame, 0, 0, lambda *fault: None)
    with off.watching():
        assert not [thread for thread in threading.enumerate() if thread.name == "watchdog"]
