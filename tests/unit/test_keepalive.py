"""What systemd is told: the words, and the signs of life of a daemon that is well."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING, NoReturn

import pytest

from ctportd.control.server import ControlServer
from ctportd.errors import ControlError
from ctportd.keepalive import STEP, KeepAlive
from ctportd.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path
    from typing import Any


def test_words() -> None:
    """Each as sd_notify(3) has it; a status is one line, and told once."""
    told: list[str] = []
    systemd = Systemd(told.append, monotonic=lambda: 5_000_001)
    systemd.ready()
    systemd.reloading()
    systemd.status("ready: 1 of 1\nports")
    systemd.status("ready: 1 of 1\nports")
    systemd.alive()
    systemd.stopping(2.5)
    assert told == [
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=5000",
        "STATUS=ready: 1 of 1 ports",
        "WATCHDOG=1",
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000",
    ]


def test_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What systemd sets is for us, and for no program that we start."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        for pid in ("", str(os.getpid())):
            monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
            monkeypatch.setenv("WATCHDOG_USEC", "3000000")
            monkeypatch.setenv("WATCHDOG_PID", pid)
            systemd = Systemd.of_environment()
            systemd.ready()
            assert manager.recv(100) == b"READY=1"
            assert (systemd.listens, systemd.watchdog) == (True, 3.0)
            assert {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}.isdisjoint(os.environ)


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "3000000"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, 0.0),
        ({"NOTIFY_SOCKET": "/x"}, 0.0),
    ],
)
def test_no_watchdog(environment: dict[str, str], watchdog: float) -> None:
    """None is kept alive where systemd does not ask for it, or asks another process."""
    assert Systemd.of_environment(environment).watchdog == watchdog


async def test_signs_of_life(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """They come while the control socket takes connections; a socket that was removed is made again."""
    told: list[str] = []
    path = tmp_path / "x.sock"
    async with ControlServer([], None, path) as control:
        life = KeepAlive(Systemd(told.append, watchdog=30.0), control, lambda: "well")
        await life.look()
        await life.look()
        assert told == ["STATUS=well", "WATCHDOG=1", "WATCHDOG=1"]
        path.unlink()
        await life.look()
        await life.look()
        assert told[3:] == ["WATCHDOG=1", "WATCHDOG=1"]
        assert path.is_socket()
        assert [line["event"] for line in log_lines] == ["the control socket was removed: it is made again"]


async def test_no_sign_of_life_without_control(tmp_path: Path, log_lines: list[MutableMapping[str, Any]]) -> None:
    """Where it cannot be made again, systemd is to start the daemon anew; that is said once."""
    told: list[str] = []
    path = tmp_path / "x.sock"
    async with ControlServer([], None, path) as control:
        life = KeepAlive(Systemd(told.append, watchdog=30.0), control, lambda: "well")
        path.unlink()
        path.mkdir()
        for _ in range(2):
            await life.look()
        assert told == ["STATUS=well"]
        assert [line["log_level"] for line in log_lines] == ["error"]
        assert "systemd is told of no life" in log_lines[0]["event"]
        path.rmdir()
        await life.look()
        assert told == ["STATUS=well", "WATCHDOG=1"]


async def test_control_that_has_no_place_left_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends away whoever comes, perhaps before it has read a word: that is no end of the daemon."""
    monkeypatch.setattr("ctportd.control.server._CONNECTIONS", 0)
    told: list[str] = []
    async with ControlServer([], None, tmp_path / "x.sock") as control:
        life = KeepAlive(Systemd(told.append, watchdog=30.0), control, lambda: "well")
        for _ in range(10):
            await life.look()
    assert told.count("WATCHDOG=1") == 10


@pytest.mark.filterwarnings("error")
async def test_control_that_does_not_answer_is_let_go(tmp_path: Path) -> None:
    """Each look closes its connection, though nobody answers in time."""
    path, told, ends = tmp_path / "x.sock", list[str](), asyncio.Queue[bytes]()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.put_nowait(await reader.read())
        writer.close()

    async with ControlServer([], None, path) as control:
        path.unlink()
        async with await asyncio.start_unix_server(silent, path):
            await KeepAlive(Systemd(told.append, watchdog=0.1), control, lambda: "well").look()
            assert (await asyncio.wait_for(ends.get(), 1)).startswith(b"HEAD")
    assert told == ["STATUS=well"]


async def test_no_descriptor_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has taken them all does not end the daemon by way of its signs of life."""
    systemd = Systemd.of_environment({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    async with ControlServer([], None, tmp_path / "x.sock") as control:
        life = KeepAlive(systemd, control, lambda: "well")
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", _no_socket)
            (tmp_path / "x.sock").unlink()
            await life.look()


def _no_socket(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.EMFILE, "Too many open files")


class NoControl:
    """A control interface that always listens, or never."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    async def look_after(self) -> None:
        """Raise the problem."""
        if self.problem:
            raise ControlError(self.problem)


@pytest.mark.parametrize(("watchdog", "beats"), [(0.0, 0), (4.0, 5), (60.0, 2)])
async def test_rate(monkeypatch: pytest.MonkeyPatch, watchdog: float, beats: int) -> None:
    """Twice in the time that systemd grants, and every five seconds where it grants more."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if sum(slept) >= 2 * STEP:
            raise asyncio.CancelledError

    monkeypatch.setattr("ctportd.keepalive.asyncio.sleep", sleep)
    told: list[str] = []
    life = KeepAlive(Systemd(told.append, watchdog=watchdog), NoControl(), lambda: "well")  # type: ignore[arg-type]
    with contextlib.suppress(asyncio.CancelledError):
        await life.run()
    assert told.count("WATCHDOG=1") == beats
    assert told.count("STATUS=well") == 1
