"""Following a daemon: in the test's own process over its socket, and as people do, in a terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import sys
import termios
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.documents import code_blocks
from support.system import System, environment

from ctportd.control.client import ControlClient
from ctportd.errors import ControlError
from ctportd.live import hub

if TYPE_CHECKING:
    from ctportd.control.sse import ServerSent
    from ctportd.testing.fixtures import Line
    from ctportd.testing.house import House

ASKS = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    await call.collect(1, first=5)
    with call.secret():
        await call.play("vm-enter-pin")
        await call.collect(4, first=5, between=2)
    await call.play("hello")
"""


class Follower:
    """Follows a stream of a house.

    Attributes:
        seen: What came, in order.
    """

    def __init__(self, house: House, path: str, since: str = "", **parameters: str) -> None:
        self.seen: list[ServerSent] = []
        self._client = ControlClient(_socket(house))
        self.task = asyncio.create_task(self._run(path, parameters, since))

    async def _run(self, path: str, parameters: dict[str, str], since: str) -> None:
        async with aclosing(self._client.follow(path, parameters, since)) as stream:
            async for sent in stream:
                self.seen.append(sent)

    @property
    def types(self) -> list[str]:
        """The types of what came."""
        return [sent.event for sent in self.seen]

    def told(self, type_: str) -> list[dict[str, Any]]:
        """What came of one type."""
        return [msgspec.json.decode(sent.data) for sent in self.seen if sent.event == type_]


def _socket(house: House) -> Path:
    return Path(house.daemon.config.file.control.socket)


async def call_with_a_pin(house: House) -> None:
    """A caller presses a key for a menu, then a PIN."""
    phone = await house.call(1, number="5550100", name="Ada")
    await phone.answered()
    await phone.press("7")
    await phone.hear("vm-enter-pin")
    await phone.press("4711")
    await phone.hear("hello")
    await phone.hang_up()
    await house.idle()


async def test_a_call_is_followed_and_its_pin_is_not(ctportd_line: Line) -> None:
    """All that happens on it in order, with who calls; no key is told that was not asked for, and never a PIN's."""
    house = await ctportd_line({1: ["asks"]}, plugins={"asks": ASKS})
    masked, open_ = Follower(house, "/v1/events"), Follower(house, "/v1/events", port="1", keys="true")
    ended = Follower(house, "/v1/events", type="call_ended")
    await house.until(lambda: house.daemon.live._followers == 3)
    await call_with_a_pin(house)
    await house.until(lambda: "call_ended" in masked.types and "call_ended" in open_.types and bool(ended.seen))
    wanted = ("call_started", "call_offered", "call_answered", "call_ended")
    assert [type_ for type_ in masked.types if type_ in wanted] == list(wanted)
    (started,), (over,) = masked.told("call_started"), masked.told("call_ended")
    assert (started["port"], started["details"]["number"], started["details"]["name"]) == (
        "main:1",
        "5550100",
        "Ada",
    )
    assert over["details"]["answered"] is True
    assert over["call"] == started["call"]
    assert {event["details"]["key"] for event in masked.told("key")} == {"?"}
    assert [event["details"]["key"] for event in open_.told("key")] == ["7", "?", "?", "?", "?"]
    assert ended.types == ["call_ended"]
    assert b"4711" not in b"".join(sent.data for sent in (*masked.seen, *open_.seen))
    await house.stop()
    await asyncio.gather(masked.task, open_.task, ended.task)  # each was told that it is over
    assert [event["details"]["phase"] for event in masked.told("phase")] == ["draining", "stopping"]


async def test_who_comes_back_misses_nothing_for_a_minute(ctportd_line: Line) -> None:
    """Later nothing is told of, which costs nothing, and nobody knows what has happened meanwhile."""
    house = await ctportd_line({1: []}, plugins={})
    first = Follower(house, "/v1/events")
    await house.until(lambda: house.daemon.live._followers == 1)
    tell = house.daemon.dispatcher.tell
    tell("message_waiting", mailbox="100", new=1, old=0)
    await house.until(lambda: len(first.seen) == 1)
    first.task.cancel()
    await house.until(lambda: not house.daemon.live._followers)
    tell("message_waiting", mailbox="100", new=2, old=0)
    again = Follower(house, "/v1/events", since=first.seen[0].id)
    await house.until(lambda: len(again.seen) == 1)
    assert again.told("message_waiting")[0]["details"]["new"] == 2
    again.task.cancel()
    await house.until(lambda: house.daemon.dispatcher.audience.listener is None, within=2 * hub.LINGER)
    late = Follower(house, "/v1/events", since=again.seen[0].id)
    await house.until(lambda: bool(late.seen))
    assert late.told("lost")[0]["details"] == {"count": None}
    late.task.cancel()


