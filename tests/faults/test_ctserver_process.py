"""Ctserver's process and the daemon's, killed and found in every way that their owner's machine can bring about."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from support.processes import exists, gone, running_with, script, started, until
from support.system import System, run_ctportd

from ctportd.links.supervision.guarding import SCRIPT

if TYPE_CHECKING:
    from pathlib import Path

    from support.system import StartSystem

SLEEPING = (sys.executable, "-c", "print('Started!', flush=True); import signal; signal.pause()")


def program(folder: Path, system: System, *words: str) -> None:
    """Have the system run a program that stands for a card's ctserver, with an unheard-of name."""
    name = f"ctserver-{system.first_port}"
    command = [*script(folder, name), "answering", *words, str(system.first_port + 1), str(system.first_port)]
    system.config["ctserver"][0] |= {
        "mode": "program",
        "program": command[0],
        "arguments": command[1:],
        "pid_file": str(folder / "ctserver.pid"),
        "stop_timeout": 0.2,
    }


async def pid_of_ctserver(system: System) -> int:
    """The process of its ctserver."""
    pid = (await system.status()).ctserver[0].pid
    assert pid is not None
    return pid


# -- kill -9


async def test_killed_daemon_leaves_no_process(start_system: StartSystem) -> None:
    """The daemon dies by SIGKILL: its own ctserver ends, and so does the guard; the next start takes over."""
    system = await start_system(["voicemail"])
    pid = await pid_of_ctserver(system)
    await system.stop(signal.SIGKILL)
    await gone(pid)
    await until(lambda: running_with(SCRIPT.name, f" {pid} ") == [])
    await system.start()
    status = (await system.status()).ctserver[0]
    assert (status.adopted, status.starts) == (False, 1)


async def test_stubborn_group_of_a_killed_daemon_is_killed(tmp_path: Path) -> None:
    """SIGTERM is ignored by ctserver and by its child: both are gone after the time to stop."""
    system = System(tmp_path / "system", [[]])
    program(tmp_path, system, "stubborn")
    await system.start()
    try:
        pid = await pid_of_ctserver(system)
        (child,) = psutil.Process(pid).children()
        assert os.getpgid(child.pid) == pid
        await system.stop(signal.SIGKILL)
        await gone(pid)
        await gone(child.pid)
    finally:
        await system.kill()


async def test_next_start_does_not_adopt_what_is_being_ended(tmp_path: Path) -> None:
    """The next start comes while the last one's stubborn ctserver still has the ports: it waits for its end."""
    system = System(tmp_path / "system", [[]])
    program(tmp_path, system, "stubborn")
    system.config["ctserver"][0]["stop_timeout"] = 20.0  # so the guard goes on waiting as long as this test wants
    await system.start()
    try:
        pid = await pid_of_ctserver(system)
        await system.stop(signal.SIGKILL)
        system.config["ctserver"][0]["stop_timeout"] = 0.2
        await system.launch()
        await system.wait_output("waiting for another ctserver")
        os.killpg(pid, signal.SIGKILL)
        await system.wait_output("ready ")
        status = (await system.status()).ctserver[0]
        assert (status.adopted, status.starts) == (False, 1)
        assert "ctserver is down" not in system.output
    finally:
        await system.stop()


async def test_both_killed_and_started_again(start_system: StartSystem) -> None:
    """Daemon, guard and ctserver die at once: a stale socket is all that is left, and the next start takes over."""
    system = await start_system(["voicemail"])
    pid = await pid_of_ctserver(system)
    (guard,) = running_with(SCRIPT.name, f" {pid} ")
    assert system.process is not None
    os.kill(guard, signal.SIGKILL)
    os.kill(system.process.pid, signal.SIGKILL)
    os.killpg(pid, signal.SIGKILL)
    await system.stop(signal.SIGKILL)
    await gone(pid)
    assert (system.state / "ctportd.sock").exists()
    await system.start()
    status = await system.status()
    assert (status.state, status.ports[0].state) == ("ready", "idle")
    assert (status.ctserver[0].adopted, status.ctserver[0].starts) == (False, 1)


async def test_guard_heeds_no_signal_but_its_daemons_death() -> None:
    """SIGINT, SIGTERM and SIGHUP do not take the guard from its post; the daemon's death does."""
    async with started(*SLEEPING) as daemon, started(*SLEEPING) as ctserver:
        pidfd = os.pidfd_open(daemon.pid)
        guard = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(SCRIPT), str(ctserver.pid), "5", str(daemon.pid), stdin=pidfd
        )
        os.close(pidfd)
        await until(lambda: psutil.Process(guard.pid).status() == psutil.STATUS_SLEEPING and ignores(guard.pid))
        for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            guard.send_signal(which)
        assert exists(guard.pid)
        assert exists(ctserver.pid)
        daemon.kill()
        assert await asyncio.wait_for(ctserver.wait(), 20) == -signal.SIGTERM
        assert await asyncio.wait_for(guard.wait(), 20) == 0


