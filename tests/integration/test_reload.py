"""The configuration is loaded anew while calls are under way."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from ctportd.errors import ConfigError, ControlError
from ctportd.logfile import Keeping, LogFile

if TYPE_CHECKING:
    from support.system import StartSystem

    from ctportd.status import PortStatus
    from ctportd.testing.fixtures import Line
    from ctportd.testing.house import House

SAYS = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call, target):
    await call.answer()
    await call.play(target)
    await call.collect(1, 60)
    await call.play(target)
    await call.hangup()
"""
"""Says what its target is; again when a key is pressed."""


async def change(house: House, **tables: Any) -> None:
    """Write the configuration anew, with these tables in place of what stands there."""
    before = tomllib.loads(await asyncio.to_thread(house.config_path.read_text))
    await asyncio.to_thread(house.config_path.write_text, tomli_w.dumps({**before, **tables}))


def ports(**said: str) -> list[dict[str, Any]]:
    """Tables of ports: what is said on each."""
    return [{"number": int(name[1:]), "handlers": [f"says:{prompt}"]} for name, prompt in said.items()]


async def by_address(house: House) -> dict[str, PortStatus]:
    """The status of each port."""
    return {port.address: port for port in (await house.status()).ports}


async def test_a_port_is_rerouted(ctportd_line: Line) -> None:
    """The next call goes another way; the one under way goes on as it has begun."""
    house = await ctportd_line({1: ["says:beep"], 2: ["says:beep"]}, plugins={"says": SAYS})
    first = await house.call(1)
    await first.hear("beep")
    await change(house, port=ports(p1="goodbye", p2="beep"))
    reloaded = await house.reload()
    assert (reloaded.ports_changed, reloaded.ports_added, reloaded.ports_removed) == (["main:1"], [], [])
    await first.press("1")
    await first.hear("beep")
    await house.idle()
    second = await house.call(1)
    await second.hear("goodbye")
    await second.press("1")
    await second.ended()


async def test_logs_are_kept_otherwise_and_followers_are_told(ctportd_line: Line) -> None:
    """How the log is kept is in force at once; whoever follows what happens is told of what has changed."""
    house = await ctportd_line({1: ["says:beep"]}, plugins={"says": SAYS})
    file = house.daemon.log_file = await asyncio.to_thread(LogFile, house.folder / "x.log")
    await change(house, log={"keep": 3, "compress": False, "max_size": 7, "file": "elsewhere"})
    with house.daemon.live.following() as events:
        reloaded = await house.reload(["says"])
        (told,) = [event for _, event in events.last(10) if event.type == "reloaded"]
    await asyncio.to_thread(file.close)
    assert (reloaded.changed, reloaded.restart) == (["[log]"], ["[log] file"])
    assert file.keeping == Keeping(3, False, 7)
    assert told.details == {"plugins": ["says"], "tables": ["[log]"], "restart": ["[log] file"]}


async def test_drained_ports_stay_drained(ctportd_line: Line) -> None:
    """Over a reload that changes their ports."""
    house = await ctportd_line({1: ["says:beep"], 2: ["says:beep"]}, plugins={"says": SAYS})
    house.daemon.router.drained.begin(["main:1"])
    await change(house, port=ports(p1="goodbye", p2="goodbye"))
    await house.reload(["says"])
    assert {address: port.draining for address, port in (await by_address(house)).items()} == {
        "main:1": True,
        "main:2": False,
    }


async def test_a_port_is_removed_and_added_again(ctportd_line: Line) -> None:
    """It takes no more calls; the one under way goes on to its end; the other ports do not notice."""
    handlers = {1: ["says:beep"], 2: ["says:beep"]}
    house = await ctportd_line(handlers, plugins={"says": SAYS}, daemon={"drain_timeout": 30.0})
    first, other = await house.call(1), await house.call(2)
    await first.hear("beep")
    await other.hear("beep")
    await change(house, port=ports(p1="beep"))
    assert (await house.reload()).ports_removed == ["main:2"]
    assert (await by_address(house))["main:2"].leaving
    await other.press("1")
    await other.hear("beep")
    await house.until(lambda: "main:2" not in house.daemon.ports)
    assert list(await by_address(house)) == ["main:1"]
    await (await house.call(2, rings=2)).ended()
    await change(house, port=ports(p1="beep", p2="goodbye"))
    assert (await house.reload()).ports_added == ["main:2"]
    again = await house.call(2)
    await again.hear("goodbye")
    await first.press("1")
    await first.hear("beep")


