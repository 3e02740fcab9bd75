"""A request waits for its own reply; a lost connection is made again, and nothing is replayed."""

from __future__ import annotations

import asyncio
import socket

import pytest
from support.fakes import FakeNetwork, Recorder, settle

from ctportd.errors import (
    BadReply,
    ConnectFailed,
    Disconnected,
    InvalidArgument,
    PortBusy,
    RequestFailed,
    RequestTimedOut,
)
from ctportd.fates import Fates
from ctportd.links.connection import MOST_WAITING
from ctportd.wire.events import Dtmf, Hangup
from ctportd.wire.message import BrokenLine, Message, Request

ANSWER = Request("ctanswer", 1, 1)
PLAY = Request("ctplay", 1, 1, ("/snd/beep.au",))


@pytest.fixture
def listener() -> Recorder:
    """Who is told what happens."""
    return Recorder()


@pytest.fixture
async def connection(listener: Recorder) -> FakeNetwork:
    """A connection of port 2 that stands."""
    connection = FakeNetwork("port 2", 2, listener)
    connection.connect()
    return connection


async def test_reply_goes_to_its_request(connection: FakeNetwork) -> None:
    """The reply is what the request returns, and the line went out as the protocol has it."""
    request = asyncio.create_task(connection.request(ANSWER, 10))
    await settle()
    assert connection.transport.sent == b"cmd=ctanswer src=1 dst=1 argc=0 \n"
    connection.say("rly=ctanswer src=1 dst=1 arg1=OK argc=1")
    assert (await request).status == "OK"


async def test_requests_sent_ahead_are_answered_in_order(connection: FakeNetwork) -> None:
    """Two requests of one name get their replies in the order in which they were sent."""
    first = asyncio.create_task(connection.request(PLAY, None))
    second = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    connection.say("rly=ctplay arg1=OK arg2=1", "rly=ctplay arg1=OK arg2=2")
    assert [(await first).args[1], (await second).args[1]] == ["1", "2"]


async def test_event_between_request_and_reply(connection: FakeNetwork, listener: Recorder) -> None:
    """An event may come while a reply is awaited, even under the name of the request that waits."""
    request = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    connection.say("rly=dtmf arg1=dtmf arg2=5", "rly=ctplay arg1=7")
    await settle()
    assert not request.done()
    connection.say("rly=ctplay arg1=OK arg2=57")
    assert (await request).args == ("OK", "57")
    assert [event.key for event in listener.events if isinstance(event, Dtmf)] == ["5", "7"]


async def test_reply_with_an_event_is_both(connection: FakeNetwork, listener: Recorder) -> None:
    """A reply that carries an event ends the request, and the event is told."""
    request = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    connection.say("rly=ctplay arg1=EVENT arg2=12 arg3=hangup")
    assert (await request).args == ("EVENT", "12", "hangup")
    assert isinstance(listener.events[0], Hangup)
    assert listener.events[0].port == 2


async def test_error_reply_is_raised(connection: FakeNetwork) -> None:
    """ERROR is an exception that names link, request and what ctserver said."""
    request = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    connection.say("rly=ctplay arg1=ERROR arg2=no-such-file")
    with pytest.raises(RequestFailed, match="port 2: ctserver refused ctplay: no-such-file"):
        await request


async def test_unknown_status_is_raised(connection: FakeNetwork) -> None:
    """A reply that is neither OK, ERROR nor EVENT is told as such."""
    request = asyncio.create_task(connection.request(ANSWER, 10))
    await settle()
    connection.say("rly=ctanswer arg1=MAYBE")
    with pytest.raises(BadReply, match="the reply to ctanswer says 'MAYBE'"):
        await request


async def test_lost_connection_fails_what_waits(connection: FakeNetwork) -> None:
    """Every waiting request raises Disconnected, with its name and why."""
    requests = [asyncio.create_task(connection.request(request, None)) for request in (ANSWER, PLAY)]
    await settle()
    connection.transport.lose(ConnectionResetError("reset by peer"))
    for request, name in zip(requests, ("ctanswer", "ctplay"), strict=True):
        with pytest.raises(Disconnected, match=f"the connection broke: reset by peer before the reply to {name}"):
            await request


async def test_request_while_unconnected_is_not_sent_later(connection: FakeNetwork) -> None:
    """Without a connection a request fails at once, and the next connection hears nothing of it."""
    connection.transport.lose()
    with pytest.raises(Disconnected, match="not connected, so ctanswer was not sent"):
        await connection.request(ANSWER, 10)
    connection.connect()
    await settle()
    assert connection.transport.sent == b""


async def test_bad_value_is_refused_before_anything_is_sent(connection: FakeNetwork) -> None:
    """A value that would break the line is refused, and nothing waits for a reply."""
    with pytest.raises(InvalidArgument, match="arg1 holds a space"):
        await connection.request(Request("ctplay", 1, 1, ("a b",)), 10)
    assert connection.transport.sent == b""
    connection.say("rly=ctplay arg1=OK")


