"""Calls that we make, calls that are hung up by command, and lines that take no new ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ctportd.calls.outgoing import BY_COMMAND
from ctportd.errors import CallRefused, InvalidArgument, PromptNotFound
from ctportd.records import INCOMING, OUTGOING, CallFilter
from ctportd.status import CallStage
from ctportd.wire.events import Ring
from ctportd.wire.message import Message

if TYPE_CHECKING:
    from ctportd.calls.outgoing import OutgoingCall
    from ctportd.testing import House, Line

WAKE_UP = """
from ctportd import hookimpl

told = []

@hookimpl
async def answer_call(call, target):
    told.append((target, call.outgoing, call.answered, call.caller.number, call.caller.name))
    await call.answer()
    await call.play("hello")
    if target == "stays":
        await call.wait_ended()

@hookimpl
def caller_name(number):
    return {"5550131": "Bob"}.get(number)

@hookimpl
def call_started(call):
    told.append("started")

@hookimpl
def call_answered(call):
    told.append("answered")

@hookimpl
def number_dialled(call, number):
    told.append(f"dialled {number}")

@hookimpl
def call_ended(call):
    told.append(f"ended: {call.end_reason}")
"""

PLUGINS: list[str | dict[str, str]] = [{"wake_up": WAKE_UP}, "plugins/caller_id_log"]


async def lines(ctportd_line: Line) -> House:
    """Two lines to the exchange, and a telephone set."""
    return await ctportd_line({1: ["wake_up:stays"], 2: [], 3: []}, plugins=PLUGINS, stations=[3])


def whats(placed: OutgoingCall) -> list[str]:
    """How far a call has come."""
    return [stage.what for stage in placed.stages]


async def test_somebody_answers(ctportd_line: Line) -> None:
    """The plugin has the call as soon as a voice is heard, and knows who is at the other end; it is told and logged."""
    house = await lines(ctportd_line)
    bob = await house.subscribe("5550131")
    placed = await house.daemon.call("1", "555-0131", "wake_up:room 12")
    assert house.daemon.router.calls == [placed.call]
    await bob.ringing(2)
    assert not placed.call.answered
    assert [port.state for port in (await house.status()).ports] == ["calling", "idle", "idle"]
    await bob.lift()
    await bob.say(seconds=1)
    assert await placed.wait_outcome() == "answered"
    await bob.hear("hello")
    await placed.wait_ended()
    assert whats(placed) == ["dialling", "ringing", "answered", "given", "ended"]
    assert [stage.why for stage in placed.stages] == ["5550131", "", "", "wake_up:room 12", "finished"]
    assert placed.stages[2].after > 6
    assert house.plugin("wake_up").told == [
        "started",
        "dialled 5550131",
        "answered",
        ("room 12", True, True, "5550131", "Bob"),
        "ended: finished",
    ]
    (record,) = await house.calls()
    assert (record.direction, record.number, record.name) == (OUTGOING, "5550131", "Bob")
    assert record.answered_at is not None
    assert (record.answered_at - record.began).total_seconds() > 1
    assert await house.store.calls(None, CallFilter(direction=INCOMING)) == []
    steps = [step.kind for step in await house.store.steps(placed.call.id)]
    assert steps == ["called", "dialled", "listening", "answered", "offered", "prompt", "ended"]


@pytest.mark.parametrize(("number", "outcome"), [("9", "busy"), ("5550131", "no answer")])
async def test_nobody_answers(ctportd_line: Line, number: str, outcome: str) -> None:
    """Busy tone and a telephone that only rings are told apart; the line is free, and no plugin has had the call."""
    house = await lines(ctportd_line)
    bob = await house.subscribe("5550131")
    placed = await house.daemon.call("main:1", number, "wake_up", within=20)
    await placed.wait_ended()
    assert (placed.outcome, placed.call.end_reason) == (outcome, outcome)
    assert bob.rings == (0 if outcome == "busy" else 4)
    assert house.plugin("wake_up").told == ["started", f"dialled {number}", f"ended: {outcome}"]
    again = await house.daemon.call("main:1", "9")  # nobody is told of a line that is not free
    assert await again.wait_outcome() == "busy"


async def test_prompts_are_played(ctportd_line: Line) -> None:
    """An announcement needs no plugin: it is played, and the call hung up; without one, who answers is hung up on."""
    house = await lines(ctportd_line)
    bob = await house.subscribe("5550131")
    placed = await house.daemon.call("1", "5550131", play=["hello", "goodbye"])
    await bob.ringing()
    await bob.lift()
    await bob.say(seconds=1)
    await bob.hear("hello", "goodbye")
    await placed.wait_ended()
    eve = await house.subscribe("5550132")
    tried = await house.daemon.call("2", "5550132")
    await eve.ringing()
    await eve.lift()
    await eve.say(seconds=1)
    await tried.wait_ended()
    assert (tried.outcome, tried.call.end_reason) == ("answered", "finished")


async def test_set_is_rung(ctportd_line: Line) -> None:
    """It shows the number that was given; the call is answered when it is lifted, and over when it is put down."""
    house = await lines(ctportd_line)
    ada = await house.attach(3)
    placed = await house.daemon.call("3", "555 0199", "wake_up:stays")
    assert (await ada.shown()).number == "5550199"
    await ada.lift()
    await ada.hear("hello")
    await ada.hang_up()
    await placed.wait_ended()
    assert whats(placed) == ["dialling", "ringing", "answered", "given", "ended"]
    assert placed.call.end_reason == "hangup"
    unanswered = await house.daemon.call("3", within=10)
    await unanswered.wait_ended()
    assert unanswered.outcome == "no answer"
    rung = ada.rings
    await ada.silence(10)
    assert ada.rings == rung


async def test_caller_goes_first(ctportd_line: Line) -> None:
    """Who rings on the line in the moment in which we take it is answered, and our call is told to have failed."""
    house = await lines(ctportd_line)
    placed = await house.daemon.call("1", "5550131", "wake_up")
    house.daemon.router.event(placed.call.port, Ring(message=Message("ring"), port=1))
    await placed.wait_ended()
    assert placed.stages[-2] == CallStage(
        "failed", "somebody has called on this line in the same moment; try again", placed.stages[-2].after
    )


async def test_what_cannot_be_called(ctportd_line: Line) -> None:
    """Each mistake is one sentence, before anything is dialled; the sentence says what to do."""
    house = await lines(ctportd_line)
    call = house.daemon.call
    mistakes = [
        call("7", "1"), call("1"), call("1", "abc"), call("1", "1" * 65), call("1", "1", "nosuch"),
        call("1", "1", "wake_up", play=["hello"]),
    ]  # fmt: skip
    told = ["one of these", "say what to dial", "digits", "64", "nosuch", "leave one out"]
    for mistake, words in zip(mistakes, told, strict=True):
        with pytest.raises(InvalidArgument, match=words):
            await mistake
    with pytest.raises(PromptNotFound):
        await call("1", "1", play=["nosuch"])
    await (await house.call(1, number="5550100")).answered()
    with pytest.raises(CallRefused, match=r"has call .* already; wait for its end, or ctportd hangup main:1"):
        await call("1", "1")
    house.daemon.router.drained.begin(["main:2"])
    with pytest.raises(CallRefused, match="takes no new calls; ctportd drain --off main:2"):
        await call("2", "1")


async def test_call_is_hung_up(ctportd_line: Line) -> None:
    """The plugin puts its things in order: what was recorded until then is kept. A port without a call is told of."""
    house = await ctportd_line({1: ["voicemail"]}, settings={"voicemail": {"silence": 0}})
    port = house.daemon.ports["main:1"]
    with pytest.raises(CallRefused, match="main:1 has no call"):
        await house.daemon.router.hang_up(port)
    caller = await house.call(1, number="5550100")
    await caller.hear("beep")
    await caller.say(seconds=5)
    call = await house.daemon.router.hang_up(port)
    assert (call.caller.number, call.end_reason) == ("5550100", BY_COMMAND)
    assert house.daemon.router.calls == []
    await caller.ended()
    assert [message.number for message in await house.messages()] == ["5550100"]


async def test_lines_are_drained(ctportd_line: Line) -> None:
    """The call under way goes on, also one that only rings; nobody else is answered until calls are taken again."""
    house = await ctportd_line({1: ["voicemail"], 2: ["voicemail"], 3: []}, stations=[3])
    drained = house.daemon.router.drained
    speaking = await house.call(1, number="5550100")
    await speaking.hear("beep")
    ringing = await house.call(2, number="5550101")
    await ringing.ringing(2)
    drained.begin()
    late = asyncio.create_task(house.status())
    assert [(port.state, port.draining) for port in (await late).ports][::2] == [
        ("answered", True),
        ("draining", True),
    ]
    await ringing.answered()
    await ringing.hang_up()
    await speaking.say(seconds=4)
    await speaking.hang_up()
    await house.idle()
    refused = await house.call(1, rings=3)
    assert (await refused.ended()).reason == "gave-up"
    ada = await house.attach(3)
    await ada.lift()
    await ada.silence(1)
    assert house.daemon.router.calls == []
    await ada.hang_up()
    drained.end(["main:1"])
    again = await house.call(1)
    await again.answered()
    assert [port.draining for port in (await house.status()).ports] == [False, True, True]
