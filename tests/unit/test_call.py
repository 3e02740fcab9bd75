"""A call reads from top to bottom, and ends with CallEnded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.desk import FakeDesk
from support.fakes import AnsweringNetwork, Recorder, ok, settle

from ctportd.calls.call import Call
from ctportd.calls.caller import Caller
from ctportd.errors import CallEnded, InvalidArgument, PromptNotFound, RequestFailed, RequestTimedOut
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire.events import UserMessage
from ctportd.wire.message import Message, Request

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> FakeDesk:
    """A desk with the prompts ``one`` and ``two``."""
    return FakeDesk(tmp_path, "one", "two")


@pytest.fixture
async def network() -> AnsweringNetwork:
    """A port's connection, to a server that says OK."""
    network = AnsweringNetwork("port 1", 1, Recorder())
    network.connect()
    return network


@pytest.fixture
async def manager() -> AnsweringNetwork:
    """The manager's."""
    network = AnsweringNetwork("manager", 0, Recorder())
    network.connect()
    return network


@pytest.fixture
def call(network: AnsweringNetwork, manager: AnsweringNetwork, desk: FakeDesk) -> Call:
    """A call on port 1 that rings."""
    return Call(Port("main", 1, network, Manager(manager)), desk)


def commands(network: AnsweringNetwork) -> list[str]:
    """What ctserver was asked, without arguments."""
    return [request.cmd for request in network.requests]


async def test_answer_goes_off_hook_once(call: Call, network: AnsweringNetwork, desk: FakeDesk) -> None:
    """Answering twice is answering once, and it is told."""
    await call.answer()
    await call.answer()
    assert commands(network) == ["ctanswer"]
    assert call.answered
    assert desk.was_answered == 1


async def test_several_prompts_are_several_files(call: Call, network: AnsweringNetwork, tmp_path: Path) -> None:
    """Names in one string and several strings are played in turn, as full paths."""
    await call.play("one two", "one")
    files = [str(tmp_path / f"{name}.au") for name in ("one", "two", "one")]
    assert [request.args for request in network.requests] == [(file,) for file in files]


async def test_missing_prompt_stops_all_before_the_first(call: Call, network: AnsweringNetwork) -> None:
    """If one of several prompts is not there, none is played."""
    with pytest.raises(PromptNotFound, match="there is no prompt 'three'"):
        await call.play("one three")
    assert network.requests == []


async def test_key_cuts_the_rest_short(call: Call, network: AnsweringNetwork) -> None:
    """A key during the first prompt is returned, and the second is not played."""
    network.answer = lambda request: ok(request, "5")
    assert await call.play("one two") == "5"
    assert len(network.requests) == 1


async def test_keys_typed_ahead_skip_what_comes(call: Call, network: AnsweringNetwork) -> None:
    """Nothing is played while keys wait; collecting them ends that."""
    call.key("5")
    assert await call.play("one") == "5"
    assert network.requests == []
    network.answer = lambda request: ok(request, "5")
    assert await call.collect(1) == "5"
    network.answer = ok
    await call.play("one")
    assert commands(network) == ["ctcollect", "ctplay"]


async def test_keys_for_somebody_else_are_not_told(call: Call) -> None:
    """What is pressed while the call is connected with another may be the PIN of whoever is there."""
    async with call.bridged(3):
        call.key("4")
    async with call.in_conference(3):
        call.key("7")
    call.key("1")
    assert [step.details["key"] for step in call.timeline.steps if step.kind == "key"] == ["?", "?", "1"]


async def test_keys_can_be_ignored(call: Call, network: AnsweringNetwork) -> None:
    """A beep is played whatever was typed."""
    call.key("5")
    await call.play("one two", ignore_keys=True)
    assert [request.args[1:] for request in network.requests] == [("ignore_dtmf",)] * 2


async def test_clear_forgets_keys(call: Call, network: AnsweringNetwork) -> None:
    """After clear, prompts are played again."""
    call.key("5")
    await call.clear()
    await call.play("one")
    assert commands(network) == ["ctclear", "ctplay"]


async def test_ended_call_raises_on_everything(call: Call, network: AnsweringNetwork) -> None:
    """When the caller has gone, nothing more is asked of ctserver."""
    call.end("hangup")
    for attempt in (call.answer(), call.play("one"), call.collect(1), call.pause(1), call.dial("1"), call.clear()):
        with pytest.raises(CallEnded, match="hangup"):
            await attempt
    assert network.requests == []


