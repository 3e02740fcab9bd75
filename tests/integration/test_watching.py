"""A daemon as a process, whose folder of plugins is watched, and whose plugins are enabled and disabled by command."""

from __future__ import annotations

import asyncio
import time
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.system import StartSystem, System

BELL = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    await call.play("WORD")
"""

PATIENCE = 2.0
"""Seconds in which a change is taken."""


async def write(system: System, name: str, text: str) -> None:
    """As editors do: under another name, which is then the file's."""
    part = system.plugins_folder / f".{name}.swp"
    await asyncio.to_thread(part.write_text, text)
    await asyncio.to_thread(part.rename, system.plugins_folder / name)


async def logged(system: System, event: str, **fields: str) -> None:
    """Wait until it is logged, which must not take longer than is promised."""
    began = time.monotonic()
    await system.logged(event, **fields)
    assert time.monotonic() - began < PATIENCE


async def test_folder_is_watched(start_system: StartSystem) -> None:
    """One that is put there is loaded, a changed one replaced, a broken one told of once, a removed one unloaded."""
    system = await start_system(["bell"], changes={"plugins": {"watch": True}}, own_plugins={"bell.py": BELL})
    for name, text in (("new.py", BELL), ("bell.py", BELL.replace("WORD", "beep"))):
        await write(system, name, text)
        what = (
            "a plugin is loaded"
            if name == "new.py"
            else "a plugin is replaced; calls under way end with the older one"
        )
        await logged(system, what, plugin=name.removesuffix(".py"))
    await write(system, "new.py", "def half(")
    await logged(system, "a plugin cannot be loaded", plugin="new", older="goes on")
    states = {plugin.name: plugin for plugin in (await system.status()).plugins}
    assert (states["new"].state, "SyntaxError" in states["new"].error) == ("loaded", True)
    await asyncio.to_thread((system.plugins_folder / "new.py").unlink)
    await logged(system, "a plugin is taken out", plugin="new")
    broken = [line for line in system.log_lines if line["event"] == "a plugin cannot be loaded"]
    assert len(broken) == 1

    # by command: the file's other keys stay, and a refusal takes the key back
    config = system.folder / "ctportd.toml"
    listed = await system.json("plugins", "--json")
    assert {plugin["name"]: plugin["state"] for plugin in listed}["notify"] == "loaded"
    before = tomllib.loads(config.read_text())
    assert (await system.run("plugins", "disable", "notify")).out == "ctportd: notify is disabled\n"
    assert tomllib.loads(config.read_text())["plugins"]["notify"]["enabled"] is False
    assert "notify" not in {plugin.name for plugin in (await system.status()).plugins}
    refused = await system.run("plugins", "disable", "bell")
    assert (refused.status, "bell" in refused.err) == (78, True)
    assert (await system.run("plugins", "enable", "notify")).status == 0
    after = tomllib.loads(config.read_text())
    after["plugins"]["notify"].pop("enabled")
    before["plugins"].setdefault("notify", {})
    assert after == before
    await asyncio.to_thread((system.plugins_folder / "bell.py").unlink)
    await logged(system, "the handler of ports is gone: their calls go to the next one", plugin="bell")
