"""``--daemonize`` for real: who starts it, whom it becomes, and what is told before it has left the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.access import NOBODY, as_nobody, for_everybody
from support.processes import gone
from support.system import Finished, System, environment, run_ctportd

from ctportd.detach import pid_file
from ctportd.errors import ConfigError, ServerError
from ctportd.privileges import Account, account_of

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can become somebody else"
)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="ctportd-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def run(*command: str, folder: Path) -> Finished:
    """Run a command to its end, in a folder."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment() | {"CTPORTD_TEST_FOLDER": str(folder)},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


def house(folder: Path, **daemon: str) -> System:
    """A system that nobody has started; its configuration is root's, or whoever's runs the test."""
    folder.mkdir()
    system = System(folder, [["voicemail"]], changes={"daemon": {"drain_timeout": 0.0, **daemon}})
    system.write_config()
    system.plugins_folder.chmod(0o755)
    return system


def status_of(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@needs_root
async def test_root_becomes_the_user(open_folder: Path) -> None:
    """It gives the user the folders, and nothing is root's any more; the pid file goes at the end."""
    system = house(open_folder / "house", user=str(NOBODY))
    (open_folder / "stash").mkdir()
    wrapper = for_everybody(open_folder / "stash")
    pid_path = system.folder / "run" / "ctportd.pid"
    start = [*wrapper, sys.executable, "-m", "ctportd", "--config", str(system.config_path), "--daemonize"]
    start += ["--pid-file", str(pid_path)]
    started = await run(*start, folder=system.folder)
    assert (started.status, started.out, started.err) == (0, "", "")
    pid = int(pid_path.read_text())
    try:
        told = status_of(pid)
        assert told["Uid"].split() == told["Gid"].split() == [str(NOBODY)] * 4
        assert told["Groups"] == str(NOBODY)
        assert told["Umask"] == "0027"
        assert int(told["CapEff"], 16) == 0
        called = await system.phone(1, "until", "beep", "wait", "2", "press", "#", "until", "vm-thanks", "hangup")
        assert called.status == 0, called
        made = [system.state, pid_path.parent, *system.state.rglob("*"), *pid_path.parent.rglob("*")]
        assert {path.suffix for path in made} >= {".wav", ".db", ".log", ".sock", ".pid"}
        assert {path: path.stat().st_uid for path in made if path.stat().st_uid != NOBODY} == {}
    finally:
        stopped = await system.run("stop")
    assert stopped.status == 0, stopped
    await gone(pid)
    assert not pid_path.exists()


@needs_root
async def test_folder_that_the_user_cannot_use(open_folder: Path) -> None:
    """It is told on the terminal, with the key; nothing runs, and nothing is left of it."""
    system = house(open_folder / "house", user=str(NOBODY))
    system.state.mkdir()
    (open_folder / "stash").mkdir()
    start = [*for_everybody(open_folder / "stash"), sys.executable, "-m", "ctportd", "--config"]
    refused = await run(*start, str(system.config_path), "--daemonize", folder=system.folder)
    told = (
        f"the user nobody cannot make files in {system.state}; name a folder of its own, or chown it to that user"
    )
    assert (refused.status, refused.err) == (78, f"ctportd: {system.config_path}: [daemon] state: {told}\n")
    assert list(system.state.iterdir()) == []


@needs_root
async def test_ordinary_user(open_folder: Path) -> None:
    """It runs as who started it."""
    system = house(open_folder / "house")
    os.chown(system.folder, NOBODY, NOBODY)
    (open_folder / "stash").mkdir()
    start = [*for_everybody(open_folder / "stash"), *as_nobody(), sys.executable, "-m", "ctportd", "--config"]
    started = await run(*start, str(system.config_path), "--daemonize", folder=system.folder)
    assert started.status == 0, started
    pid = int((system.state / "ctportd.pid").read_text())
    try:
        assert status_of(pid)["Uid"].split() == [str(NOBODY)] * 4
    finally:
        os.kill(pid, signal.SIGTERM)
    await gone(pid)
    assert not (system.state / "ctportd.pid").exists()


@pytest.mark.parametrize(
    ("plugin", "status", "told"),
    [
        ("", 78, "ctportd: {config}: [[port]] number 1 handlers: there is no plugin 'night_bell'"),
        ("import os\nos._exit(3)", 1, "ctportd: the daemon ended before it was ready"),
    ],
    ids=["a mistake", "a sudden death"],
)
async def test_what_keeps_it_from_starting_is_told(tmp_path: Path, plugin: str, status: int, told: str) -> None:
    """Whoever started it reads why there is no daemon, instead of finding out."""
    config = tmp_path / "x.toml"
    config.write_text('[plugins]\nshipped = false\n[[port]]\nnumber = 1\nhandlers = ["night_bell"]\n')
    (tmp_path / "plugins").mkdir()
    if plugin:
        (tmp_path / "plugins" / "night_bell.py").write_text(plugin)
    started = await run_ctportd(tmp_path, "--config", str(config), "--daemonize")
    assert started.status == status
    assert started.err.startswith(told.format(config=config)), started
    assert started.err.count("\n") == 1


# -- the pid file


def test_pid_file(tmp_path: Path) -> None:
    """It is there as long as the daemon, and refuses another one."""
    path = tmp_path / "run" / "x.pid"
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"
        with (
            pytest.raises(ServerError, match=f"is running already: {path} names process {os.getpid()}"),
            pid_file(path),
        ):
            raise AssertionError
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize("left", ["4194305\n", "1\n", "", "no pid"])
def test_pid_file_that_was_left_behind(tmp_path: Path, left: str) -> None:
    """It is replaced, though another process may have been given its pid."""
    path = tmp_path / "x.pid"
    path.write_text(left + "x" * 20)
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_pid_file_that_cannot_be_written(tmp_path: Path) -> None:
    """It says which."""
    with (
        pytest.raises(ServerError, match=f"the pid file {tmp_path} cannot be written: Is a directory"),
        pid_file(tmp_path),
    ):
        raise AssertionError


# -- whom it becomes


@pytest.mark.parametrize(
    ("user", "group", "told"),
    [
        ("no-such", "", "user: there is no user 'no-such'; make one: useradd --system no-such"),
        (str(NOBODY), "no-such", "group: there is no group 'no-such'; make one: groupadd --system no-such"),
        ("", "nogroup", "group: found 'nogroup' without a user, expected both"),
    ],
)
def test_nobody_of_that_name(user: str, group: str, told: str) -> None:
    """It says what to do."""
    with pytest.raises(ConfigError) as refused:
        account_of("x.toml", user, group)
    assert str(refused.value) == f"x.toml: [daemon] {told}"


@needs_root
def test_accounts() -> None:
    """By names or numbers; a number that the system does not know has no groups but its own."""
    assert account_of("x.toml", "", "") is None
    nobody = account_of("x.toml", "nobody", "")
    assert nobody is not None
    assert (nobody.user, nobody.known) == (NOBODY, True)
    assert account_of("x.toml", str(NOBODY), "") == nobody
    assert account_of("x.toml", "54321", "daemon") == Account("54321", 54321, 1, "/", known=False)


def test_only_root_becomes_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is that user already need not."""
    monkeypatch.setattr("os.geteuid", lambda: NOBODY)
    monkeypatch.setattr("os.getegid", lambda: NOBODY)
    assert account_of("x.toml", str(NOBODY), "") is None
    with pytest.raises(
        ConfigError, match="'root', which only root can become; start it as root, or as that user and"
    ):
        account_of("x.toml", "root", "")