async def test_first_reason_stands(call: Call) -> None:
    """A call ends once."""
    call.end("hangup")
    ended = call.ended_at
    call.end("stopping")
    assert (call.end_reason, call.ended_at) == ("hangup", ended)


async def test_hangup_in_mid_request_raises_after_it(call: Call, network: AnsweringNetwork) -> None:
    """The far end hangs up while a prompt plays: the prompt's reply carries it, and CallEnded follows."""

    def hang_up(request: Request) -> list[Message]:
        call.end("hangup")
        return [Message(request.cmd, 0, 0, ("EVENT", "", "hangup"))]

    network.answer = hang_up
    with pytest.raises(CallEnded):
        await call.play("one")


@pytest.mark.parametrize(
    ("answer", "ended_by", "digits"),
    [
        (("OK", "#"), "key", "#"),
        (("OK", "12#"), "key", "12#"),
        (("OK", ""), "silence or limit", ""),
        (("OK", "12"), "silence or limit", "12"),
        (("EVENT", "", "hangup"), "hangup", ""),
        (("EVENT", "", "RECORD_STOP", "-2"), "RECORD_STOP", ""),
    ],
)
async def test_recording_tells_what_ended_it(
    call: Call, network: AnsweringNetwork, answer: tuple[str, ...], ended_by: str, digits: str
) -> None:
    """A recording ends by a key, by silence or the limit, or by an event, and raises for none of them."""
    network.answer = lambda request: [Message(request.cmd, 0, 0, answer)]
    recording = await call.record("/var/x.wav", limit=60, silence=5)
    assert (recording.ended_by, recording.digits) == (ended_by, digits)
    assert network.requests[0].args == ("/var/x.wav", "60", "#", "5")


async def test_ending_key_does_not_skip_the_next_prompt(call: Call, network: AnsweringNetwork) -> None:
    """The key that ended a recording has done its work."""
    call.key("5")
    network.answer = lambda request: ok(request, "#")
    await call.record("/var/x.wav")
    network.answer = ok
    await call.play("one")
    assert commands(network) == ["ctrecord", "ctclear", "ctplay"]


