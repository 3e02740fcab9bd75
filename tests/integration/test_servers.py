"""Several ctservers, supervised and remote, of both dialects."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.system import System

from ctportd.phone.client import Phone
from ctportd.testing.setup import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.system import StartSystem

MENUS = {
    "auto_attendant": {
        "menus": {"main": {"prompt": "menu-main", "wait": 2, "tries": 1, "keys": {"1": "voicemail"}}}
    }
}


async def test_classic_dialect_takes_a_message(start_system: StartSystem, tmp_path: Path) -> None:
    """A ctserver of the classic dialect waits for rings itself, and the same plugins answer."""
    system = await start_system(["auto_attendant"], plugins=MENUS, changes={"ctserver": {"dialect": "classic"}})
    status = await system.status()
    assert status.ports[0].state == "idle"
    for number in ("5550101", "5550102"):
        finished = await system.phone(
            1, "--number", number, "until", "menu-main", "press", "1", "until", "beep", "wait", "3", "press", "#",
            "until", "vm-thanks", "hangup",
        )  # fmt: skip
        assert finished.status == 0, finished
        await system.call_record(number)
    assert sorted(message.number for message in await system.messages()) == ["5550101", "5550102"]


async def test_classic_dialect_names_what_it_lacks(start_system: StartSystem) -> None:
    """What ctserver 0.3 has no request for is one sentence that names the dialect."""
    system = await start_system([], changes={"ctserver": {"dialect": "classic"}})
    for name in ("listen_for_cid", "grunt_on", "port_status"):
        refused = await system.run("request", "1", name)
        assert refused.status == 1
        assert "port main:1" in refused.err
    assert "the port waits for a ring" in refused.err or "classic" in refused.err


IMPATIENT = """
import asyncio
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    async with asyncio.timeout(0.2):
        await call.pause(500)
"""


async def test_classic_port_that_is_blocked_is_freed(start_system: StartSystem) -> None:
    """A plugin gives up a request that blocks the port: a new connection frees it, and the next call comes."""
    system = await start_system(
        ["impatient"], changes={"ctserver": {"dialect": "classic"}}, own_plugins={"impatient.py": IMPATIENT}
    )
    for waits, number in enumerate(("5550101", "5550102"), 1):
        await system.until(partial(system.was_asked, "ctwaitforring", waits))
        finished = await system.phone(1, "--number", number)
        assert finished.status == 0, finished
        assert finished.happenings[-1]["t"] < 60, finished
        await system.call_record(number)


@pytest.fixture
def elsewhere(tmp_path: Path) -> System:
    """The configuration of a ctserver that runs elsewhere."""
    elsewhere = System(tmp_path / "elsewhere", [[], []])
    elsewhere.write_config()
    return elsewhere


@pytest.fixture
async def two(tmp_path: Path, elsewhere: System) -> AsyncIterator[System]:
    """A daemon with its own virtual ctserver, and a second one that runs elsewhere."""
    system = System(tmp_path / "here", [["auto_attendant"], []], MENUS)
    remote = {
        "name": "shed",
        "mode": "remote",
        "first_port": elsewhere.first_port,
        "manager_port": elsewhere.first_port + 2,
    }
    system.config["ctserver"].append(remote)
    for port in system.config["port"]:
        port["ctserver"] = "main"
    system.config["port"].append({"ctserver": "shed", "number": 1, "handlers": ["auto_attendant"]})
    server = await elsewhere.spawn("ctserver")
    try:
        await system.start()
        yield system
    finally:
        await system.stop()
        server.terminate()
        await server.wait()


async def test_ports_of_two_servers(two: System) -> None:
    """Ports are addressed as name:number, by number alone where that is clear, and calls come on both."""
    status = await two.status()
    assert [(port.address, port.state) for port in status.ports] == [
        ("main:1", "idle"),
        ("main:2", "idle"),
        ("shed:1", "idle"),
    ]
    assert [(server.name, server.mode, server.pid is None) for server in status.ctserver] == [
        ("main", "virtual", False),
        ("shed", "remote", True),
    ]
    for port, expected in {"main:1": 0, "shed:1": 0, "2": 0, "1": 1}.items():
        asked = await two.run("request", port, "clear")
        assert asked.status == expected, asked
    assert "port is '1' where one of these is expected: main:1, main:2, shed:1" in asked.err
    rotated = await two.run("rotate")
    assert "ctserver main: rolled\nctserver shed: rolled" in rotated.out


async def test_call_on_the_second_server(two: System, elsewhere: System) -> None:
    """A call on the remote server is answered by the same plugins, and logged with its port's address."""
    async with await Phone.dial(elsewhere.exchange_url, 1, number="5550100") as phone:
        await phone.answered()
        await phone.until("menu-main")
        await phone.hangup()
    assert (await two.call_record("5550100")).port == "shed:1"


async def test_remote_server_that_goes_and_comes(tmp_path: Path) -> None:
    """A remote ctserver that is not there is tried again; the daemon is ready without it."""
    first = free_ports(3)
    system = System(tmp_path / "here", [[]], changes={"daemon": {"stop_timeout": 1.0}})
    system.config["ctserver"][0] |= {"mode": "remote", "first_port": first, "manager_port": first + 1}
    system.config["ctserver"][0]["reconnect_delay"] = 0.1
    await system.launch()
    try:
        await system.wait_output("not everything is connected yet")
        await system.wait_output("ready ")
        assert (await system.status()).ports[0].state == "disconnected"
        elsewhere = System(tmp_path / "elsewhere", [[]])
        elsewhere.config["ctserver"][0] |= {"first_port": first, "manager_port": first + 1}
        elsewhere.write_config()
        server = await elsewhere.spawn("ctserver")
        try:
            await system.idle(1)
        finally:
            server.terminate()
            await server.wait()
    finally:
        assert await asyncio.wait_for(system.stop(), 20) == 0
