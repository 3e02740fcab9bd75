"""Plugins are replaced between calls: a call ends on the code with which it began, and the next one has the new code."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.errors import CtportdError

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.testing.fixtures import Line
    from ctportd.testing.house import House

MENU = """
import asyncio
from ctportd import hookimpl

heard = []

@hookimpl
async def answer_call(call, target):
    await call.answer()
    await call.play("PROMPT")
    key = await call.collect(1, 60)
    await call.play(key)
    if key == "5":
        await call.hand_over("second")
    await call.play("PROMPT")
    await call.hangup()
"""
"""Says the prompt of its generation, before and after a key."""

SECOND = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.play("PROMPT")
"""

WITNESS = """
from ctportd import hookimpl

GENERATION = "PROMPT"
seen = []

@hookimpl
def daemon_started():
    seen.append("daemon_started")

@hookimpl
def port_connected(port):
    seen.append(f"connected {port.number}")

@hookimpl
def plugin_retiring():
    seen.append("plugin_retiring")

@hookimpl
def call_started(call):
    seen.append("call_started")

@hookimpl
def port_event(port, event):
    if event.name == "dtmf":
        seen.append(f"{port.number} {event.key}")

@hookimpl
def call_answered(call):
    seen.append("call_answered")

@hookimpl
def call_ended(call):
    seen.append("call_ended")

@hookimpl
async def daemon_stopping():
    seen.append("stopping")
"""
"""Remembers what it is told."""


def text(source: str, prompt: str) -> str:
    """A plugin of the generation that says a prompt."""
    return source.replace("PROMPT", prompt)


async def write(house: House, prompt: str, **sources: str) -> None:
    """Have newer files of plugins."""
    for name, source in sources.items():
        path = house.folder / "plugins" / f"{name}.py"
        await asyncio.to_thread(path.write_text, text(source, prompt))


async def house_of(line: Line, ports: int = 2) -> House:
    """A house whose plugins are those of the first generation."""
    plugins = {"menu": text(MENU, "beep"), "second": text(SECOND, "hello"), "witness": text(WITNESS, "beep")}
    return await line({port: ["menu"] for port in range(1, ports + 1)}, plugins=plugins)


async def test_call_ends_on_the_code_with_which_it_began(ctportd_line: Line) -> None:
    """In the middle of a menu, and so does what it is handed over to; the next call has the new code."""
    house = await house_of(ctportd_line)
    old = await house.call(1)
    await old.hear("beep")
    await write(house, "goodbye", menu=MENU, second=SECOND)
    reloaded = await house.reload()
    assert (reloaded.plugins_replaced, reloaded.plugins_added) == (["menu", "second"], [])
    new = await house.call(2)
    await new.hear("goodbye")
    await old.press("5")
    await old.ended()
    assert old.heard == ["beep", "5", "hello", "beep"]
    await new.press("5")
    await new.ended()
    assert new.heard == ["goodbye", "5", "goodbye", "goodbye"]


async def test_observers_see_whole_calls(ctportd_line: Line) -> None:
    """Each generation sees its calls from beginning to end, with their events, and nothing of the other's."""
    house = await house_of(ctportd_line)
    first = house.plugin("witness")
    old = await house.call(1)
    await old.hear("beep")
    await write(house, "goodbye", witness=WITNESS)
    await house.reload()
    second = house.plugin("witness")
    assert (first.GENERATION, second.GENERATION) == ("beep", "goodbye")
    new = await house.call(2)
    await new.hear("beep")
    assert {plugin.name: plugin.retiring for plugin in (await house.status()).plugins} == {
        "menu": 0,
        "second": 0,
        "witness": 1,
    }
    await old.press("1")
    await new.press("2")
    await old.ended()
    await new.ended()
    await house.idle()
    assert first.seen == [
        "daemon_started",
        "connected 1",
        "connected 2",
        "call_started",
        "call_answered",
        "plugin_retiring",
        "1 1",
        "call_ended",
        "stopping",
    ]
    connected = ["connected 1", "connected 2"]  # which they were before
    assert second.seen == ["daemon_started", *connected, "call_started", "call_answered", "2 2", "call_ended"]
    assert [plugin.retiring for plugin in (await house.status()).plugins] == [0, 0, 0]


