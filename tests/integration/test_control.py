"""The control interface over a real Unix socket: every route, every kind of error, and the socket itself."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import msgspec
import pytest

from ctportd.api.daemon import StopBody, Stopping
from ctportd.api.messages import Filed, MessageBody, MessageParameters
from ctportd.api.ports import PortParameters, RequestBody
from ctportd.control import server as control_server
from ctportd.control.client import ControlClient
from ctportd.control.problems import kind_named
from ctportd.control.routes import Routes
from ctportd.control.server import ControlServer
from ctportd.control.stopping import stop_and_wait
from ctportd.errors import (
    AudioError,
    CallEnded,
    ConfigError,
    ConnectFailed,
    ControlError,
    CtportdError,
    Disconnected,
    InvalidArgument,
    MailError,
    NotFound,
    NotSupported,
    PluginError,
    PortBusy,
    PromptNotFound,
    RequestFailed,
    RequestTimedOut,
    StorageError,
    StoreError,
)
from ctportd.links.reply import reply_of
from ctportd.status import CallStatus, CtserverStatus, PluginStatus, PortStatus, Replied, Rotated, Status
from ctportd.wire.keyed import parse_message
from ctportd.wire.message import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence

    from ctportd.control.routes import Nothing
    from ctportd.links.reply import Reply

_T = TypeVar("_T")

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

STATUS = Status(
    state="ready",
    pid=4711,
    version="0.1.0",
    started_at=NOON,
    config="x.toml",
    ctserver=[CtserverStatus("main", "virtual", 4712, "1.0", 1)],
    ports=[
        PortStatus(
            "main:1", 1, "desk", "trunk", "ringing", ["a"], 0, CallStatus("c", "ringing", NOON, "555", "Ada")
        )
    ],
    plugins=[PluginStatus("a", "loaded", ["answer_call"])],
)


def reply(line: str) -> Reply:
    """A line of ctserver as the reply to a request."""
    message = parse_message(line)
    assert isinstance(message, Message)
    return reply_of(message, 1)


class FakeControls:
    """A daemon that notes what is asked of it, and answers what it was told to.

    Attributes:
        asked: What was asked, in order.
        answer: What every question is answered with, instead of the usual; an error is raised.
        stopping: What is done when it is to stop.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer: Any = None
        self.stopping: Callable[[], None] = lambda: None

    def stop(self) -> None:
        """Begin to stop."""
        self.asked.append(("stop",))
        self.stopping()

    def stop_now(self) -> None:
        """Begin to stop, and give calls no time."""
        self.asked.append(("stop_now",))

    async def status(self) -> Status:
        """What it is and does."""
        return self._answer(STATUS, "status")

    async def rotate(self) -> Rotated:
        """Roll the logs."""
        return self._answer(Rotated("x.log.1", {"main": "rolled"}), "rotate")

    async def file_message(self, id: int, action: str, folder: str) -> str:  # noqa: A002 - as it is called there
        """File a message."""
        return self._answer(folder or "Trash", "file", str(id), action, folder)

    async def request(self, port: str, name: str, arguments: Sequence[str]) -> Reply:
        """Send one request to a port."""
        return self._answer(reply("rly=ctplay src=0 dst=0 arg1=OK arg2=12"), port, name, *arguments)

    def _answer(self, usual: _T, *asked: str) -> _T:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            return usual
        assert isinstance(self.answer, type(usual))
        return self.answer


routes = Routes()


@routes.add("GET", "/v1/status", Status)
async def get_status(controls: FakeControls, _parameters: Nothing, _body: Nothing) -> Status:
    """As the daemon's."""
    return await controls.status()


@routes.add("POST", "/v1/rotate", Rotated)
async def rotate(controls: FakeControls, _parameters: Nothing, _body: Nothing) -> Rotated:
    """As the daemon's."""
    return await controls.rotate()


@routes.add("POST", "/v1/stop", Stopping, body=StopBody)
async def stop(controls: FakeControls, _parameters: Nothing, body: StopBody) -> Stopping:
    """As the daemon's."""
    if body.now:
        controls.stop_now()
    else:
        controls.stop()
    return Stopping()


@routes.add("POST", "/v1/messages/{id}", Filed, parameters=MessageParameters, body=MessageBody)
async def file_message(controls: FakeControls, parameters: MessageParameters, body: MessageBody) -> Filed:
    """As the daemon's."""
    return Filed(await controls.file_message(parameters.id, body.action, body.folder))


