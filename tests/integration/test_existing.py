"""A ctserver that runs already: found in each way, and adopted, replaced, or an error."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil
import pytest
from support.processes import exists, script, started, until

from ctportd.errors import ServerError
from ctportd.links.supervision.existing import find
from ctportd.links.supervision.guarding import SCRIPT, guarded_groups
from ctportd.links.supervision.names import program_name, same_program, same_virtual
from ctportd.links.supervision.search import Search
from ctportd.links.supervisor import Supervisor
from ctportd.testing.setup import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

Existing = Literal["adopt", "replace", "fail"]


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be other users")

OTHER = 54321
"""A user of which the system knows nothing but the number."""


class Place:
    """A machine with a ctserver of ours to be run: its program, its TCP ports, its pid file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(2)
        self.ports = [str(self.port), str(self.port + 1)]
        self.name = f"ctserver-{self.port}"  # nothing else on this machine is called so
        self.command = [*script(folder, self.name), "answering", *self.ports]
        self.pid_file = folder / "ctserver.pid"

    def other(self, name: str, *arguments: str) -> list[str]:
        """A program of another name."""
        return [*script(self.folder, name), *arguments]

    def supervisor(self, existing: Existing, start_timeout: float = 20.0) -> Supervisor:
        """What runs ours."""
        search = Search(
            "127.0.0.1", [self.port, self.port + 1], self.port, same_program(self.command), self.pid_file
        )
        return Supervisor(
            "main", self.command, start_timeout, 20.0, max_restart_delay=0.1, search=search, existing=existing
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A machine."""
    return Place(tmp_path)


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[None]]:
    """Run a supervisor as long as the block lasts."""
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


@asynccontextmanager
async def found(place: Place, how: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A ctserver that can be found in this way only."""
    command = place.command if how == "name" else place.other("other", "answering", *place.ports)
    if how == "pid file":
        command = place.other("other", *place.ports)
    async with started(*command) as process:
        if how == "pid file":
            place.pid_file.write_text(f"{process.pid}\n")
        yield process


HOW = ["pid file", "name", "TCP port"]


@pytest.mark.parametrize("how", HOW)
async def test_adopted(place: Place, how: str, log_lines: list[MutableMapping[str, Any]]) -> None:
    """It is used as it is and left running; when it dies, ours is started at once."""
    async with found(place, how) as process:
        watched = place.supervisor("adopt")
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert (watched.adopted, watched.pid, watched.starts) == (True, process.pid, 0)
        assert exists(process.pid)
        assert {"event": "leaving the adopted ctserver running", "pid": process.pid}.items() <= log_lines[
            -1
        ].items()
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            process.kill()
            await until(lambda: watched.starts == 1)
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert not watched.adopted
    (down,) = [line for line in log_lines if line["event"] == "ctserver is down"]
    assert down["retry_in"] == 0
    assert f"the adopted one, process {process.pid}" in down["error"]


@pytest.mark.parametrize("how", HOW)
async def test_replaced(place: Place, how: str) -> None:
    """It is ended, and ours has its TCP ports."""
    async with found(place, how) as process:
        watched = place.supervisor("replace")
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert not exists(process.pid)
            assert (watched.adopted, watched.starts) == (False, 1)


@pytest.mark.parametrize("how", HOW)
async def test_fails(place: Place, how: str) -> None:
    """It is an error that names the process and how it was found; nothing is started, nothing ended."""
    async with found(place, how) as process:
        watched = place.supervisor("fail")
        with pytest.raises(ServerError, match=f"one runs already: process {process.pid} .* found by .*{how[-4:]}"):
            await watched.run()
        assert watched.starts == 0
        assert exists(process.pid)


async def test_fails_at_the_start_only(place: Place, log_lines: list[MutableMapping[str, Any]]) -> None:
    """One that comes between two of ours does not end a daemon that was started: its end is waited for."""
    watched = place.supervisor("fail")
    async with running(watched) as task:
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert watched.pid is not None
        place.command[:] = place.other(place.name, "late", *place.ports)
        os.kill(watched.pid, signal.SIGKILL)
        await until(lambda: watched.pid is None)
        async with started(*place.other("other", "answering", *place.ports)):
            await until(lambda: "one runs already" in str(log_lines))
        assert not task.done()


@pytest.mark.parametrize("existing", ["adopt", "replace", "fail"])
async def test_stranger_is_named_and_left_alone(
    place: Place, existing: Existing, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Who is no ctserver by name and does not answer as one is neither used nor ended; ours waits for the ports."""
    async with started(*place.other("website", *place.ports)) as process:
        watched = place.supervisor(existing)
        async with running(watched):
            await until(lambda: "ctserver is down" in str(log_lines))
            (down, *_) = [line for line in log_lines if line["event"] == "ctserver is down"]
            told = f"ctserver main: TCP port {place.port}: Address already in use by process {process.pid} ("
            assert down["error"].startswith(told)
            assert "website" in down["error"]
            assert "which is no ctserver: end it, or use other ports" in down["error"]
            assert watched.starts == 0
            assert exists(process.pid)
            process.kill()
            await asyncio.wait_for(watched.wait_ready(), 20)


@pytest.mark.parametrize("existing", ["adopt", "replace", "fail"])
async def test_reused_pid_is_never_signalled(place: Place, existing: Existing) -> None:
    """A pid file that names a later process is none."""
    async with started(*place.other("innocent", str(free_ports(1)))) as innocent:
        place.pid_file.write_text(f"{innocent.pid}\n")
        watched = place.supervisor(existing)
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert watched.starts == 1
            assert innocent.returncode is None
            assert exists(innocent.pid)


@pytest.mark.parametrize("text", ["", "no number", "4194305", "-1", "0", "9" * 30, "\0"])
async def test_pid_file_that_means_nothing(place: Place, text: str) -> None:
    """A pid file that holds no pid, or nobody's, is none."""
    place.pid_file.write_text(text)
    watched = place.supervisor("replace")
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
        assert watched.starts == 1


@pytest.mark.parametrize("existing", ["adopt", "replace"])
async def test_namesake_on_other_ports_is_left_alone(place: Place, existing: Existing) -> None:
    """The ctserver of another card has its own TCP ports, and is none of ours."""
    port = str(free_ports(1))
    async with started(*place.other(place.name, port)) as other:
        place.pid_file.write_text(f"{other.pid}\n")
        watched = place.supervisor(existing)
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert watched.starts == 1
            assert exists(other.pid)


async def test_one_that_starts_is_waited_for(place: Place, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A ctserver that has opened no ports yet is adopted when it has."""
    async with started(*place.other(place.name, "late", *place.ports), says="") as other:
        assert other.stdin is not None
        watched = place.supervisor("adopt")
        async with running(watched):
            await until(lambda: "waiting for another ctserver" in str(log_lines))
            other.stdin.write(b"\n")
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert (watched.adopted, watched.pid) == (True, other.pid)


async def test_one_that_dies_while_it_starts(place: Place, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A ctserver that ends before it has opened its ports is not adopted: ours is started."""
    async with started(*place.other(place.name, "late", *place.ports), says="") as other:
        watched = place.supervisor("adopt")
        async with running(watched):
            await until(lambda: "waiting for another ctserver" in str(log_lines))
            other.kill()
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert (watched.adopted, watched.starts) == (False, 1)


async def test_one_that_never_opens_its_ports(place: Place, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A ctserver that opens no ports within the time to start is left alone, and ours is started."""
    async with started(*place.other(place.name, "late", *place.ports), says="") as other:
        place.command[:] = [*script(place.folder, "ours"), *place.ports]
        watched = place.supervisor("adopt", start_timeout=0.3)
        watched.search = Search("127.0.0.1", [place.port], None, same_program([place.name]), None)
        async with running(watched):
            await until(lambda: watched.starts > 0)
            assert exists(other.pid)
    assert "another ctserver opens no TCP ports, so it is not waited for" in str(log_lines)


async def test_one_without_ports_is_not_replaced(place: Place, log_lines: list[MutableMapping[str, Any]]) -> None:
    """A name alone is no reason to end a process: only TCP ports, or the pid file, are."""
    async with started(*place.other(place.name, "late", *place.ports), says="") as other:
        place.command[:] = [*script(place.folder, "ours"), *place.ports]
        watched = place.supervisor("replace", start_timeout=0.3)
        watched.search = Search("127.0.0.1", [place.port], None, same_program([place.name]), place.pid_file)
        async with running(watched):
            await until(lambda: watched.starts > 0)
            assert exists(other.pid)
        assert "another ctserver opens no TCP ports, so it is not waited for" in str(log_lines)
        place.pid_file.write_text(f"{other.pid}\n")
        async with running(watched):
            await until(lambda: not exists(other.pid))


@as_root
@pytest.mark.parametrize("existing", ["adopt", "replace", "fail"])
async def test_anothers_process_that_calls_itself_so(place: Place, existing: Existing) -> None:
    """Anybody can call a process so: it neither keeps ours from starting, nor holds it up, nor is it ended."""
    calls_itself = ["/bin/bash", "-c", f"exec -a {place.name} sleep 600"]
    async with started(*calls_itself, says="", cwd=Path("/"), user=OTHER) as other:
        await until(
            lambda: psutil.Process(other.pid).cmdline()[:1] == [place.name]
        )  # it has none while it becomes that
        watched = place.supervisor(existing)
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 10)  # less than a ctserver that starts is waited for
            assert watched.starts == 1
            assert exists(other.pid)


@as_root
async def test_anothers_guard_guards_nothing_of_ours(place: Place) -> None:
    """A command line says what its user likes: only a guard of the group's own user, or root's, is believed."""
    async with found(place, "name") as process:
        liar = ["/bin/sh", "-c", "echo lying && read -r _", str(SCRIPT), str(process.pid), "3.0", str(os.getpid())]
        async with started(*liar, says="lying", cwd=Path("/"), user=OTHER):
            assert process.pid not in await asyncio.to_thread(guarded_groups)
            watched = place.supervisor("adopt")
            async with running(watched):
                await asyncio.wait_for(watched.wait_ready(), 20)
                assert watched.pid == process.pid


async def test_stubborn_one_is_killed_when_it_is_replaced(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not heed SIGTERM is killed, and nobody else is: its child is not the ctserver."""
    monkeypatch.setattr("ctportd.links.supervision.existing.REPLACE_TIMEOUT", 0.2)
    async with started(*place.other(place.name, "stubborn", *place.ports)) as other:
        (child,) = psutil.Process(other.pid).children()
        watched = place.supervisor("replace")
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert not exists(other.pid)
            assert exists(child.pid)
        child.kill()


@pytest.fixture
def nobody_sees(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel does not tell us whose the ctserver's ports are, as it does not of another user's."""
    connections = psutil.net_connections

    def of_another_user(kind: str) -> list[Any]:
        ours = {place.port, place.port + 1}
        return [
            one._replace(pid=None) if one.laddr and one.laddr.port in ours else one for one in connections(kind)
        ]

    monkeypatch.setattr(psutil, "net_connections", of_another_user)
    monkeypatch.setattr("ctportd.links.supervision.existing._UNSEEN_LOOK_EVERY", 0.05)


@pytest.mark.usefixtures("nobody_sees")
@pytest.mark.parametrize("existing", ["adopt", "replace"])
async def test_of_another_user(
    place: Place, existing: Existing, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """A listener whose pid nobody tells us is adopted without one, and missed when it is gone; it cannot be ended."""
    async with started(*place.other("other", "answering", *place.ports)) as process:
        watched = place.supervisor(existing)
        async with running(watched):
            if existing == "adopt":
                await asyncio.wait_for(watched.wait_ready(), 20)
                assert (watched.adopted, watched.pid) == (True, None)
            else:
                await until(lambda: "cannot end a process that this user cannot see" in str(log_lines))
            assert exists(process.pid)
            process.kill()
            await until(lambda: watched.starts == 1)
            await asyncio.wait_for(watched.wait_ready(), 20)


@pytest.mark.usefixtures("nobody_sees")
async def test_of_another_user_by_its_name(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose the ports are is not told, but there is one ctserver by that name whose ports are not told either."""
    async with started(*place.command) as process:
        monkeypatch.setattr("ctportd.links.supervision.search.is_visible", lambda pid: pid != process.pid)
        watched = place.supervisor("adopt")
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            assert (watched.adopted, watched.pid) == (True, process.pid)


@pytest.mark.parametrize("existing", ["adopt", "replace", "fail"])
async def test_namesake_of_another_user(place: Place, existing: Existing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ctserver by that name of which nobody tells us where it listens, but not on our ports, is none of ours."""
    port = free_ports(1)
    connections = psutil.net_connections
    monkeypatch.setattr(
        psutil,
        "net_connections",
        lambda kind: [one for one in connections(kind) if not one.laddr or one.laddr.port != port],
    )
    async with started(*place.other(place.name, str(port))) as other:
        monkeypatch.setattr("ctportd.links.supervision.search.is_visible", lambda pid: pid != other.pid)
        watched = place.supervisor(existing)
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 10)  # less than a ctserver that starts is waited for
            assert exists(other.pid)


async def test_machine_that_tells_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """Where nobody may look who listens, ours is started all the same."""

    def refuse(kind: str) -> list[Any]:
        raise PermissionError(13, "Permission denied", f"/proc/net/{kind}")

    monkeypatch.setattr(psutil, "net_connections", refuse)
    watched = place.supervisor("adopt")
    async with running(watched):
        await asyncio.wait_for(watched.wait_ready(), 20)
    assert "cannot look for another ctserver" in str(log_lines)


async def test_child_of_a_daemon_is_nobody_elses(place: Place) -> None:
    """A ctserver that has opened no ports yet, of the same name, and run by a ctportd, is that one's own."""
    first = Supervisor("first", place.other(place.name), 20.0, 20.0)
    second = place.supervisor("replace")
    async with running(first):
        await asyncio.wait_for(first.wait_ready(), 20)
        pid = first.pid
        assert pid is not None
        async with running(second):
            await asyncio.wait_for(second.wait_ready(), 20)
            assert (second.starts, second.adopted) == (1, False)
            assert exists(pid)


async def test_adopted_one_is_not_restarted(place: Place, log_lines: list[MutableMapping[str, Any]]) -> None:
    """Who hangs and is not ours is told of."""
    async with found(place, "name") as process:
        watched = place.supervisor("adopt")
        async with running(watched):
            await asyncio.wait_for(watched.wait_ready(), 20)
            watched.restart("it does not answer")
            assert exists(process.pid)
            assert watched.adopted
    assert [line["reason"] for line in log_lines if line["event"] == "an adopted ctserver is not restarted"] == [
        "it does not answer"
    ]


async def test_silent_manager_is_a_stranger_after_a_second(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes the question and never answers holds nobody up."""
    monkeypatch.setattr("ctportd.links.supervision.asking.ANSWER_TIMEOUT", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", place.port))
        silent.listen()
        search = place.supervisor("adopt").search
        assert search is not None
        with pytest.raises(ServerError, match=f"by process {os.getpid()} .*, which is no ctserver"):
            await find("main", search, 1.0)


# -- names


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["/usr/local/bin/ctserver", "-x"], "ctserver"),
        (["ctserver"], "ctserver"),
        (["/usr/bin/perl", "/opt/ctserver"], "ctserver"),
        (["python3.11", "ctserver.py"], "ctserver.py"),
        (["python3", "-m", "ctserver"], ""),
        (["sh", "-c", "ctserver"], ""),
        (["vi", "ctserver"], "vi"),
        (["python3"], ""),
        ([], ""),
    ],
)
def test_program_name(command: list[str], name: str) -> None:
    """A process is called as its program is, or as its script under an interpreter."""
    assert program_name(command) == name


def test_nobody_is_called_nothing() -> None:
    """A command without a name finds nobody, not even others without one."""
    assert not same_program(["python3", "-m", "ctserver"])(["python3", "-m", "other"], None)


@pytest.mark.parametrize(
    ("command", "is_ours"),
    [
        ("python -m ctportd --config etc/my.toml ctserver", True),
        ("python -Pm ctportd --config etc/my.toml ctserver", True),
        ("python /usr/bin/ctportd --config=/home/etc/my.toml ctserver", True),
        ("ctportd -c ./etc/../etc/my.toml ctserver", True),
        ("ctportd --config etc/other.toml ctserver", False),
        ("ctportd --config etc/my.toml", False),
        ("ctportd --config etc/my.toml phone ctserver", False),
        ("vi --config etc/my.toml ctserver", False),
        ("ctserver", False),
    ],
)
def test_virtual_one_is_known_by_its_configuration(command: str, *, is_ours: bool) -> None:
    """Our own ctserver is ours only with the same configuration, however that is written."""
    same = same_virtual(Path("/home/etc/my.toml"))
    assert same(command.split(), Path("/home")) is is_ours
    assert not same(command.split(), Path("/elsewhere")) or "/home" in command
