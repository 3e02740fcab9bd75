"""The daemon as its operator uses it: commands, faults of its surroundings, its end."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.system import ROOT, System, run_ctportd

from ctportd.hooks.sources import find_plugins

if TYPE_CHECKING:
    from support.system import StartSystem

SHIPPED = sorted(find_plugins(ROOT / "plugins"))

HANG = """
import asyncio
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    await asyncio.sleep(3600)
"""

COMMAND = '''
import click
from ctportd import hookimpl

@hookimpl
def register_commands(cli, settings):
    @cli.command()
    @click.argument("name")
    def greet(name):
        """Greet somebody."""
        click.echo(f"hello {name}")
'''


async def test_says_how_to_place_a_call(start_system: StartSystem) -> None:
    """When it is ready, the daemon says so, and what to type for a call."""
    system = await start_system(["voicemail"])
    await system.wait_output(
        f"to place a call, type in another terminal: ctportd --config {system.config_path} phone 1"
    )


async def test_status_for_people_and_for_programs(start_system: StartSystem) -> None:
    """The table and the JSON tell of ports, plugins and ctserver."""
    system = await start_system(["voicemail:7"], [])
    table = (await system.run("status")).out
    assert "ctserver main: virtual, pid " in table
    assert "voicemail:7" in table
    status = await system.json("status")
    assert status["state"] == "ready"
    assert [port["state"] for port in status["ports"]] == ["idle", "idle"]
    assert [plugin["name"] for plugin in status["plugins"]] == SHIPPED
    assert status["ctserver"][0]["version"]
    assert system.process is not None
    assert status["pid"] == system.process.pid


async def test_requests_one_at_a_time(start_system: StartSystem) -> None:
    """The command sends one request and prints its reply as JSON; what is refused is one sentence."""
    system = await start_system(["voicemail"])
    seize = await system.run("request", "1", "off_hook")
    assert json.loads(seize.out)["line"] == "rly=ctanswer src=0 dst=0 arg1=OK argc=1"
    play = await system.run("request", "1", "play", "beep")
    assert json.loads(play.out)["status"] == "OK"
    assert json.loads((await system.run("request", "1", "collect", "1", "1")).out)["values"] == [""]
    assert json.loads((await system.run("request", "manager", "ser_version")).out)["values"]
    for arguments, sentence in {
        ("1", "play", "nothing-of-this-name"): "there is no prompt 'nothing-of-this-name'; searched: ",
        ("1", "ply", "beep"): "did you mean 'play'?",
        ("7", "play", "beep"): "play: port is '7' where one of these is expected: main:1",
        ("1", "sleep", "soon"): "sleep: seconds is 'soon' where a whole number of seconds, 0 or more, is expected",
    }.items():
        refused = await system.run("request", *arguments)
        assert refused.status == 1
        assert sentence in refused.err
        assert refused.err.count("\n") == 1


async def test_recording_is_stopped_by_request(start_system: StartSystem) -> None:
    """``record_stop`` ends a recording that another command began."""
    system = await start_system(["voicemail"])
    await system.run("request", "1", "off_hook")
    recording = asyncio.create_task(system.run("request", "1", "record", str(system.state / "x.wav")))
    await system.logged("request", request="ctrecord")
    stopped = await system.run("request", "1", "record_stop")
    assert stopped.status == 0, stopped
    finished = await recording
    assert json.loads(finished.out)["event"] == "message"
    assert "RECORD_STOP" in json.loads(finished.out)["line"]


async def test_rotate_rolls_both_logs(start_system: StartSystem) -> None:
    """Rotating gives both logs a date, and writing goes on in new files."""
    system = await start_system(["voicemail"])
    before = len(system.log_lines)
    rotated = await system.run("rotate")
    assert rotated.status == 0, rotated
    assert "ctserver main: rolled" in rotated.out
    (old,) = system.state.glob("ctportd.log.*")
    assert len(old.read_text().splitlines()) >= before
    assert [line["event"] for line in system.log_lines] == ["log rotated"]
    assert list(system.state.glob("ctserver.log.*"))
    assert (system.state / "ctserver.log").exists()


async def test_stop_command_waits_until_it_is_gone(start_system: StartSystem) -> None:
    """``ctportd stop`` returns when the daemon is gone, its ctserver with it, and nothing is left behind."""
    system = await start_system(["voicemail"])
    server = (await system.status()).ctserver[0].pid
    assert server is not None
    stopped = await system.run("stop")
    assert (stopped.status, stopped.out) == (0, "ctportd: stopped\n")
    assert await system.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    assert not (system.state / "ctportd.sock").exists()
    again = await system.run("status")
    assert again.status == 1
    assert again.err == "ctportd: no ctportd answers on state/ctportd.sock; is it running?\n"
    await system.start()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_in_order(start_system: StartSystem, how: signal.Signals) -> None:
    """SIGTERM and Ctrl-C are orderly ends: status 0."""
    system = await start_system(["voicemail"])
    assert await system.stop(how) == 0
    assert system.output.rstrip().endswith("stopped")
    await system.start()


async def test_stops_within_ten_seconds_whatever_a_plugin_does(start_system: StartSystem) -> None:
    """A plugin that does not heed the end of its call is left behind, and the line goes on hook."""
    system = await start_system(["hang"], own_plugins={"hang.py": HANG}, changes={"daemon": {"stop_timeout": 1.0}})
    phone = asyncio.create_task(system.phone(1, "wait", "600"))
    await system.logged("reply", request="ctanswer")
    began = time.monotonic()
    assert await system.stop() == 0
    assert time.monotonic() - began < 10
    await phone
    assert [line for line in system.log_lines if line["event"] == "a plugin did not end its call in time"]
    await system.start()


async def test_ctserver_that_dies_comes_back(start_system: StartSystem) -> None:
    """Killed in the middle of a call, ctserver is started again, every port reconnects, and calls go on."""
    system = await start_system(["voicemail"], ["voicemail"])
    phone = asyncio.create_task(system.phone(1, "--number", "5550100", "until", "beep", "wait", "600"))
    await system.logged("request", request="ctrecord")
    server = (await system.status()).ctserver[0].pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    await phone
    assert (await system.call_record("5550100")).end_reason == "disconnected"
    await system.until(lambda: sum(line["event"] == "connected" for line in system.log_lines) == 6)
    again = await system.phone(1, "--number", "5550101", "until", "beep", "hangup")
    assert again.status == 0, again


async def test_second_daemon_is_refused(start_system: StartSystem) -> None:
    """A second start on the same socket says who is there, and harms nobody."""
    system = await start_system(["voicemail"])
    second = await run_ctportd(system.folder, "--config", str(system.config_path))
    assert second.status == 1
    assert "a ctportd is running already: it answers on state/ctportd.sock" in second.err
    assert (await system.status()).state == "ready"


async def test_killed_daemon_leaves_nothing_in_the_way(start_system: StartSystem) -> None:
    """After kill -9 the next start takes over: the stale socket, the open row of the call."""
    system = await start_system(["voicemail"])
    server = (await system.status()).ctserver[0].pid
    assert server is not None
    await system.stop(signal.SIGKILL)
    os.killpg(server, signal.SIGKILL)
    assert (system.state / "ctportd.sock").exists()
    await system.start()
    assert (await system.status()).state == "ready"


async def test_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """A TCP port that somebody else has is named in the log, and the daemon goes on trying."""
    system = System(tmp_path, [["voicemail"]])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", system.first_port))
        taken.listen()
        await system.launch()
        await system.wait_output("Address already in use")
        await system.wait_output("ctserver is down")
    try:
        await system.wait_output("ready ")
    finally:
        assert await system.stop() == 0


async def test_daemonize(tmp_path: Path) -> None:
    """In the background it detaches, keeps its pid file, refuses a second start, and cleans up when it stops."""
    system = System(tmp_path, [["voicemail"]])
    system.write_config()
    started = await run_ctportd(tmp_path, "--config", str(system.config_path), "--daemonize")
    assert (started.status, started.out, started.err) == (0, "", "")
    try:
        pid_file = system.state / "ctportd.pid"
        await system.until((system.state / "ctportd.sock").exists)
        status = await system.status()
        assert int(pid_file.read_text()) == status.pid
        assert os.getsid(status.pid) not in (0, os.getsid(0))
        second = await run_ctportd(tmp_path, "--config", str(system.config_path), "--daemonize")
        assert second.status == 1
        assert f"a ctportd is running already: {pid_file} names process {status.pid}" in second.err
    finally:
        stopped = await system.run("stop")
    assert stopped.status == 0, stopped
    assert not pid_file.exists()
    assert system.log_lines[-1]["event"] == "stopped"


def limits_of(pid: int) -> tuple[str, int]:
    """A process's umask, and how many descriptors it may have."""
    (umask,) = [
        line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "Umask:" in line
    ]
    return umask, resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]