@routes.add("POST", "/v1/ports/{port}/requests", Replied, parameters=PortParameters, body=RequestBody)
async def request(controls: FakeControls, parameters: PortParameters, body: RequestBody) -> Replied:
    """As the daemon's."""
    got = await controls.request(parameters.port, body.name, body.arguments)
    return Replied(got.message.status, list(got.values), got.event.name if got.event else None, got.message.raw)


@pytest.fixture
def path() -> Iterator[Path]:
    """Where the socket is: in a folder with a short name, as a socket's path has to be short."""
    folder = Path(tempfile.mkdtemp(prefix="ct"))
    yield folder / "state" / "x.sock"
    shutil.rmtree(folder)


@pytest.fixture
def controls() -> FakeControls:
    """What is controlled."""
    return FakeControls()


@pytest.fixture
async def server(controls: FakeControls, path: Path) -> AsyncIterator[ControlServer]:
    """The control interface, in a folder that it had to make."""
    async with ControlServer(routes, controls, path) as running:
        yield running


@pytest.fixture
def client(server: ControlServer, path: Path) -> ControlClient:
    """The client that the command line uses."""
    return ControlClient(path)


def problem_named(name: str, detail: str, instance: str) -> dict[str, Any]:
    """The whole of a problem."""
    kind = kind_named(name)
    return {
        "type": f"urn:ctportd:problem:{name}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": instance,
    }


async def http(path: Path, method: str, url: str, body: bytes = b"") -> tuple[int, dict[str, str], Any]:
    """What any HTTP client is answered: status, headers, JSON."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.request(method, f"http://localhost{url}", data=io.BytesIO(body)) as response,
    ):
        return response.status, dict(response.headers), msgspec.json.decode(await response.read())


# -- routes


async def test_status(client: ControlClient, controls: FakeControls) -> None:
    """The client gets the whole status, typed, as the daemon gave it."""
    assert await client.status() == STATUS
    assert controls.asked == [("status",)]


async def test_rotate(client: ControlClient, controls: FakeControls) -> None:
    """The answer tells where the old log is, and what each ctserver said."""
    assert await client.rotate() == Rotated("x.log.1", {"main": "rolled"})
    assert controls.asked == [("rotate",)]


async def test_stop(client: ControlClient, controls: FakeControls) -> None:
    """Stopping is begun, with or without time for calls, and answered at once."""
    await client.stop()
    await client.stop(now=True)
    assert controls.asked == [("stop",), ("stop_now",)]


async def test_message_is_filed(client: ControlClient, controls: FakeControls, path: Path) -> None:
    """What there is to be done, and where; the answer tells where the message is then."""
    assert await client.file_message(17, "delete") == "Trash"
    assert await client.file_message(17, "move", "Work") == "Work"
    assert controls.asked == [("file", "17", "delete", ""), ("file", "17", "move", "Work")]
    status, _, problem = await http(path, "POST", "/v1/messages/17", b'{"action": "eat"}')
    assert (status, problem["title"]) == (400, "Bad request body")


async def test_request(client: ControlClient, controls: FakeControls) -> None:
    """A request of ctserver goes to its port with its arguments; the reply comes in its parts and as the line."""
    assert await client.request("1", "play", ["beep", "ignore_dtmf"]) == {
        "status": "OK",
        "values": ["12"],
        "event": None,
        "line": "rly=ctplay src=0 dst=0 arg1=OK arg2=12",
    }
    assert controls.asked == [("1", "play", "beep", "ignore_dtmf")]


async def test_reply_that_carries_an_event(client: ControlClient, controls: FakeControls) -> None:
    """What cut a request short is told by its name."""
    controls.answer = reply("rly=ctplay src=1 dst=1 arg1=EVENT arg2=12 arg3=hangup argc=3")
    told = await client.request("1", "play", ["beep"])
    assert (told["status"], told["event"], told["values"]) == ("EVENT", "hangup", ["12", "hangup"])


async def test_reply_that_is_no_utf_8(client: ControlClient, controls: FakeControls) -> None:
    """Bytes that JSON cannot hold are question marks; the rest of the answer is there."""
    controls.answer = reply("rly=ctplay arg1=OK arg2=\udcff")
    told = await client.request("1", "play", [])
    assert (told["values"], told["line"]) == (["?"], "rly=ctplay arg1=OK arg2=?")


async def test_caller_that_is_no_utf_8(client: ControlClient, controls: FakeControls) -> None:
    """Nor does a caller's name hide the status of all ports."""
    port = msgspec.structs.replace(STATUS.ports[0], call=CallStatus("c", "ringing", NOON, "555", "Zo\udceb"))
    controls.answer = msgspec.structs.replace(STATUS, ports=[port])
    (shown,) = (await client.status()).ports
    assert shown.call == CallStatus("c", "ringing", NOON, "555", "Zo?")