async def test_a_removed_ports_call_is_ended_in_the_end(ctportd_line: Line) -> None:
    """Politely, after [daemon] drain_timeout."""
    house = await ctportd_line({1: ["says:beep"]}, plugins={"says": SAYS}, daemon={"drain_timeout": 5.0})
    phone = await house.call(1)
    await phone.hear("beep")
    await change(house, port=[])
    await house.reload()
    await house.settle()
    began = phone.time
    await phone.ended()
    assert phone.time - began == pytest.approx(5.0, abs=0.5)
    await house.until(lambda: not house.daemon.ports)


async def test_stopping_begins_nothing_new(ctportd_line: Line) -> None:
    """What was to take the place of a port that had a call is not begun any more, and no reload is."""
    handlers = {1: ["says:beep"], 2: ["says:beep"]}
    house = await ctportd_line(handlers, plugins={"says": SAYS}, daemon={"drain_timeout": 30.0})
    phone, other = await house.call(1), await house.call(2)
    await phone.hear("beep")
    await other.hear("beep")
    await change(house, port=[{"number": 1, "name": "anew", "handlers": ["says:beep"]}, *ports(p2="beep")])
    await house.reload()
    house.daemon.stop()
    await house.until(lambda: house.daemon.phase == "draining")
    with pytest.raises(ControlError, match="stopping"):
        await house.reload()
    (server,) = house.daemon.servers
    (leaving,) = (port for port in server.ports.values() if port.leaving)
    await phone.press("1")
    await house.until(leaving.gone.is_set)
    await house.settle()
    assert list(server.ports) == [2]
    await other.press("1")
    await house.stop()


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"port": [{"number": 1, "handlers": ["nobody"]}]}, "there is no plugin 'nobody'"),
    ({"port": [{"number": 1, "kind": "truck"}]}, "found 'truck'"),
    ({"numbers": {"country": "XX"}}, "[numbers] country: found 'XX'"),
    ({"prompts": {"paths": ["/nowhere"]}}, "[prompts] paths: there is no folder '/nowhere'"),
]


async def test_what_does_not_check_leaves_everything_as_it_was(ctportd_line: Line) -> None:
    """It is told why, in one sentence with the file's name."""
    house = await ctportd_line({1: ["says:beep"]}, plugins={"says": SAYS})
    text, before = await asyncio.to_thread(house.config_path.read_text), house.daemon.config
    for tables, told in BROKEN:
        await change(house, **tables)
        with pytest.raises(ConfigError) as refused:
            await house.reload()
        assert told in str(refused.value)
        assert str(house.config_path) in str(refused.value)
        assert house.daemon.config is before
        await asyncio.to_thread(house.config_path.write_text, text)
    phone = await house.call(1)
    await phone.hear("beep")
    assert [line["event"] for line in house.log if line["level"] == "error"] == [
        "reload refused, everything is as it was"
    ] * len(BROKEN)


NEW = 4
"""A line that is new: the TCP ports of the second and third are the manager's and the exchange's."""


async def test_as_processes(start_system: StartSystem) -> None:
    """SIGHUP and the command of docs/reload.md; our ctserver serves a new line, and no more one that is gone."""
    running = await start_system(["says:beep"], own_plugins={"says.py": SAYS})
    assert running.process is not None
    old = await running.status()
    running.config["port"].append({"number": NEW, "handlers": ["says:goodbye"], "ring_timeout": 40.0})
    running.write_config()
    running.process.send_signal(signal.SIGHUP)
    await running.logged("connected", link=f"port main:{NEW}")
    heard = await running.phone(NEW, "until", "goodbye", "hangup")
    assert "goodbye" in heard.out
    (server,) = (await running.status()).ctserver
    assert (server.pid, server.starts) == (old.ctserver[0].pid, 1)
    del running.config["port"][1]
    running.write_config()
    told = await running.run("reload")
    assert (told.status, told.out) == (0, f"ctportd: reloaded\n  port removed: main:{NEW}\n")
    running.config_path.write_text("[[port\n")
    running.process.send_signal(signal.SIGHUP)
    await running.logged("reload refused, everything is as it was")
    assert (await running.run("reload")).status == 78
    running.write_config()
    assert (await running.run("reload")).out == "ctportd: reloaded, nothing has changed\n"
