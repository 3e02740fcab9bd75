"""Every request as a method of a port or of the manager, against the recording."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import AnsweringNetwork, Recorder, ok

from ctportd.errors import InvalidArgument, NotSupported
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire.events import Hangup
from ctportd.wire.keyed import encode_request
from ctportd.wire.message import Message, Request
from ctportd.wire.requests import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


RECORDED: dict[str, Callable[[Port], Awaitable[Any]]] = {
    "cmd=ctanswer src=1 dst=1 argc=0": lambda p: p.off_hook(),
    "cmd=cthangup src=1 dst=1 argc=0": lambda p: p.on_hook(),
    "cmd=ctwaitforring src=1 dst=1 arg1=2 arg2=0 argc=2": lambda p: p.wait_for_ring(),
    "cmd=ctwaitforring src=1 dst=1 arg1=3 arg2=7 argc=2": lambda p: p.wait_for_ring(3, 7),
    "cmd=ctwaitfordial src=1 dst=1 argc=0": lambda p: p.wait_for_dial_tone(),
    "cmd=ctplaytoneasync src=1 dst=1 arg1=dialx argc=1": lambda p: p.play_tone("DIALX"),
    "cmd=ctstoptone src=1 dst=1 argc=0": lambda p: p.stop_tone(),
    "cmd=ctplay_stop src=1 dst=1 argc=0": lambda p: p.play_stop(),
    "cmd=ctplay src=1 dst=1 arg1=/snd/beep.au argc=1": lambda p: p.play("/snd/beep.au"),
    "cmd=ctplay src=1 dst=1 arg1=/snd/beep.au arg2=ignore_dtmf argc=2": lambda p: p.play(
        "/snd/beep.au", ignore_dtmf=True
    ),
    "cmd=ctplayasync src=1 dst=1 arg1=/snd/beep.au argc=1": lambda p: p.play_async("/snd/beep.au"),
    "cmd=ctrecord src=1 dst=1 arg1=/snd/prompt.wav arg2=15 arg3=# arg4=3 argc=4": lambda p: p.record(
        "/snd/prompt.wav", 15, "#", 3
    ),
    "cmd=ctrecord src=1 dst=1 arg1=/tmp/x.wav arg2=0 arg3= arg4=0 argc=4": lambda p: p.record("/tmp/x.wav"),
    "cmd=ctsleep src=1 dst=1 arg1=2 argc=1": lambda p: p.sleep(2),
    "cmd=ctclear src=1 dst=1 argc=0": lambda p: p.clear(),
    "cmd=ctclearevents src=1 dst=1 argc=0": lambda p: p.clear_events(),
    "cmd=ctcollect src=1 dst=1 arg1=4 arg2=10 arg3=0 argc=3": lambda p: p.collect(4, 10),
    "cmd=ctcollect src=1 dst=1 arg1=4 arg2=10 arg3=2 argc=3": lambda p: p.collect(4, 10, 2),
    "cmd=ctdial src=1 dst=1 arg1=&,1234 argc=1": lambda p: p.dial("&,1234"),
    "cmd=ctwaitforevent src=1 dst=1 argc=0": lambda p: p.wait_for_event(),
    "cmd=ctstarttimerasync src=1 dst=1 arg1=5 argc=1": lambda p: p.start_timer(5),
    "cmd=ctstoptimer src=1 dst=1 argc=0": lambda p: p.stop_timer(),
    "cmd=ctjoin src=1 dst=1 arg1=1 arg2=2 argc=2": lambda p: p.join(1, 2),
    "cmd=ctbridge src=1 dst=1 arg1=3 argc=1": lambda p: p.bridge(3),
    "cmd=ctunbridge src=1 dst=1 arg1=3 argc=1": lambda p: p.unbridge(3),
    "cmd=ctjoinconference src=1 dst=1 arg1=3 argc=1": lambda p: p.join_conference(3),
    "cmd=ctleaveconference src=1 dst=1 arg1=3 argc=1": lambda p: p.leave_conference(3),
    "cmd=ctstartringasync src=1 dst=1 argc=0": lambda p: p.start_ring(),
    "cmd=ctstopring src=1 dst=1 argc=0": lambda p: p.stop_ring(),
    "cmd=ctstartringonceasync src=1 dst=1 argc=0": lambda p: p.ring_once(),
    "cmd=ctgrunton src=1 dst=1 argc=0": lambda p: p.grunt_on(),
    "cmd=ctgruntoff src=1 dst=1 argc=0": lambda p: p.grunt_off(),
    "cmd=ctsetscript src=1 dst=1 arg1=ivr argc=1": lambda p: p.set_script_name("ivr"),
    "cmd=ctlistenforjpcid src=1 dst=1 argc=0": lambda p: p.listen_for_cid_jp(),
    "cmd=ctlistenforcid src=1 dst=1 argc=0": lambda p: p.listen_for_cid(),
    "cmd=ctreadcid src=1 dst=1 argc=0": lambda p: p.read_cid(),
    # not in the recording, since they never reached its server:
    "cmd=ctsendevent src=1 dst=2 arg1=HELLO arg2=you argc=2": lambda p: p.send_event(3, "HELLO", "you"),
    "cmd=ctsendcid src=1 dst=1 arg1=5550100 arg2=Ada arg3=Lovelace argc=3": lambda p: p.send_cid(
        "5550100", "Ada Lovelace"
    ),
    "cmd=portreset src=1 dst=2 argc=0": lambda p: p.port_reset(),
    "cmd=portstatus src=1 dst=2 argc=0": lambda p: p.port_status(),
}

MANAGED: dict[str, Callable[[Manager], Awaitable[Any]]] = {
    "cmd=serversion src=-2 dst=-2 argc=0": lambda m: m.server_version(),
    "cmd=rolllog src=-2 dst=-2 argc=0": lambda m: m.roll_log(),
    "cmd=shutdown src=-2 dst=-2 argc=0": lambda m: m.shutdown(),
    "cmd=ctsendevent src=-2 dst=0 arg1=RECORD_STOP argc=1": lambda m: m.send_event(1, "RECORD_STOP"),
    "cmd=portstatus src=-2 dst=1 argc=0": lambda m: m.port_status(1),
}


@pytest.fixture
async def network() -> AnsweringNetwork:
    """Port 2's connection, to a server that says OK to everything."""
    network = AnsweringNetwork("port 2", 2, Recorder())
    network.connect()
    return network