_LAX = ["/bin/sh", "-c", 'umask 0 && ulimit -S -n 256 && exec "$@"', "sh"]


@pytest.mark.parametrize("daemonize", [False, True])
async def test_nobody_else_reads_what_it_writes(tmp_path: Path, *, daemonize: bool) -> None:
    """Whatever the caller's umask is; and the descriptors do for many connections. The same holds for its ctserver."""
    system = System(tmp_path / "system", [["voicemail"]], changes={"exchange": {"log": "state/new/ctserver.log"}})
    system.wrapper = _LAX
    if daemonize:
        system.write_config()
        daemon = [sys.executable, "-m", "ctportd", "--config", str(system.config_path), "--daemonize"]
        started = await asyncio.create_subprocess_exec(*_LAX, *daemon, cwd=system.folder)
        assert await started.wait() == 0
        await system.logged("ready")
    else:
        await system.start()
    try:
        called = await system.phone(1, "until", "beep", "wait", "2", "press", "#", "until", "vm-thanks", "hangup")
        assert called.status == 0, called
        status = await system.status()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
        for pid in (status.pid, status.ctserver[0].pid):
            assert pid
            assert limits_of(pid) == ("0027", files)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (system.state, *system.state.rglob("*"))}
        assert {path.suffix for path in modes} >= {".wav", ".json", ".db", ".log", ".sock"}
        assert {path: oct(mode) for path, mode in modes.items() if mode & 0o007} == {}
        assert modes[system.state] == 0o750
    finally:
        stopped = await system.run("stop")
        await system.kill()
    assert stopped.status == 0, stopped