async def test_filters_that_will_not_do(ctportd_line: Line) -> None:
    """They are refused before anything is streamed."""
    house = await ctportd_line({1: []}, plugins={})
    with pytest.raises(ControlError, match="did you mean 'call_ended'"):
        await Follower(house, "/v1/events", type="call_endet").task
    with pytest.raises(ControlError, match="level"):
        await Follower(house, "/v1/logs", level="loud").task


async def test_lines_of_the_log(ctportd_line: Line) -> None:
    """The last ones that are meant, then those that come."""
    house = await ctportd_line({1: []}, plugins={})
    lines = house.daemon.live.lines
    for number in range(5):
        lines.add(b'{"level":"%b","event":"%d"}' % (b"error" if number % 2 else b"info", number))
    past = Follower(house, "/v1/logs", lines="2", follow="false", level="error")
    await past.task
    assert [line["event"] for line in past.told("log")] == ["1", "3"]
    more = Follower(house, "/v1/logs", lines="1")
    await house.until(lambda: len(more.seen) == 1)
    lines.add(b'{"level":"info","event":"5"}')
    await house.until(lambda: len(more.seen) == 2)
    assert [line["event"] for line in more.told("log")] == ["4", "5"]
    more.task.cancel()


async def on_a_terminal(system: System, *arguments: str, until: str, keys: bytes) -> tuple[int, str]:
    """Run a command on a terminal until something is seen, then press keys; its exit status, and what was shown."""
    ours, its = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ctportd", "--config", str(system.config_path), *arguments, cwd=system.folder,
        env={**environment(), "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}, stdin=its, stdout=its, stderr=its,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Ctrl-C reaches it
    )  # fmt: skip
    os.close(its)
    seen = bytearray()

    def read() -> None:
        with suppress(OSError):  # the command is gone
            seen.extend(os.read(ours, 65536))
            return
        asyncio.get_running_loop().remove_reader(ours)

    asyncio.get_running_loop().add_reader(ours, read)
    try:
        await system.until(lambda: until.encode() in seen)
        os.write(ours, keys)
        async with asyncio.timeout(30):
            status = await process.wait()
        return status, seen.decode(errors="replace")
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)


async def curl(folder: Path, command: str) -> str:
    """What curl prints, as a document has it, within a second."""
    process = await asyncio.create_subprocess_shell(
        command.replace("curl ", "curl --silent --max-time 1 "), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_as_people_see_it(tmp_path: Path) -> None:
    """Screen, events and log on a terminal and in a pipe, while the daemon runs and when it does not."""
    system = System(tmp_path, [[]])
    await system.start()
    try:
        status, screen = await on_a_terminal(system, "top", until="main:1", keys=b"q")
        assert status == 0
        assert "plugins" in screen
        assert screen.index("\x1b[?1049h") < screen.index("main:1") < screen.index("\x1b[?1049l")
        status, screen = await on_a_terminal(system, "logs", "-f", until="ready", keys=b"\x03")
        assert (status, "Traceback" in screen) == (0, False)
        picture = await system.json("top", "--once")
        assert picture["status"]["ports"][0]["address"] == "main:1"
        assert (await system.run("top")).status == os.EX_USAGE
        (commands,) = code_blocks("docs/watching.md", "sh")
        streamed = [await curl(tmp_path, command) for command in commands.splitlines()]
        assert "retry: " in streamed[0]
        assert streamed[1].count("event: log") == 5
        assert streamed[1].endswith("event: end\ndata: {}\n\n")
        events = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ctportd", "--config", str(system.config_path), "events", "--json",
            cwd=tmp_path, env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert events.stdout is not None
        first = asyncio.ensure_future(events.stdout.readline())
        while not first.done():  # until it listens
            await system.phone(1, "--rings", "2", "--number", "5550100")
        await system.stop()
        async with asyncio.timeout(30):
            out, err = await events.communicate()
    finally:
        await system.kill()
    assert (events.returncode, err) == (1, b"ctportd: the daemon has stopped\n")
    assert msgspec.json.decode(await first)["port"] == "main:1"
    phases = [event["details"] for event in map(msgspec.json.decode, out.splitlines()) if event["type"] == "phase"]
    assert phases[-1] == {"phase": "stopping"}
    past = await system.run("logs", "-n", "1")
    assert past.out.rstrip().endswith("stopped")