@pytest.fixture
async def manager_network() -> AnsweringNetwork:
    """The manager's connection, likewise."""
    network = AnsweringNetwork("manager", 0, Recorder())
    network.connect()
    return network


@pytest.fixture
def port(network: AnsweringNetwork, manager_network: AnsweringNetwork) -> Port:
    """Port 2."""
    return Port("main", 2, network, Manager(manager_network), name="workshop")


@pytest.mark.parametrize("line", RECORDED)
async def test_method_sends_its_request(port: Port, network: AnsweringNetwork, line: str) -> None:
    """Each method sends the line that the protocol has for it, and returns when it is answered."""
    await RECORDED[line](port)
    assert [encode_request(request) for request in network.requests] == [f"{line} \n".encode()]


@pytest.mark.parametrize("line", MANAGED)
async def test_manager_method_sends_its_request(manager_network: AnsweringNetwork, line: str) -> None:
    """So does each method of the manager."""
    await MANAGED[line](Manager(manager_network))
    assert [encode_request(request) for request in manager_network.requests] == [f"{line} \n".encode()]


def test_every_request_is_a_method() -> None:
    """No request of ctserver lacks a method, and each method says what it does."""
    names = {"ser_version": "server_version"}
    for name in REQUESTS:
        owner = Manager if name in ("roll_log", "ser_version", "shutdown") else Port
        method = getattr(owner, names.get(name, name))
        assert inspect.iscoroutinefunction(method)
        assert method.__doc__


async def test_recording_is_stopped_through_the_manager(
    port: Port, network: AnsweringNetwork, manager_network: AnsweringNetwork
) -> None:
    """There is no request for it: a user message from the manager ends a recording."""
    await port.record_stop()
    assert network.requests == []
    assert manager_network.requests == [Request("ctsendevent", -2, 1, ("RECORD_STOP",))]


async def test_recording_cannot_be_stopped_without_a_manager(network: AnsweringNetwork) -> None:
    """Where there is no manager connection, that is said."""
    port = Port("main", 2, network, None, dialect="classic")
    with pytest.raises(NotSupported, match="port main:2: the classic dialect of its ctserver has no way to stop"):
        await port.record_stop()


async def test_reply_tells_digits_and_event(port: Port, network: AnsweringNetwork) -> None:
    """A request that an event cut short tells the keys so far, and the event."""

    def cut_short(request: Request) -> list[Message]:
        return [Message(request.cmd, 1, 1, ("EVENT", "12", "hangup"))]

    network.answer = cut_short
    reply = await port.play("/snd/beep.au")
    assert reply.digits == "12"
    assert isinstance(reply.event, Hangup)


async def test_server_version_is_what_it_says(manager_network: AnsweringNetwork) -> None:
    """The version is the reply's value."""
    manager_network.answer = lambda request: ok(request, "0.3")
    assert await Manager(manager_network).server_version() == "0.3"


async def test_unknown_request_names_the_nearest(port: Port) -> None:
    """A request that does not exist is refused with the nearest that does."""
    with pytest.raises(InvalidArgument, match="there is no request 'ply'; did you mean 'play'"):
        await port.request("ply")
