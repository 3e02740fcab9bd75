"""How many events a second the dispatcher gives to plain functions of plugins.

Printed: events a second of CPU time, told and drained, with 1 and with 10 plugins, the best of some rounds. With the
folder of another checkout, such as a worktree of an older commit, the two take turns in one run, and the ratio is
printed too. Run it as ``python benchmarks/dispatch.py [other checkout]``.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from ctportd.config import PluginsTable
from ctportd.hooks.dispatch import Dispatcher
from ctportd.hooks.loader import Plugin, Plugins, hooks_of
from ctportd.hooks.markers import hookimpl

EVENTS = 20_000
ROUNDS = 5
PLUGINS = (1, 10)


def plugin(number: int) -> Plugin:
    """A plugin with a plain function for events."""
    module = cast("Any", ModuleType(f"p{number}"))
    last: list[Any] = [None]

    @hookimpl
    def port_event(port: Any, event: Any) -> None:
        last[0] = port, event

    module.port_event = port_event
    return Plugin(module.__name__, module, {}, hooks_of(module.__name__, module))


async def measure(plugins: int) -> float:
    """Events a second."""
    older = "queue_limit" in inspect.signature(Dispatcher).parameters
    limits: Any = EVENTS if older else PluginsTable(queue=EVENTS)
    made: Any = [plugin(number) for number in range(plugins)]
    if "Iterable" not in str(inspect.signature(Dispatcher).parameters["plugins"].annotation):
        made = Plugins({one.name: one for one in made})
    dispatcher = Dispatcher(made, cast("Any", None), limits)
    working = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0)
    port, event = cast("Any", SimpleNamespace(address="main:1")), cast("Any", object())
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(EVENTS // 100):
            for _ in range(100):  # as many as may come in one turn of the loop
                dispatcher.port_event(port, event)
            await asyncio.sleep(0)
        await dispatcher.drain(60)
        best = max(best, EVENTS / (time.process_time() - began))
    working.cancel()
    await asyncio.wait([working])
    return best


def measured(checkout: Path) -> list[float]:
    """Events a second of a checkout, for each number of plugins, in a process of its own."""
    command = [sys.executable, __file__, "--measure"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    run = subprocess.run(command, env=environment, cwd=checkout, check=True, capture_output=True, text=True)
    return [float(word) for word in run.stdout.split()]


def main() -> None:
    """Measure here, or here and there in turns."""
    if sys.argv[1:] == ["--measure"]:
        print(*(asyncio.run(measure(plugins)) for plugins in PLUGINS))
        return
    here, others = Path(__file__).parent.parent, [Path(path).absolute() for path in sys.argv[1:]]
    best = {path: [0.0] * len(PLUGINS) for path in (here, *others)}
    for _ in range(3):
        for path, figures in best.items():
            best[path] = list(map(max, figures, measured(path)))
    for column, plugins in enumerate(PLUGINS):
        told = f"{plugins:2} plugins: {best[here][column]:9,.0f} events a second"
        for other in others:
            told += f", {best[here][column] / best[other][column]:.2f} times those of {other}"
        print(told)


if __name__ == "__main__":
    main()
