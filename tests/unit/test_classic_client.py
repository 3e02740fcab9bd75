"""The classic dialect as a client speaks it: the same requests and replies, on other lines."""

from __future__ import annotations

import asyncio

import pytest
from support.fakes import FakeNetwork, Recorder, settle

from ctportd.errors import (
    Disconnected,
    InvalidArgument,
    NotSupported,
    PortBusy,
    RequestFailed,
    RequestTimedOut,
)
from ctportd.links.classic import ClassicConnection
from ctportd.wire import classic_client
from ctportd.wire.events import Ring
from ctportd.wire.message import Message
from ctportd.wire.requests import REQUESTS


class ClassicNetwork(FakeNetwork, ClassicConnection):
    """A classic connection whose far end is the test."""


@pytest.fixture
def listener() -> Recorder:
    """Who is told what happens."""
    return Recorder()


@pytest.fixture
async def connection(listener: Recorder) -> ClassicNetwork:
    """A connection of port 2 that stands."""
    connection = ClassicNetwork("port main:2", 2, listener)
    connection.connect()
    return connection


@pytest.mark.parametrize(
    ("name", "values", "lines"),
    [
        ("off_hook", [], "ctanswer\n"),
        ("wait_for_ring", [], "ctwaitforring\n"),
        ("play", ["/my files/beep.au"], "ctplay\n/my files/beep.au\n"),
        ("play_async", ["/beep.au"], "ctplay_async\n/beep.au\n"),
        ("record", ["/x.wav", 15, "#"], "ctrecord\n/x.wav\n15\n#\n"),
        ("record", ["/x.wav"], "ctrecord\n/x.wav\n0\n\n"),
        ("sleep", [2], "ctsleep\n2\n"),
        ("collect", [4, 10], "ctcollect\n4\n10\n0\n"),
        ("dial", [",,1234"], "ctdial\n,,1234\n"),
        ("send_event", [3, "HELLO"], "ctsendevent\n3\nHELLO\n"),
        ("bridge", [3], "ctbridge\n3\n"),
        ("join", [1, 2], "ctjoin\n1\n2\n"),
    ],
)
def test_request_as_lines(name: str, values: list[object], lines: str) -> None:
    """Each request has its name and its arguments on lines of their own."""
    if name == "play":  # a line of its own may hold a space, which the keyed dialect cannot
        request = REQUESTS["play"].build(1, ["/beep.au"])
        request = type(request)(request.cmd, 1, 1, tuple(map(str, values)))
    else:
        request = REQUESTS[name].build(1, values)
    assert classic_client.encode("port 2", request) == lines.encode()


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("listen_for_cid", [], "the classic dialect of its ctserver has no ctlistenforcid"),
        ("play", ["/x.au", "ignore_dtmf"], "has no ctplay with ignore_dtmf"),
        ("record", ["/x.wav", 15, "#", 3], "has no ctrecord with 3"),
        ("wait_for_ring", [3, 7], "has no ctwaitforring with 3 7"),
        ("send_event", [3, "a", "b"], "has no ctsendevent with b"),
        ("port_status", [], "has no portstatus"),
        ("grunt_on", [], "has no ctgrunton"),
    ],
)
def test_what_the_dialect_lacks_is_named(name: str, values: list[object], told: str) -> None:
    """What ctserver 0.3 cannot do is refused with the dialect's name, before anything is sent."""
    with pytest.raises(NotSupported, match=told) as refused:
        classic_client.encode("port 2", REQUESTS[name].build(1, values))
    assert refused.value.dialect == "classic"


