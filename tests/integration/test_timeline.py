"""What a call's timeline tells is what its telephone heard, pressed and said, and when."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ctportd.cli import program
from ctportd.phone.happenings import Press, Recorded, Recording
from ctportd.records import Step

if TYPE_CHECKING:
    from ctportd.testing import House, Line, Telephone

MENU = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    key = await call.menu("menu-main", keys="12")
    call.note("menu", menu="main", chosen=key)
    await call.hand_over("voicemail:100")
"""

PASSES = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    call.note("looked", at=call.caller.number)
"""

FAILS = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    raise RuntimeError("the PIN is 4711")
"""

ASKS = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    if (await call.play("hello")).startswith("*"):
        await call.clear()
        with call.secret():
            await call.play("vm-enter-pin")
            pin = await call.collect(4, first=5, between=2)
    else:
        pin = await call.collect(4, secret=True)
    await call.play("number")
    await call.collect(1, first=5)
"""

CLOSE = 0.3
"""Seconds of the line by which the two may differ: what ctserver and the daemon need to tell each other."""


def near(seconds: float) -> Any:
    """About as many seconds."""
    return pytest.approx(seconds, abs=CLOSE)


async def steps_of(house: House) -> list[Step]:
    """The steps of the newest call, once it is over."""
    await house.idle()
    (newest,) = await house.store.call_ids(limit=1)
    return await house.store.steps(newest)


async def ctportd(house: House, *arguments: str) -> str:
    """Run a command; what it printed."""
    command = ["--config", str(house.config_path), *arguments]
    result = await asyncio.to_thread(CliRunner().invoke, program, command)
    assert result.exit_code == 0, result.output
    return result.output


def happened(phone: Telephone, kind: type[Any]) -> list[Any]:
    """What happened on the telephone's line, of one kind."""
    return [happening for happening in phone._happened if isinstance(happening, kind)]


async def test_timeline_is_what_the_telephone_heard_and_pressed(ctportd_line: Line) -> None:
    """A call through a menu into voicemail: each step, in order, at its time; then shown, exported and masked."""
    house = await ctportd_line(
        {1: ["passes", "fails", "menu"]},
        plugins=["plugins", {"menu": MENU, "passes": PASSES, "fails": FAILS}],
    )
    house.expect_faults = True
    phone = await house.call(1, number="5550100", name="Ada Lovelace")
    await phone.hear_begin("menu-main")
    await phone.press("1")
    await phone.recorded()
    await phone.say(seconds=3)
    await phone.press("#")
    await phone.silence(2)
    await phone.hang_up()
    steps = await steps_of(house)

    assert [step.after for step in steps] == sorted(step.after or 0.0 for step in steps)
    kinds = [step.kind for step in steps]
    assert kinds[:14] == [
        *("ring", "ring", "caller", "verdict", "offered", "looked", "passed", "offered", "answered", "failed"),
        *("offered", "prompt", "key", "collected"),
    ]
    assert kinds[14:16] == ["menu", "handed over"]
    assert kinds[-1] == "ended"
    details = {step.kind: step.details for step in steps}
    assert details["caller"] == {"number": "5550100", "name": "Ada Lovelace"}
    assert details["failed"] == {"handler": "fails", "error": "RuntimeError"}
    assert details["handed over"] == {"handler": "voicemail:100"}
    assert details["ended"] == {"reason": "hangup"}

    prompts = [step for step in steps if step.kind == "prompt"]
    assert [step.details["prompt"] for step in prompts] == phone.heard
    assert phone.end is not None
    for step, playback in zip(prompts, phone.playbacks, strict=True):
        until = playback.ended or phone.end.t
        assert (step.after, step.details["seconds"]) == (near(playback.began), near(until - playback.began))
        assert ("cut_by" in step.details) is not playback.complete
    assert prompts[0].details["cut_by"] == "1"
    keys = [step for step in steps if step.kind == "key"]
    assert [(step.details["key"], step.after) for step in keys] == [
        (press.key, near(press.t)) for press in happened(phone, Press)
    ]
    (recording,) = [step for step in steps if step.kind == "recording"]
    (began,), (ended,) = happened(phone, Recording), happened(phone, Recorded)
    assert (recording.after, recording.details["seconds"]) == (near(began.t), near(ended.t - began.t))
    assert recording.details["ended_by"] == "#"

    call, *_ = await house.calls()
    await house.store.add_steps(call.id, [Step(house.clock.now(), "mail", {"to": "ada@example.org"})])
    shown = await ctportd(house, "calls", "show", call.id[:-2])
    assert f"call {call.id} on main:1" in shown
    lines = [line.strip().split(maxsplit=2) for line in shown.splitlines()[3:]]
    assert ["0:00.0", "ring", "1"] in lines
    assert lines[-1][1:] == ["mail", "to ada@example.org"]
    exported = await ctportd(house, "calls", "show", "last", "--json", "--mask")
    assert [step["kind"] for step in json.loads(exported)["steps"]] == [*kinds, "mail"]
    for hidden in (exported, await ctportd(house, "calls", "--mask", "--json")):
        assert "xxxxx00" in hidden
        assert "5550100" not in hidden
        assert "Ada" not in hidden


async def test_pin_is_in_no_timeline_and_no_log(ctportd_line: Line) -> None:
    """Not key by key either, be it keyed in while it is asked for, before, or in one go with what leads there."""
    house = await ctportd_line({1: ["asks"]}, plugins=["plugins", {"asks": ASKS}])
    for lead, pin in (("", "4711"), ("*", "4711"), ("*4711", "")):
        phone = await house.call(1, number="5550100")
        await (phone.hear("hello") if not lead else phone.hear_begin("hello"))
        await phone.press(lead)
        if pin and lead:
            await phone.hear_begin("vm-enter-pin")
        await phone.press(pin)
        await phone.hear("number")
        await phone.press("5")
        await phone.ended()
        steps = await steps_of(house)
        keys = "".join(step.details["key"] for step in steps if step.kind == "key")
        assert keys == "*????5" if lead else "????5", steps
        assert [step.details["keys"] for step in steps if step.kind == "collected"] == ["?", "5"]
    assert "4711" not in str(house.log)


async def test_classic_dialect_tells_what_it_can(ctportd_line: Line) -> None:
    """It has no events: rings are not counted, keys have no time of their own, and none of it is made up."""
    house = await ctportd_line({1: ["asks"]}, plugins=["plugins", {"asks": ASKS}], ctserver={"dialect": "classic"})
    phone = await house.call(1, number="5550100", name="Ada")
    await phone.hear("hello")
    await phone.press("4711")
    await phone.hear_begin("number")
    await phone.press("5")
    await phone.ended()
    steps = await steps_of(house)
    assert [(step.kind, step.details.get("cut_by") or step.details.get("keys")) for step in steps] == [
        ("ring", None),
        ("caller", None),
        ("verdict", None),
        ("offered", None),
        ("answered", None),
        ("prompt", None),
        ("collected", "?"),
        ("prompt", "5"),
        ("collected", "5"),
        ("ended", None),
    ]
    assert steps[0].details == {}
    prompts = [step for step in steps if step.kind == "prompt"]
    # its first ring is told after the second: the telephone's time is later by what lies between
    late = phone.playbacks[0].began - (prompts[0].after or 0.0)
    assert 0 < late < 8
    assert [(step.after or 0.0) + late for step in prompts] == [
        near(playback.began) for playback in phone.playbacks
    ]