@pytest.mark.looptime
async def test_request_times_out(connection: FakeNetwork) -> None:
    """A reply that does not come in time raises, after just that time."""
    began = asyncio.get_running_loop().time()
    with pytest.raises(RequestTimedOut, match=r"port 2: no reply to ctanswer within 10 s"):
        await connection.request(ANSWER, 10)
    assert asyncio.get_running_loop().time() - began == pytest.approx(10)


@pytest.mark.looptime
@pytest.mark.parametrize("late_first", [True, False])
async def test_late_reply_is_told_from_the_next(
    connection: FakeNetwork, listener: Recorder, *, late_first: bool
) -> None:
    """A reply to a request that was given up is not taken for that of the next one of another name."""
    with pytest.raises(RequestTimedOut):
        await connection.request(ANSWER, 10)
    request = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    if late_first:
        connection.say("rly=ctanswer arg1=OK")
        await settle()
        assert not request.done()
    connection.say("rly=ctplay arg1=OK arg2=1")
    assert (await request).args == ("OK", "1")
    assert listener.strays == []


async def test_cancelled_request_keeps_its_place(connection: FakeNetwork) -> None:
    """A request whose sender was cancelled still has a reply to come: the next one of its name gets its own."""
    first = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    first.cancel()
    second = asyncio.create_task(connection.request(PLAY, None))
    await settle()
    connection.say("rly=ctplay arg1=OK arg2=first", "rly=ctplay arg1=OK arg2=second")
    assert (await second).args[1] == "second"


@pytest.mark.parametrize("line", ["rly=ctanswer arg1=OK", "nonsense", "cmd=ctanswer"])
async def test_line_that_means_nothing_is_told(connection: FakeNetwork, listener: Recorder, line: str) -> None:
    """A reply that nobody awaits and a broken line are told, and the connection lives on."""
    connection.say(line)
    (stray,) = listener.strays
    assert isinstance(stray, Message | BrokenLine)
    assert stray.raw == line
    assert connection.connected


@pytest.mark.looptime
async def test_reconnection_waits_longer_and_longer(listener: Recorder) -> None:
    """The first attempt comes at once, the next after about 1 s, doubling to about 60 s, and on for ever."""
    connection = FakeNetwork("port 2", 2, listener)
    connection.refusals = 9
    running = asyncio.create_task(connection.run())
    await connection.wait_connected()
    delays = [delay for what, (_, delay) in listener.told[:9]]
    expected = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(nominal * 0.9 <= delay <= nominal * 1.1 for nominal, delay in zip(expected, delays, strict=True))
    assert listener.told[0][1][0] == "port 2: cannot connect to 192.0.2.1:1201: Connection refused"
    running.cancel()


@pytest.mark.looptime
async def test_jitter_spreads_the_ports(listener: Recorder) -> None:
    """Ports that lost their connections at one instant do not all come back at one instant."""
    ports = [FakeNetwork(f"port {number}", number, listener) for number in range(1, 30)]
    for port in ports:
        port.refusals = 1
    running = [asyncio.create_task(port.run()) for port in ports]
    for port in ports:
        await port.wait_connected()
    delays = {delay for what, value in listener.told if what == "connect_failed" for delay in [value[1]]}
    assert len(delays) > 20
    for task in running:
        task.cancel()


@pytest.mark.looptime
async def test_good_connection_forgives_what_came_before(listener: Recorder) -> None:
    """After a connection that stood for a while, the first delay is the short one again."""
    connection = FakeNetwork("port 2", 2, listener)
    connection.refusals = 5
    running = asyncio.create_task(connection.run())
    await connection.wait_connected()
    await asyncio.sleep(30)
    connection.transport.lose()
    await settle()
    what, (reason, delay) = listener.told[-1]
    assert what == "disconnected"
    assert reason == "ctserver closed the connection"
    assert 0.9 <= delay <= 1.1
    running.cancel()


@pytest.mark.looptime
async def test_connection_that_is_dropped_at_once_backs_off(listener: Recorder) -> None:
    """A server that accepts and closes at once is not hammered."""
    connection = FakeNetwork("port 2", 2, listener)
    running = asyncio.create_task(connection.run())
    delays = []
    for _ in range(4):
        await connection.wait_connected()
        connection.transport.lose()
        await settle()
        delays.append(listener.told[-1][1][1])
    assert all(
        nominal * 0.9 <= delay <= nominal * 1.1 for nominal, delay in zip([1, 2, 4, 8], delays, strict=True)
    )
    running.cancel()


