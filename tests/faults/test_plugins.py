"""A real daemon full of plugins that misbehave: each is told by its name, and the lines go on."""

from __future__ import annotations

import asyncio
import signal
import time
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.system import StartSystem, System


GOOD = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    await call.play("hello")
    await call.play(await call.collect(1))
    await call.wait_ended()
"""

WITNESS = """
from pathlib import Path
from ctportd import hookimpl

@hookimpl
def port_event(port, event, daemon):
    with Path("state/WITNESS").open("a") as file:
        file.write(f"{port.number} {event.raw}\\n")

@hookimpl
def plugin_quarantined(plugin, reason, daemon):
    with Path("state/WITNESS.told").open("a") as file:
        file.write(f"{plugin} {reason}\\n")
"""

BAD = {
    "raises": """
        class Odd(BaseException):
            def __str__(self):
                raise SystemExit("not even this")

        @hookimpl
        def port_event(event):
            raise Odd

        @hookimpl
        def answer_call(call):
            raise Odd
    """,
    "hangs": """
        @hookimpl
        async def call_started(call):
            await asyncio.Event().wait()

        @hookimpl
        async def caller_name(number):
            await asyncio.Event().wait()
    """,
    "deaf": """
        async def hear_nothing():
            while True:
                try:
                    await asyncio.sleep(3600)
                except BaseException:
                    pass

        @hookimpl
        async def call_started(call):
            await hear_nothing()

        @hookimpl
        async def answer_call(call):
            await call.answer()
            await hear_nothing()
    """,
    "spins": """
        @hookimpl
        def call_ended(call):
            if call.port.number == 2:
                while True:
                    pass
    """,
    "sleeps": """
        @hookimpl
        def call_ended(call):
            if call.port.number == 3:
                try:
                    time.sleep(3600)
                except Exception:
                    pass
    """,
    "exits": """
        @hookimpl
        def port_event(event):
            sys.exit(3)

        @hookimpl
        async def answer_call(call):
            sys.exit(3)
    """,
    "exits_later": """
        async def leave():
            sys.exit(3)

        @hookimpl
        def call_started(call):
            asyncio.create_task(leave())
            asyncio.get_running_loop().call_soon(sys.exit, 3)

        @hookimpl
        def call_answered(call):
            asyncio.get_running_loop().stop()
    """,
    "leaks": """
        kept = []

        @hookimpl
        def call_started(call):
            kept.extend(asyncio.create_task(asyncio.sleep(3600)) for _ in range(60))

        @hookimpl
        def daemon_started():
            kept.append(asyncio.create_task(asyncio.sleep(3600)))
    """,
    "blocks_threads": """
        @hookimpl
        def daemon_started():
            for _ in range(64):
                asyncio.create_task(asyncio.to_thread(time.sleep, 3600))
    """,
    "misnames": """
        @hookimpl
        def caller_name(number):
            return 5
    """,
    "rubbish": """
        @hookimpl
        def port_event(event):
            return (x for x in "abc")

        @hookimpl
        def answer_call(call):
            return asyncio.sleep(0, "an awaitable of a plain function")

        @hookimpl
        def call_ended(call):
            return [call] * 1000
    """,
    "wordy": """
        @hookimpl
        def caller_name(number):
            return "Ada\\x1b[2J" + "x" * 10_000_000
    """,
}

FAULTS = {
    ("raises", "port_event"),
    ("hangs", "call_started"),
    ("hangs", "caller_name"),
    ("deaf", "call_started"),
    ("deaf", "answer_call"),
    ("spins", "call_ended"),
    ("spins", "event loop"),
    ("sleeps", "call_ended"),
    ("sleeps", "event loop"),
    ("exits", "port_event"),
    ("exits_later", "a task"),
    ("leaks", "tasks"),
    ("rubbish", "port_event"),
    ("misnames", "caller_name"),
}

LIMITS = {
    "hook_timeout": 1.0,
    "tasks": 100,
    "faults": 3,
    "quarantine": 600.0,
    "hold_limit": 0.6,
    "hold_kill": 1.0,
}


async def full_of_bad_plugins(start_system: StartSystem) -> System:
    """A daemon with all of them, and two good ones that see everything."""
    own = {
        f"{name}.py": "import asyncio, sys, time\nfrom ctportd import hookimpl\n" + dedent(text)
        for name, text in BAD.items()
    }
    own |= {f"{name}.py": WITNESS.replace("WITNESS", name) for name in ("a_witness", "z_witness")}
    return await start_system(
        ["good"],
        ["raises", "rubbish", "good"],
        ["exits", "good"],
        ["deaf"],
        own_plugins=own | {"good.py": GOOD},
        changes={"plugins": LIMITS, "exchange": {"speed": 10.0}, "daemon": {"end_timeout": 1.0}},
    )


async def whole_call(system: System, port: int) -> None:
    """Call a port, hear the greeting, press a key and hear it."""
    finished = await system.phone(
        port, "until", "hello", "press", "5", "until", "5", "hangup", "--number", f"555010{port}"
    )
    assert finished.status == 0, finished
    heard = [line["prompt"] for line in finished.happenings if line["event"] == "played"]
    assert heard == ["hello", "5"]


def failed(system: System) -> set[tuple[str, str]]:
    """Each plugin that has failed, with what."""
    return {
        (line["plugin"], line["hook"]) for line in system.log_lines if line["event"] == "a plugin's hook failed"
    }


async def test_lines_go_on_whatever_plugins_do(start_system: StartSystem) -> None:
    """Calls go through whole beside and after all faults, good observers see every event, and each fault has a name."""
    system = await full_of_bad_plugins(start_system)
    deaf = asyncio.create_task(system.phone(4, "wait", "25", "hangup"))
    await asyncio.gather(*(whole_call(system, port) for port in (1, 2, 3)))
    assert (await deaf).status == 0
    await system.idle(4)
    await whole_call(system, 1)
    await system.until(lambda: failed(system) >= FAULTS)
    plugins = {plugin.name: plugin for plugin in (await system.status()).plugins}
    assert all(plugins[name].faults and plugins[name].last_fault for name in {*BAD} - {"wordy", "blocks_threads"})
    out = {name for name, plugin in plugins.items() if plugin.state == "quarantined"}
    assert {"raises", "exits", "exits_later", "rubbish"} <= out
    assert all(plugins[name].skipped for name in ("raises", "exits", "rubbish"))
    assert {"a_witness", "good", "wordy", "z_witness"} <= {name for name in plugins if not plugins[name].faults}
    assert plugins["deaf"].tasks >= 1  # what heeds nothing is left, and known
    interrupted = {line["plugin"] for line in system.log_lines if "it is interrupted" in line["event"]}
    assert interrupted == {"spins", "sleeps"}
    assert_witnessed(system, out)
    table = (await system.run("status")).out
    assert "quarantined until " in table
    await assert_stopping_is_not_holding(system)
    began = time.monotonic()
    assert await system.stop() == 0
    assert time.monotonic() - began < 8


async def assert_stopping_is_not_holding(system: System) -> None:
    """A process that does not run for longer than a plugin may hold the loop is nobody's fault."""
    assert system.process is not None
    before = len([line for line in system.log_lines if "event loop" in line["event"]])
    system.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1.5 * LIMITS["hold_kill"])  # nothing else would show that it stands still
    system.process.send_signal(signal.SIGCONT)
    await system.status()
    assert len([line for line in system.log_lines if "event loop" in line["event"]]) == before


def assert_witnessed(system: System, out: set[str]) -> None:
    """Two observers, one asked before all bad plugins and one after them, saw the same events, and all of each call."""
    seen = {name: (system.state / name).read_text() for name in ("a_witness", "z_witness")}
    assert seen["a_witness"] == seen["z_witness"]
    for port, calls in ((1, 2), (2, 1), (3, 1)):
        events = [line.split()[1] for line in seen["a_witness"].splitlines() if line.startswith(f"{port} ")]
        counts = {name: events.count(f"rly={name}") for name in ("cid", "dtmf", "hangup")}
        assert counts == {"cid": calls, "dtmf": calls, "hangup": calls}
    told = (system.state / "z_witness.told").read_text()
    assert {line.split()[0] for line in told.splitlines()} >= out
    names = {line["caller"] for line in system.log_lines if line["event"] == "call"}
    assert f"Ada[2J{'x' * 122} <5550103>" in names
