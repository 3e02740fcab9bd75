"""Reloads without end while people call: no call is dropped, each goes on as it has begun, and nothing leaks."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import threading
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from ctportd.calls.line import Line as TelephoneLine
from ctportd.config import Config
from ctportd.errors import ConfigError
from ctportd.hooks.hosted import Hosted
from ctportd.hooks.loader import Plugin
from ctportd.links.connection import Connection

if TYPE_CHECKING:
    from ctportd.testing.fixtures import Line
    from ctportd.testing.house import House

LINES, ROUNDS, RELOADS = 10, 5, 100

LIMIT = 60.0
"""Seconds that a call may take. The loop keeps a timer that was cancelled, with its plugin, until it is due."""

SAYS = """
from ctportd import hookimpl

PROMPT = {prompt!r}

@hookimpl
async def answer_call(call, target):
    await call.answer()
    await call.play(PROMPT)
    await call.collect(1, 120)
    await call.play(PROMPT)
    await call.hangup()
"""
"""Says the same before a key and after it, whatever a newer one of it would say."""

PROMPTS = ("beep", "goodbye", "invalid-key", "one-moment")

KINDS = (Plugin, Hosted, TelephoneLine, Connection, Config)


def ports(reload: int) -> list[dict[str, Any]]:
    """The ports of the lines, whose order of handlers changes, and one or two more that come and go."""
    handlers = ["says:a", "says:b"] if reload % 2 else ["says:b", "says:a"]
    numbers = [*range(1, LINES + 1), LINES + 1 + reload % 2]
    return [{"number": number, "handlers": handlers, "call_limit": LIMIT} for number in numbers]


def write(house: House, text: str, data: dict[str, Any], reload: int) -> bool:
    """Change what is to be loaded; returns whether it is good. A third is not: by turns the file and the plugin."""
    file, plugin = house.config_path, house.folder / "plugins" / "says.py"
    broken = reload % 3 == 2
    kind = reload // 3 % 3 if broken else None
    tables = {**data, "port": ports(reload)}
    plugin.write_text("raise ValueError\n" if kind == 0 else SAYS.format(prompt=PROMPTS[reload % len(PROMPTS)]))
    if kind == 1:
        file.write_text(f"{text}\n[[port\n")
    elif kind == 2:
        file.write_text(tomli_w.dumps({**tables, "port": [{"number": 1, "handlers": ["nobody"]}]}))
    else:
        file.write_text(tomli_w.dumps(tables))
    return not broken


async def storm(house: House, count: int) -> Counter[bool]:
    """Reload so often; returns how many were good, and how many were refused."""
    text = await asyncio.to_thread(house.config_path.read_text)
    outcomes: Counter[bool] = Counter()
    for reload in range(count):
        good = await asyncio.to_thread(write, house, text, tomllib.loads(text), reload)
        before = house.daemon.config
        try:
            await house.reload()
        except ConfigError:
            outcomes[False] += 1
            assert not good
            assert house.daemon.config is before
        else:
            outcomes[True] += 1
            assert good
        await asyncio.sleep(1.5)
    await asyncio.to_thread(house.config_path.write_text, text)
    return outcomes


async def caller(house: House, port: int, number: int) -> None:
    """One call, which lasts for some reloads: what is said before the key is said after it."""
    await asyncio.sleep(number / 3)
    phone = await house.call(port, number=f"5550{number:03}")
    await phone.answered()
    await phone.silence(10.0 + number % 7)
    assert len(phone.heard) == 1, phone.story
    await phone.press("1")
    end = await phone.ended()
    assert end.by == "line", phone.story
    assert phone.heard == [phone.heard[0]] * 2, phone.story


async def callers(house: House, port: int) -> None:
    """The calls of one line, one after the other."""
    for number in range(ROUNDS):
        await caller(house, port, port * 10 + number)


def held() -> dict[str, int]:
    """What there is that must not grow."""
    gc.collect()
    kinds = Counter(type(thing) for thing in gc.get_objects())
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "modules": len(sys.modules),
        "threads": sum(not re.search(r"_\d+$", thread.name) for thread in threading.enumerate()),  # pools may grow
        **{kind.__name__: kinds[kind] for kind in KINDS},
    }


async def settled(house: House) -> dict[str, int]:
    """Likewise, when nothing is under way any more."""
    await house.idle()
    await house.reload()
    await asyncio.sleep(LIMIT + 10)
    return {**await asyncio.to_thread(held), "tasks": len(asyncio.all_tasks())}


async def test_a_storm_of_reloads(ctportd_line: Line) -> None:
    """100 reloads during 50 calls, a third of them with a broken file or plugin."""
    handlers = {number: ["says:a"] for number in range(1, LINES + 3)}
    plugins = {"says": SAYS.format(prompt=PROMPTS[0])}
    house = await ctportd_line(handlers, plugins=plugins, daemon={"drain_timeout": 30.0})
    await storm(house, 6)
    before = await settled(house)
    async with asyncio.TaskGroup() as group:
        storming = group.create_task(storm(house, RELOADS))
        for port in range(1, LINES + 1):
            group.create_task(callers(house, port))
    assert storming.result() == {True: RELOADS - RELOADS // 3, False: RELOADS // 3}
    after = await settled(house)
    ended = [line for line in house.log if line["event"] == "call ended"]
    assert [line["reason"] for line in ended] == ["finished"] * (LINES * ROUNDS)
    assert not house.errors
    assert not {what: (before[what], count) for what, count in after.items() if count > before[what]}