async def test_half_a_line_of_the_last_connection_is_forgotten(
    connection: FakeNetwork, listener: Recorder
) -> None:
    """What a lost connection left unfinished does not spoil the first line of the next."""
    connection.data_received(b"rly=dt")
    connection.transport.lose()
    connection.connect()
    connection.say("rly=ring arg1=ring")
    assert [event.name for event in listener.events] == ["ring"]
    assert listener.strays == []


async def test_closing_fails_what_waits(listener: Recorder) -> None:
    """A connection that is taken down tells its requests and its listener."""
    connection = FakeNetwork("port 2", 2, listener)
    running = asyncio.create_task(connection.run())
    await connection.wait_connected()
    request = asyncio.create_task(connection.request(ANSWER, None))
    await settle()
    running.cancel()
    with pytest.raises(Disconnected, match="closed by us before the reply to ctanswer"):
        await request
    assert listener.told[-1] == ("disconnected", ("closed by us", None))
    assert not connection.connected


def test_connect_failed_is_a_link_error() -> None:
    """The error names the link and where it should have led."""
    assert str(ConnectFailed("port 2", "cannot connect")) == "port 2: cannot connect"


@pytest.mark.looptime
async def test_lost_reply_costs_its_own_request_only(connection: FakeNetwork, listener: Recorder) -> None:
    """A reply that never comes does not make the next request of its name wait for ever, nor take a wrong one."""
    with pytest.raises(RequestTimedOut):
        await connection.request(PLAY, 10)
    second = asyncio.create_task(connection.request(PLAY, 10))
    await settle()
    assert [request.cmd for request in connection.transport.requests] == ["ctplay", "serversion", "ctplay"]
    connection.say("rly=serversion arg1=OK arg2=9", "rly=ctplay arg1=OK arg2=second")
    assert (await second).args[1] == "second"
    third = asyncio.create_task(connection.request(PLAY, 10))
    await settle()
    assert len(connection.transport.requests) == 4  # nothing is given up any more: no fence
    connection.say("rly=ctplay arg1=OK arg2=third")
    assert (await third).args[1] == "third"
    assert listener.strays == []


@pytest.mark.looptime
async def test_late_reply_is_told_from_the_next_of_its_name(connection: FakeNetwork) -> None:
    """A reply that comes late, before the fence's, is that of the request that was given up."""
    with pytest.raises(RequestTimedOut):
        await connection.request(PLAY, 10)
    second = asyncio.create_task(connection.request(PLAY, 10))
    await settle()
    connection.say("rly=ctplay arg1=OK arg2=late")
    await settle()
    assert not second.done()
    connection.say("rly=serversion arg1=OK arg2=9", "rly=ctplay arg1=OK arg2=second")
    assert (await second).args[1] == "second"


@pytest.mark.looptime
async def test_connection_whose_fence_fails_is_cut(connection: FakeNetwork) -> None:
    """What any ctserver answers at once, and this one does not: the connection is worth nothing."""
    with pytest.raises(RequestTimedOut):
        await connection.request(Request("serversion", 1, -2), 10)
    assert connection.transport.aborted


async def test_requests_without_end_are_refused(connection: FakeNetwork) -> None:
    """A plugin that sends on and on without waiting is stopped, and the requests under way are not harmed."""
    requests = [asyncio.create_task(connection.request(PLAY, None)) for _ in range(MOST_WAITING)]
    await settle()
    with pytest.raises(PortBusy, match="256 requests wait for their replies, so ctanswer was not sent"):
        await connection.request(ANSWER, None)
    connection.say(*["rly=ctplay arg1=OK"] * MOST_WAITING)
    assert {reply.status for reply in await asyncio.gather(*requests)} == {"OK"}


@pytest.mark.looptime
async def test_every_request_has_its_fate(connection: FakeNetwork) -> None:
    """Each request is counted once, under what became of it."""
    asked = [asyncio.create_task(connection.request(ANSWER, None)) for _ in range(4)]
    await settle()
    connection.say("rly=ctanswer arg1=OK", "rly=ctanswer arg1=ERROR", "rly=ctanswer arg1=MAYBE")
    asked[3].cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    with pytest.raises(RequestTimedOut):
        await connection.request(PLAY, 10)
    lost = asyncio.create_task(connection.request(PLAY, 10))
    await settle()
    connection.transport.lose()
    with pytest.raises(Disconnected) as caught:
        await lost
    assert caught.value.sent
    with pytest.raises(Disconnected) as caught:
        await connection.request(PLAY, 10)
    assert not caught.value.sent
    assert connection.fates == Fates(done=1, failed=2, timed_out=1, link_lost=1, not_sent=1, given_up=1)


async def test_far_machine_that_is_gone_is_noticed(connection: FakeNetwork) -> None:
    """The kernel asks after a connection that is silent, and gives up on one that confirms nothing."""
    options = connection.transport.get_extra_info("socket").options
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options
    assert (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000) in options