async def test_daemonize_replaces_a_stale_pid_file(tmp_path: Path) -> None:
    """The pid file of a daemon that was killed does not keep the next one from starting."""
    system = System(tmp_path, [["voicemail"]])
    system.write_config()
    system.state.mkdir()
    (system.state / "ctportd.pid").write_text("4194305\n")  # above the kernel's highest pid
    started = await run_ctportd(tmp_path, "--config", str(system.config_path), "--daemonize")
    assert started.status == 0, started
    await system.until((system.state / "ctportd.sock").exists)
    assert (await system.run("stop")).status == 0


async def test_folder_with_a_space_is_told(tmp_path: Path) -> None:
    """The protocol cannot carry a space in a path: that is said before a caller finds out."""
    folder = tmp_path / "my lines"
    folder.mkdir()
    system = System(folder, [["voicemail"]])
    system.write_config()
    refused = await run_ctportd(folder, "--config", str(system.config_path))
    assert refused.status == 78
    assert (
        "which has a space in it: ctserver's protocol cannot carry one; move it to a folder without" in refused.err
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[daemn]\n", "the top level: there is no key 'daemn'; did you mean 'daemon'?"),
        (
            "[log]\nlevel = 'loud'\n",
            "[log] level: found 'loud', expected one of 'debug', 'error', 'info', 'warning'",
        ),
        (
            "[[port]]\nnumber = 1\nhandlers = ['voicemial']\n",
            "there is no plugin 'voicemial'; did you mean 'voicemail'?",
        ),
        (
            "[plugins.voicemail]\nlongest = 'x'\n",
            "[plugins.voicemail] longest: found 'x', expected a whole number",
        ),
        (
            "[plugins.voicemial]\n",
            "[plugins.voicemial]: there is no plugin 'voicemial'; did you mean 'voicemail'?",
        ),
    ],
)
async def test_mistake_is_one_sentence_with_status_78(tmp_path: Path, text: str, sentence: str) -> None:
    """Running and checking tell a mistake alike: one sentence, exit status 78, and nothing is started."""
    system = System(tmp_path, [])
    system.config_path.write_text(text)
    for arguments in ([], ["check"]):
        refused = await run_ctportd(tmp_path, "--config", str(system.config_path), *arguments)
        assert refused.status == 78, refused
        assert sentence in refused.err
        assert refused.err.count("\n") == 1
    assert not system.state.exists()


async def test_check_says_what_is_well(tmp_path: Path) -> None:
    """A good configuration is said to be good."""
    system = System(tmp_path, [["voicemail"]])
    system.write_config()
    checked = await system.run("check")
    assert checked.status == 0
    assert checked.out.endswith(f"ctportd.toml: good: 1 port, {len(SHIPPED)} plugins ({', '.join(SHIPPED)})\n")


async def test_check_tells_of_a_plugin_that_cannot_be_loaded(tmp_path: Path) -> None:
    """What a run would leave out, a check refuses."""
    system = System(tmp_path, [["voicemail"]])
    system.write_config()
    (system.plugins_folder / "worse.py").write_text("1/0")
    checked = await system.run("check")
    assert checked.status == 78
    assert "plugin worse: cannot be loaded from" in checked.err


async def test_plugin_adds_a_command(tmp_path: Path) -> None:
    """A plugin's command stands among ours, and in the help."""
    system = System(tmp_path, [])
    system.write_config()
    (system.plugins_folder / "greeter.py").write_text(COMMAND)
    greeted = await system.run("greet", "Ada")
    assert (greeted.status, greeted.out) == (0, "hello Ada\n")
    assert "Greet somebody." in (await system.run("--help")).out