async def test_broken_plugin_refuses_everything(ctportd_line: Line) -> None:
    """The sentence names it; the others are as they were, and nothing half loaded is left."""
    house = await house_of(ctportd_line)
    before, modules = house.daemon.plugins, plugin_modules()
    await write(house, "goodbye", menu=MENU, second="import json\nraise ValueError('not today')")
    with pytest.raises(CtportdError, match=r"plugin second: cannot be loaded .* not today"):
        await house.reload()
    assert (house.daemon.plugins, plugin_modules()) == (before, modules)
    phone = await house.call(1)
    await phone.hear("beep")
    await phone.hang_up()


async def test_what_has_not_changed_keeps_what_it_knows(ctportd_line: Line) -> None:
    """Its module is the same; one that is named is loaded anew all the same, and one with another table, too."""
    house = await house_of(ctportd_line)
    kept = house.plugin("menu")
    kept.heard.append("mine")
    assert (await house.reload()).plugins_replaced == []
    assert house.plugin("menu") is kept
    assert (await house.reload(["menu"])).plugins_replaced == ["menu"]
    assert (house.plugin("menu") is kept, house.plugin("menu").heard) == (False, [])


def plugin_modules() -> list[str]:
    """The names of all modules of plugins."""
    return sorted(name for name in sys.modules if name.startswith("ctportd_plugins"))


async def test_a_hundred_replacements_leave_nothing(ctportd_line: Line) -> None:
    """With a call under way all the time: modules, tasks, and objects are as many as before."""
    house = await house_of(ctportd_line)
    dispatcher = house.daemon.dispatcher
    old = await house.call(1)
    await old.hear("beep")
    await house.reload(["menu", "witness"])
    await house.settle()
    modules, tasks = len(plugin_modules()), len(asyncio.all_tasks())
    refs: list[weakref.ref[Any]] = []
    for _ in range(100):
        refs.append(weakref.ref(house.plugin("witness")))
        await house.reload(["menu", "witness"])
    await house.settle()
    assert (len(plugin_modules()), len(asyncio.all_tasks())) == (modules, tasks)
    assert len(dispatcher._succession.alive) == 5
    await old.press("1")
    await old.ended()
    assert old.heard == ["beep", "1", "beep"]
    await house.idle()
    assert len(dispatcher._succession.alive) == 3
    gc.collect()
    assert [ref for ref in refs if ref() is not None] == []


async def test_late_import_is_that_of_its_generation(ctportd_line: Line, tmp_path: Path) -> None:
    """What old code imports at last is what stood in its file when the plugin was loaded, though that is gone."""
    folder = tmp_path / "late"
    folder.mkdir()
    source = "from ctportd import hookimpl\n@hookimpl\nasync def answer_call(call):\n    await call.answer()\n"
    source += "    await call.play('PROMPT')\n    await call.collect(1, 60)\n    from .word import WORD\n"
    source += "    await call.play(WORD)\n    await call.hangup()\n"
    (folder / "__init__.py").write_text(text(source, "beep"))
    (folder / "word.py").write_text("WORD = 'hello'\n")
    house = await ctportd_line({1: ["late"]}, plugins=folder)
    old = await house.call(1)
    await old.hear("beep")
    await asyncio.to_thread(
        (folder / "word.py").write_text, "WORD = 'april'\n"
    )  # of the same size, in the same second
    await house.reload()
    await asyncio.to_thread((folder / "word.py").unlink)
    await old.press("1")
    await old.ended()
    assert old.heard == ["beep", "hello"]
    await house.idle()
    new = await house.call(1)
    await new.hear("beep")
    await new.press("1")
    await new.ended()
    assert new.heard == ["beep", "april"]
