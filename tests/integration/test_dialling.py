"""A call that dials: what became of it, transfers, and calls that work together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ctportd.testing import tone

if TYPE_CHECKING:
    from ctportd.testing import Line

DIALLER = """
from ctportd import hookimpl

results = []

@hookimpl
async def answer_call(call, target):
    await call.answer()
    await call.dial("&," + target)
    results.append(await call.wait_answer(within=20))
    await call.hangup()
"""

TALKER = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.wait_rings(3)
    await call.answer()
    for _ in range(4):
        await call.play("hello")
        await call.pause(1)
        await call.play("menu-hours")
"""

PARTNERS = """
from ctportd import UserMessage, hookimpl

messages = []

@hookimpl
async def answer_call(call, target):
    await call.answer()
    if target:
        async with call.bridged(int(target)):
            await call.send(int(target), "HELLO", "there")
            await call.wait_ended()
    else:
        message = await call.next_event(UserMessage, within=60)
        messages.append(f"{message.text} {' '.join(message.words)} from {message.sender}")
        await call.wait_ended()
"""


@pytest.mark.parametrize(("number", "result"), [("2", "answered"), ("9", "busy"), ("3", "no answer")])
async def test_what_became_of_a_number(ctportd_line: Line, number: str, result: str) -> None:
    """A number that answers, one that nobody has, and one where it only rings are told apart by ear."""
    house = await ctportd_line(
        {1: [f"dialler:{number}"], 2: ["talker"], 3: []}, plugins={"dialler": DIALLER, "talker": TALKER}
    )
    await house.call(1, number="5550100")
    await house.until(lambda: bool(house.plugin("dialler").results))
    assert house.plugin("dialler").results == [result]


async def test_two_calls_work_together(ctportd_line: Line) -> None:
    """One call bridges itself to another and sends it a message; both lines are free afterwards."""
    house = await ctportd_line({1: ["partners"], 2: ["partners:1"]}, plugins={"partners": PARTNERS})
    first = await house.call(1, number="5550101")
    await first.answered()
    second = await house.call(2, number="5550102")
    await second.answered()
    await house.until(lambda: house.plugin("partners").messages == ["HELLO there from 1"])
    said = asyncio.create_task(second.say(tone(900, seconds=2)))
    await first.hear_tone(900)
    await said
    await second.hang_up()
    await first.hang_up()
    await house.idle()
    assert not [line for line in house.log if line["level"] in ("error", "critical")]