@pytest.mark.parametrize(
    ("cmd", "lines", "args"),
    [
        ("ctanswer", ["OK"], ("OK",)),
        ("ctwaitforring", ["5550100 Ada Lovelace"], ("OK", "5550100", "Ada", "Lovelace")),
        ("ctwaitforring", [""], ("OK", "")),
        ("ctwaitfordial", [""], ("OK",)),
        ("ctplay", ["OK"], ("OK",)),
        ("ctplay", ["5"], ("OK", "5")),
        ("ctplay", ["ERROR"], ("ERROR",)),
        ("ctsleep", ["#"], ("OK", "#")),
        ("ctcollect", ["1234"], ("OK", "1234")),
        ("ctcollect", [""], ("OK", "")),
        ("ctwaitforevent", ["1", "ring"], ("EVENT", "", "ring")),
        ("ctanswer", ["what now"], ("ERROR", "what", "now")),
    ],
)
def test_reply_as_a_message(cmd: str, lines: list[str], args: tuple[str, ...]) -> None:
    """A reply's lines are the message that a keyed ctserver would have sent."""
    message = classic_client.message(cmd, lines)
    assert (message.rly, message.args) == (cmd, args)


async def test_replies_come_in_order(connection: ClassicNetwork) -> None:
    """The lines are the replies of the requests in their order, whatever the pieces in which they come."""
    play, collect, hang_up = (
        asyncio.create_task(connection.request(REQUESTS[name].build(1, values), None))
        for name, values in (("play", ["/x.au"]), ("collect", [4, 10]), ("on_hook", []))
    )
    await settle()
    for byte in b"OK\n\x001234\n\0ERROR\n\0":
        connection.data_received(bytes([byte]))
    assert (await play).args == ("OK",)
    assert (await collect).args == ("OK", "1234")
    with pytest.raises(RequestFailed, match="port main:2: ctserver refused cthangup"):
        await hang_up


async def test_event_in_a_reply_of_two_lines(connection: ClassicNetwork, listener: Recorder) -> None:
    """``ctwaitforevent`` answers with two lines, and the event is told."""
    waiting = asyncio.create_task(connection.request(REQUESTS["wait_for_event"].build(1), None))
    await settle()
    connection.data_received(b"1\n\0ri")
    connection.data_received(b"ng\n\0")
    assert (await waiting).args == ("EVENT", "", "ring")
    assert isinstance(listener.events[0], Ring)


async def test_port_that_waits_for_a_ring_takes_nothing_else(connection: ClassicNetwork) -> None:
    """What would be answered only after the next ring is refused."""
    ring = asyncio.create_task(connection.request(REQUESTS["wait_for_ring"].build(1), None))
    await settle()
    with pytest.raises(PortBusy, match="port main:2: waits for a ring, so ctplay was not sent"):
        await connection.request(REQUESTS["play"].build(1, ["/x.au"]), None)
    connection.data_received(b"5550100\n\0")
    assert (await ring).args == ("OK", "5550100")


async def test_line_that_answers_nothing_is_told(connection: ClassicNetwork, listener: Recorder) -> None:
    """A line out of the blue is told, and harms nothing."""
    connection.data_received(b"OK\n\0")
    (stray,) = listener.strays
    assert not isinstance(stray, Message)
    assert stray.reason == "a line that answers nothing"


async def test_argument_with_a_line_end_is_refused(connection: ClassicNetwork) -> None:
    """What would be read as another request is refused."""
    with pytest.raises(InvalidArgument, match="holds what ends a line"):
        classic_client.encode("port 2", type(REQUESTS["off_hook"].build(1))("ctplay", 1, 1, ("a\nctshutdown",)))


async def test_reply_that_cannot_be_read_costs_the_connection(connection: ClassicNetwork) -> None:
    """No reply says what it answers: after one that is lost, each would be taken for the one before."""
    asked = asyncio.create_task(connection.request(REQUESTS["play"].build(1, ["/x.au"]), None))
    await settle()
    connection.data_received(b"x" * 70_000 + b"\n")
    with pytest.raises(Disconnected):
        await asked
    assert connection.transport.aborted


@pytest.mark.looptime
async def test_reply_that_does_not_come_costs_the_connection(connection: ClassicNetwork) -> None:
    """It might still come, and be taken for the next request's."""
    with pytest.raises(RequestTimedOut):
        await connection.request(REQUESTS["play"].build(1, ["/x.au"]), 10)
    assert connection.transport.aborted