@pytest.mark.parametrize("port", ["manager", "x y", "ü", "a?b#c", "1/../../stop", "%2F", "1/2"])
async def test_port_is_sent_as_it_was_given(client: ControlClient, controls: FakeControls, port: str) -> None:
    """Whatever is given as a port is the port in that one route, and leads to no other."""
    await client.request(port, "get_ver", [])
    assert controls.asked == [(port, "get_ver")]


@pytest.mark.parametrize(
    ("method", "url", "detail"),
    [
        (
            "GET",
            "/v1/status?page=2",
            "/v1/status: page is not known: there is no parameter 'page'; there are: none",
        ),
        ("POST", "/v1/messages/x", "/v1/messages/{id}: id will not do: Expected `int`, got `str`"),
        ("POST", "/v1/messages/0", "/v1/messages/{id}: id will not do: Expected `int` >= 1"),
    ],
)
async def test_parameters_that_will_not_do(
    server: ControlServer, controls: FakeControls, path: Path, *, method: str, url: str, detail: str
) -> None:
    """They are refused by name, with what was expected, and nothing is done."""
    status, _, problem = await http(path, method, url)
    assert (status, problem) == (400, problem_named("bad-argument", detail, url.partition("?")[0]))
    assert controls.asked == []


# -- errors


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidArgument("play", "file", "is missing"), 400, "bad-argument"),
        (PromptNotFound("beep", ("/a/beep.au", "/b/beep.au")), 400, "bad-argument"),
        (NotSupported("port 1", "classic", "ctgrunton"), 501, "not-supported"),
        (RequestFailed("port 1", "ctplay", ("no", "file")), 502, "ctserver"),
        (RequestTimedOut("port 1", "ctplay", 10), 504, "ctserver-silent"),
        (Disconnected("port 1", "the connection was lost"), 502, "ctserver"),
        (ConnectFailed("port 1", "Connection refused"), 502, "ctserver"),
        (PortBusy("port 1", "waits for a ring"), 409, "port-busy"),
        (StoreError("the database is not open"), 503, "database"),
        (StorageError("the disk is full"), 507, "disk"),
        (MailError("no mail server is set"), 502, "mail"),
        (PluginError("voicemail", "is not loaded"), 409, "plugin"),
        (ConfigError("x.toml: [daemon] stat: there is no such key"), 409, "configuration"),
        (NotFound("there is no message 17"), 404, "not-found"),
        (AudioError("x.wav: is no sound"), 500, "failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_error_is_a_problem(
    server: ControlServer, controls: FakeControls, path: Path, *, error: Exception, status: int, kind: str
) -> None:
    """Each class of error has its status and its type; the client raises what fits, with the same sentence."""
    client = ControlClient(path)
    controls.answer = error
    answered, headers, problem = await http(path, "POST", "/v1/ports/1/requests", b'{"name": "play"}')
    assert answered == status
    assert headers["Content-Type"] == "application/problem+json"
    assert problem == problem_named(kind, str(error), "/v1/ports/1/requests")
    with pytest.raises(CtportdError) as refused:
        await client.request("1", "play", [])
    assert type(refused.value) is kind_named(kind).raised
    assert str(refused.value) == str(error)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (CallEnded("hangup"), "CallEnded: the call ended: hangup"),
    ],
    ids=["OSError", "CallEnded"],
)
async def test_error_of_no_class_of_ours_is_a_problem_too(
    server: ControlServer,
    controls: FakeControls,
    path: Path,
    *,
    log_lines: list[MutableMapping[str, Any]],
    error: Exception,
    detail: str,
) -> None:
    """What nobody expected is told as well, and logged with its traceback."""
    controls.answer = error
    status, _, problem = await http(path, "POST", "/v1/rotate")
    assert (status, problem) == (500, problem_named("bug", detail, "/v1/rotate"))
    assert [line["event"] for line in log_lines] == ["a request to the control interface failed"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `name`"),
        (b'{"name": 5}', "Expected `str`, got `int` - at `$.name`"),
        (b'{"name": "play", "arguments": "beep"}', "Expected `array`, got `str` - at `$.arguments`"),
        (b'{"name": "play", "argument": []}', "Object contains unknown field `argument`"),
        (b'{"name": "\xff"}', "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
async def test_body_that_is_no_request(
    server: ControlServer, controls: FakeControls, path: Path, body: bytes, detail: str
) -> None:
    """It is refused with the reason, and nothing is sent."""
    status, _, problem = await http(path, "POST", "/v1/ports/1/requests", body)
    assert (status, problem) == (400, problem_named("bad-body", detail, "/v1/ports/1/requests"))
    assert controls.asked == []


async def test_body_that_is_too_long(server: ControlServer, controls: FakeControls, path: Path) -> None:
    """A body has a limit: nobody fills the daemon's memory."""
    status, _, problem = await http(path, "POST", "/v1/ports/1/requests", b" " * 2_000_000)
    assert (status, problem["title"]) == (413, "Too long")


async def test_silent_connections_lock_nobody_out(
    controls: FakeControls, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that say nothing, or half of what they want, make room for one that does; a request that runs stays."""
    monkeypatch.setattr(control_server, "_CONNECTIONS", 4)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def long_request(*_: object) -> Reply:
        begun.set()
        await go_on.wait()
        return reply("rly=ctsleep src=0 dst=0 arg1=OK")

    controls.request = long_request  # type: ignore[method-assign,assignment]
    async with ControlServer(routes, controls, path):
        running = asyncio.create_task(ControlClient(path).request("1", "sleep", ["5"]))
        await begun.wait()
        silent = [await asyncio.open_unix_connection(str(path)) for _ in range(50)]
        for _, writer in silent[::2]:
            writer.write(b"POST /v1/ports/1/requests HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")
        assert await ControlClient(path).status() == STATUS
        go_on.set()
        assert (await running)["status"] == "OK"
        for _, writer in silent:
            writer.transport.abort()


@pytest.mark.parametrize("url", ["/", "/v1", "/v1/statuses", "/v2/status", "/v1/ports/1", "/v1/ports//requests"])
async def test_no_such_route(server: ControlServer, path: Path, url: str) -> None:
    """An unknown path is a problem like any other."""
    status, headers, problem = await http(path, "GET", url)
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert problem == problem_named("no-such-path", f"GET {url}: Nothing is served under this path.", url)


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("POST", "/v1/status", "GET,HEAD"),
        ("GET", "/v1/rotate", "POST"),
        ("GET", "/v1/stop", "POST"),
        ("DELETE", "/v1/ports/1/requests", "POST"),
    ],
)
async def test_wrong_method(
    server: ControlServer, controls: FakeControls, path: Path, *, method: str, url: str, allowed: str
) -> None:
    """Looking at a page cannot stop the daemon; which methods there are is told."""
    status, headers, problem = await http(path, method, url)
    assert (status, headers["Allow"]) == (405, allowed)
    assert problem["detail"] == f"{method} {url}: The path is there, and not for this method: see `Allow`."
    assert controls.asked == []


# -- the socket


def leave_stale(path: Path) -> None:
    """A socket on which nobody listens any more."""
    path.parent.mkdir()
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))


def fill(path: Path, text: str) -> None:
    """Write a file."""
    path.write_text(text)


def content(path: Path) -> str:
    """Read it."""
    return path.read_text()


def is_there(path: Path) -> bool:
    """Whether a socket is there."""
    return path.is_socket()


@pytest.mark.parametrize("umask", [0o000, 0o077])
async def test_socket_is_its_owners_and_its_groups(
    controls: FakeControls, path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    """Mode 0660, whatever the umask, which is left alone: a file that another thread makes must not get ours."""
    before = os.umask(umask)
    try:
        with monkeypatch.context() as patched:
            patched.delattr(os, "umask")
            async with ControlServer(routes, controls, path):
                assert stat.S_IMODE(os.stat(path).st_mode) == 0o660  # noqa: PTH116 - a test may wait for the disk
    finally:
        os.umask(before)


async def test_socket_is_gone_afterwards(controls: FakeControls, path: Path) -> None:
    """A daemon that stops leaves no socket behind."""
    async with ControlServer(routes, controls, path):
        assert is_there(path)
    assert not is_there(path)


async def test_stale_socket_is_replaced(controls: FakeControls, path: Path) -> None:
    """What a daemon that was killed left behind is in nobody's way."""
    leave_stale(path)
    async with ControlServer(routes, controls, path):
        assert (await ControlClient(path).status()).pid == STATUS.pid


async def test_live_socket_is_left_alone(server: ControlServer, path: Path) -> None:
    """A second daemon is refused, and the first one is reached as before."""
    with pytest.raises(ControlError) as refused:
        async with ControlServer(routes, FakeControls(), path):
            raise AssertionError
    assert str(refused.value) == f"a ctportd is running already: it answers on {path}"
    assert (await ControlClient(path).status()).pid == STATUS.pid


async def test_file_in_the_sockets_place_is_left_alone(controls: FakeControls, path: Path) -> None:
    """A path that names a file by mistake does not cost that file."""
    path.parent.mkdir()
    fill(path, "precious")
    with pytest.raises(ControlError) as refused:
        async with ControlServer(routes, controls, path):
            raise AssertionError
    told = f"[control] socket '{path}' is there already and is no socket; choose another path"
    assert str(refused.value) == told
    assert content(path) == "precious"


async def test_path_that_is_too_long(controls: FakeControls, tmp_path: Path) -> None:
    """The limit is the kernel's, and is told in a sentence: counted in bytes."""
    path = tmp_path / ("ü" * 60)
    with pytest.raises(ControlError) as refused:
        async with ControlServer(routes, controls, path):
            raise AssertionError
    problem = "is longer than the 107 bytes that a Unix socket's path may have; choose a shorter one"
    assert str(refused.value) == f"[control] socket '{path}' {problem}"


async def test_longest_path_is_good(controls: FakeControls, path: Path) -> None:
    """A path of just 107 bytes works."""
    longest = path.parent / ("x" * (106 - len(os.fsencode(path.parent))))
    assert len(os.fsencode(longest)) == 107
    async with ControlServer(routes, controls, longest):
        assert (await ControlClient(longest).status()).pid == STATUS.pid


async def test_folder_that_cannot_be_made(controls: FakeControls, path: Path) -> None:
    """A file where the socket's folder should be is told as such."""
    fill(path.parent, "")
    with pytest.raises(ControlError) as refused:
        async with ControlServer(routes, controls, path):
            raise AssertionError
    assert str(refused.value) == f"[control] socket '{path}' cannot be made: File exists"


# -- the client


async def test_nobody_listens(path: Path) -> None:
    """No socket, and one that a daemon left behind: the path is named, and what to look for."""
    with pytest.raises(ControlError) as refused:
        await ControlClient(path).status()
    assert str(refused.value) == f"no ctportd answers on {path}; is it running?"
    leave_stale(path)
    with pytest.raises(ControlError) as refused:
        await ControlClient(path).rotate()
    assert str(refused.value) == f"no ctportd answers on {path}; is it running?"


async def answer_with(answer: bytes, path: Path) -> asyncio.AbstractServer:
    """Something on the socket that answers every question with these bytes and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    path.parent.mkdir()
    return await asyncio.start_unix_server(serve, str(path))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "no ctportd answers on {path}; is it running?"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "what answers on {path} is no ctportd, or one of another version: ",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "what answers on {path} is no ctportd, or one of another version: Object missing required field",
        ),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nhello", "GET /v1/status: Busy"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n[]", "GET /v1/status: Busy"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd", "GET /v1/status: Busy"),
    ],
    ids=["hangs up", "no JSON", "another version", "text", "list", "bytes"],
)
async def test_something_else_answers(path: Path, answer: bytes, told: str) -> None:
    """Whatever is on the socket, the client raises ControlError with a sentence."""
    async with await answer_with(answer, path):
        with pytest.raises(ControlError) as refused:
            await ControlClient(path).status()
    assert str(refused.value).startswith(told.format(path=path))


async def test_stopping_waits_for_the_process(
    client: ControlClient, controls: FakeControls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops the daemon is answered when its process is gone, and not before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    controls.answer = msgspec.structs.replace(STATUS, pid=process.pid)
    controls.stopping = process.stdin.close
    await stop_and_wait(client)
    assert process.returncode is not None
    await process.wait()


async def test_stopping_gives_up(
    client: ControlClient, controls: FakeControls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that does not stop is told of, with its pid: here, this process."""
    monkeypatch.setattr("ctportd.control.stopping.LONGEST_STOP", 0.1)
    controls.answer = msgspec.structs.replace(STATUS, pid=os.getpid())
    with pytest.raises(ControlError) as refused:
        await stop_and_wait(client)
    assert str(refused.value) == f"ctportd (pid {os.getpid()}) has not stopped within 0.1 s; see its log"