def ignores(pid: int) -> bool:
    """Whether a process ignores SIGTERM by now."""
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123 - the kernel's file
        (mask,) = [int(line.split()[1], 16) for line in status if line.startswith("SigIgn:")]
    return bool(mask >> (signal.SIGTERM - 1) & 1)


# -- one that runs already


async def test_adopted_takes_calls_and_is_left_running(tmp_path: Path) -> None:
    """Our own ctserver, started by hand, is found by its command line; calls go through it; it outlives the daemon."""
    system = System(tmp_path / "system", [["voicemail"]])
    system.write_config()
    process = await system.spawn("ctserver")
    try:
        await system.start()
        status = (await system.status()).ctserver[0]
        assert (status.pid, status.adopted, status.starts, status.mode) == (process.pid, True, 0, "virtual")
        assert f"ctserver main: virtual, adopted, pid {process.pid}," in (await system.run("status")).out
        assert (await system.phone(1, "until", "beep", "hangup")).status == 0
        assert await system.stop() == 0
        await system.logged("leaving the adopted ctserver running", pid=process.pid)
        assert process.returncode is None
        await system.start()
        process.kill()
        await system.logged("ctserver is up")
        await system.until(lambda: sum(line["event"] == "connected" for line in system.log_lines) == 6)
        status = (await system.status()).ctserver[0]
        assert (status.adopted, status.starts) == (False, 1)
    finally:
        await system.stop()
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("how", ["by its name", "by the pid file", "by TCP port"])
async def test_found_one_ends_a_daemon_that_is_to_be_alone(tmp_path: Path, how: str) -> None:
    """``existing = "fail"``: one sentence and status 1; the process goes on."""
    system = System(tmp_path / "system", [[]])
    program(tmp_path, system)
    server = system.config["ctserver"][0]
    server["existing"] = "fail"
    ports = [str(system.first_port + 1), str(system.first_port)]
    command = [server["program"], server["arguments"][0], *ports]
    if how != "by its name":
        command = [*script(tmp_path, "other"), "answering", *ports]
    async with started(*command) as process:
        if how == "by the pid file":
            (tmp_path / "ctserver.pid").write_text(str(process.pid))
        system.write_config()
        ended = await run_ctportd(system.folder, "--config", str(system.config_path))
        assert ended.status == 1
        (sentence,) = [line for line in ended.err.splitlines() if line.startswith("ctportd: ")]
        assert sentence.startswith(f"ctportd: ctserver main: one runs already: process {process.pid} (")
        assert f"found {how}" in sentence
        assert exists(process.pid)


async def test_replaced_under_a_daemon(tmp_path: Path) -> None:
    """``existing = "replace"``: the other one is ended and ours is up."""
    system = System(tmp_path / "system", [[]])
    program(tmp_path, system)
    server = system.config["ctserver"][0]
    server["existing"] = "replace"
    async with started(server["program"], *server["arguments"]) as process:
        await system.start()
        try:
            assert not exists(process.pid)
            assert await pid_of_ctserver(system) != process.pid
        finally:
            assert await system.stop() == 0


async def test_ctserver_of_another_daemon_is_its_own(tmp_path: Path) -> None:
    """A second daemon with the same TCP ports neither adopts nor ends the first one's: it says whose it is."""
    first = System(tmp_path / "first", [["voicemail"]])
    second = System(tmp_path / "second", [["voicemail"]])
    second.config["ctserver"] = first.config["ctserver"]
    second.config["ctserver"][0]["existing"] = "replace"
    await first.start()
    try:
        pid = await pid_of_ctserver(first)
        await second.launch()
        assert first.process is not None
        await second.wait_output(f"which ctportd {first.process.pid} runs: stop that ctportd")
        assert exists(pid)
        assert await first.stop() == 0
        await second.wait_output("ready ")
    finally:
        await second.stop()
        await first.kill()


async def test_one_that_hangs_is_started_again(start_system: StartSystem) -> None:
    """A ctserver that stands still answers no heartbeat: it is ended, its calls are over, and the next one is served."""
    quick = {"ctserver": {"heartbeat": 0.5, "heartbeat_timeout": 1.0, "stop_timeout": 0.5}}
    system = await start_system(["voicemail"], changes=quick)
    phone = asyncio.create_task(system.phone(1, "--number", "5550100", "until", "beep", "wait", "600"))
    await system.logged("request", request="ctrecord")
    (server,) = (await system.status()).ctserver
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    await system.logged("ctserver does not answer", reason="no answer within 1 s")
    await phone
    assert (await system.call_record("5550100")).end_reason == "disconnected"
    await system.until(lambda: system.output.count("ctserver is up") == 2)
    await system.logged("connected", link="port main:1")
    (again,) = (await system.status()).ctserver
    assert again.pid not in (None, server.pid)
    assert again.missed == 1