@pytest.mark.looptime
async def test_request_that_outlives_its_caller_is_stopped(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """A server that goes on recording after the hang-up is told to stop, through the manager, after a grace."""
    network.answer = lambda _request: []
    recording = asyncio.create_task(call.record("/var/x.wav"))
    await settle()
    call.end("hangup")
    await asyncio.sleep(1.9)
    assert manager.requests == []
    await asyncio.sleep(0.2)
    assert manager.requests == [Request("ctsendevent", -2, 0, ("RECORD_STOP",))]
    network.say("rly=ctrecord arg1=EVENT arg2= arg3=RECORD_STOP arg4=-2")
    assert (await recording).ended_by == "RECORD_STOP"


@pytest.mark.looptime
async def test_request_that_ends_by_itself_is_left_alone(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """A server that ends the recording at the hang-up gets no message that would hit what comes after."""
    network.answer = lambda _request: []
    recording = asyncio.create_task(call.record("/var/x.wav"))
    await settle()
    call.end("hangup")
    network.say("rly=ctrecord arg1=EVENT arg2= arg3=hangup")
    await recording
    await asyncio.sleep(10)
    assert manager.requests == []


async def test_transfer_flashes_dials_and_hangs_up(call: Call, network: AnsweringNetwork) -> None:
    """A transfer is a hook flash, a pause for the dial tone, the number, and on hook."""
    await call.transfer("204")
    assert [(request.cmd, request.args) for request in network.requests] == [
        ("ctdial", ("&,204",)),
        ("cthangup", ()),
    ]
    assert call.end_reason == "finished"


async def test_hangup_of_an_ended_call_is_nothing(call: Call, network: AnsweringNetwork) -> None:
    """Hanging up twice, or after the caller, asks nothing of ctserver."""
    call.end("hangup")
    await call.hangup()
    assert network.requests == []


async def test_release_leaves_the_line_on_hook(call: Call, network: AnsweringNetwork) -> None:
    """An answered call is put on hook, and its keys forgotten."""
    await call.answer()
    call.end("hangup")
    await call.release()
    assert commands(network) == ["ctanswer", "cthangup", "ctclear"]


async def test_release_of_a_call_that_was_not_answered(call: Call, network: AnsweringNetwork) -> None:
    """A line that only rang is on hook already."""
    call.end("rings stopped")
    await call.release()
    assert network.requests == []


async def test_release_stops_what_a_cancelled_plugin_left_running(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """A plugin that was cancelled in the middle of a recording leaves a blocked port: it is freed first."""
    await call.answer()
    network.answer = lambda _request: []
    recording = asyncio.create_task(call.record("/var/x.wav"))
    await settle()
    recording.cancel()
    await settle()
    network.answer = ok
    await call.release()
    assert commands(manager) == ["ctsendevent"]
    assert commands(network)[-2:] == ["cthangup", "ctclear"]


@pytest.mark.looptime
async def test_timed_out_answer_leaves_the_line_on_hook(call: Call, network: AnsweringNetwork) -> None:
    """A plugin hears of a reply that never came; the line may be off hook all the same, so it is put on hook."""
    network.answer = lambda _request: []
    with pytest.raises(RequestTimedOut):
        await call.answer()
    assert not call.answered
    network.answer = ok
    await call.release()
    assert commands(network)[-1] == "cthangup"


async def test_call_that_ends_while_it_is_answered_is_put_on_hook(call: Call, network: AnsweringNetwork) -> None:
    """The caller gives up while the line goes off hook: it does not stay there."""

    def give_up(request: Request) -> list[Message]:
        call.end("rings stopped")
        return ok(request)

    network.answer = give_up
    with pytest.raises(CallEnded):
        await call.answer()
    network.answer = ok
    await call.release()
    assert commands(network) == ["ctanswer", "cthangup"]


async def test_refused_answer_is_no_answer(call: Call, network: AnsweringNetwork) -> None:
    """A line that ctserver could not take off hook need not be put down."""
    network.answer = lambda request: [Message(request.cmd, 0, 0, ("ERROR", "no-line"))]
    with pytest.raises(RequestFailed):
        await call.answer()
    await call.release()
    assert commands(network) == ["ctanswer"]


async def test_line_goes_on_hook_though_the_manager_is_gone(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """Each step of freeing the line is tried, whatever became of the one before."""
    await call.answer()
    network.answer = lambda _request: []
    recording = asyncio.create_task(call.record("/var/x.wav"))
    await settle()
    recording.cancel()
    await settle()
    manager.transport.lose()
    network.answer = ok
    await call.release()
    assert commands(network)[-2:] == ["cthangup", "ctclear"]


async def test_hanging_up_after_the_ending_key_raises_nothing(call: Call, network: AnsweringNetwork) -> None:
    """A caller who ends a recording by a key and is gone at once has made a recording."""

    def end(request: Request) -> list[Message]:
        call.end("hangup")
        return ok(request, "#")

    network.answer = end
    assert (await call.record("/var/x.wav")).ended_by == "key"
    assert commands(network) == ["ctrecord"]


async def test_any_key_of_a_recording_is_forgotten(call: Call, network: AnsweringNetwork) -> None:
    """A key that did not end the recording must not cut short what is said after it."""
    call.key("5")
    network.answer = lambda request: ok(request, "5")
    await call.record("/var/x.wav")
    network.answer = ok
    await call.play("one")
    assert commands(network) == ["ctrecord", "ctclear", "ctplay"]


async def test_wait_rings(call: Call) -> None:
    """A plugin can let the line ring on before it answers."""
    waiting = asyncio.create_task(call.wait_rings(2))
    call.ring()
    await settle()
    assert not waiting.done()
    call.ring()
    await waiting


async def test_wait_rings_ends_with_the_call(call: Call) -> None:
    """A caller who gives up ends the waiting."""
    waiting = asyncio.create_task(call.wait_rings(4))
    await settle()
    call.end("rings stopped")
    with pytest.raises(CallEnded, match="rings stopped"):
        await waiting


async def test_hand_over_asks_the_desk(call: Call, desk: FakeDesk) -> None:
    """Handing over names the plugin and what it is asked for."""
    await call.hand_over("voicemail:100")
    assert desk.handed == ["voicemail:100"]


def test_caller_reads_well() -> None:
    """A caller prints as people write one."""
    callers = [Caller("555", "Ada"), Caller("555"), Caller("", "Ada"), Caller()]
    assert [str(caller) for caller in callers] == ["Ada <555>", "555", "Ada", "unknown caller"]


async def test_call_ids_differ(network: AnsweringNetwork, desk: FakeDesk) -> None:
    """Two calls on one port in one second have names of their own."""
    port = Port("main", 1, network, None)
    assert len({Call(port, desk).id for _ in range(20)}) == 20


async def test_request_after_one_that_was_given_up(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """A plugin that loses patience with a recording goes on at once: what blocks the port is stopped first."""
    network.answer = lambda _request: []

    async def impatient() -> None:
        async with asyncio.timeout(0):
            await call.record("/var/x.wav")

    with pytest.raises(TimeoutError):
        await impatient()

    def stop(request: Request) -> list[Message]:
        network.answer = ok
        network.say("rly=ctrecord arg1=EVENT arg2= arg3=RECORD_STOP arg4=-2")
        return ok(request)

    manager.answer = stop
    await call.play("one")
    assert commands(manager) == ["ctsendevent"]
    assert commands(network) == ["ctrecord", "ctplay"]


async def test_late_reply_needs_no_stop(call: Call, network: AnsweringNetwork, manager: AnsweringNetwork) -> None:
    """If what was given up has ended meanwhile, no message is sent that would cut short what comes next."""
    network.answer = lambda _request: []

    async def impatient() -> None:
        async with asyncio.timeout(0):
            await call.record("/var/x.wav")

    with pytest.raises(TimeoutError):
        await impatient()
    network.say("rly=ctrecord arg1=OK arg2=")
    network.answer = ok
    await call.play("one")
    assert manager.requests == []


@pytest.mark.looptime
async def test_mute_manager_does_not_keep_the_line_off_hook(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """The hang-up is sent at once, behind what blocks; the manager is not waited for longer than two seconds."""
    await call.answer()
    network.answer = lambda _request: []
    recording = asyncio.create_task(call.record("/var/x.wav"))
    await settle()
    recording.cancel()
    await settle()
    manager.answer = lambda _request: []
    network.answer = ok
    began = asyncio.get_running_loop().time()
    await call.release()
    assert "cthangup" in commands(network)
    assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.1)


@pytest.mark.looptime
async def test_task_left_behind_does_not_block_the_line(
    call: Call, network: AnsweringNetwork, manager: AnsweringNetwork
) -> None:
    """A recording that goes on in a task of the plugin's is stopped when the line is put down."""
    await call.answer()
    network.answer = lambda request: [] if request.cmd == "ctrecord" else ok(request)
    recording = asyncio.create_task(call.record("/var/x.wav"))
    await settle()
    await call.release()
    assert commands(manager) == ["ctsendevent"]
    recording.cancel()


async def test_keys_without_end_are_bounded(call: Call) -> None:
    """A ctserver, or a caller, that presses on and on takes no memory."""
    call.mark_answered()
    for _ in range(10_000):
        call.key("5")
    assert await call.play("one") == "5" * 256


async def test_events_of_any_length_take_no_memory(call: Call) -> None:
    """An event holds its whole line: one that is longer than any message of a plugin's is left out."""
    call.mark_answered()
    for text in ("x" * 60_000, "HELLO"):
        call.take(UserMessage(port=1, message=Message("HELLO", raw=text), text=text))
    event = await call.next_event(UserMessage)
    assert isinstance(event, UserMessage)
    assert event.text == "HELLO"


async def test_call_speaks_another_language(
    call: Call, network: AnsweringNetwork, desk: FakeDesk, tmp_path: Path
) -> None:
    """Its prompts come from the language's folder where it has them; a name that is none leaves all as it was."""
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "one.au").touch()
    assert call.language == ""
    desk.prompts.language = "de"
    assert call.language == "de"
    desk.prompts.language = ""
    call.language = "de"
    await call.play("one two")
    assert [request.args[0] for request in network.requests] == [
        str(tmp_path / "de" / "one.au"),
        str(tmp_path / "two.au"),
    ]
    with pytest.raises(InvalidArgument):
        call.language = ".."
    assert call.language == "de"
    call.language = ""
    await call.play("one")
    assert network.requests[-1].args[0] == str(tmp_path / "one.au")
