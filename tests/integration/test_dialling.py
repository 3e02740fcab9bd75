"""A call that dials: what became of it, transfers, and calls that work together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.system import StartSystem

DIALLER = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call, target, daemon):
    await call.answer()
    await call.dial("&," + target)
    result = await call.wait_answer(within=20)
    (daemon.state / "result.txt").write_text(result)
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

@hookimpl
async def answer_call(call, target, daemon):
    await call.answer()
    if target:
        async with call.bridged(int(target)):
            await call.send(int(target), "HELLO", "there")
            await call.wait_ended()
    else:
        message = await call.next_event(UserMessage, within=60)
        (daemon.state / "message.txt").write_text(f"{message.text} {' '.join(message.words)} from {message.sender}")
        await call.wait_ended()
"""


@pytest.mark.parametrize(("number", "result"), [("2", "answered"), ("9", "busy"), ("3", "no answer")])
async def test_what_became_of_a_number(start_system: StartSystem, number: str, result: str) -> None:
    """A number that answers, one that nobody has, and one where it only rings are told apart by ear."""
    system = await start_system(
        [f"dialler:{number}"],
        ["talker"],
        [],
        own_plugins={"dialler.py": DIALLER, "talker.py": TALKER},
        changes={
            "exchange": {"speed": 6.0}
        },  # the beat of a tone is told by the clock, which a busy machine blurs
    )
    finished = await system.phone(1, "--number", "5550100")
    assert finished.status == 0, finished
    assert (system.state / "result.txt").read_text() == result


async def test_two_calls_work_together(start_system: StartSystem) -> None:
    """One call bridges itself to another and sends it a message; both lines are free afterwards."""
    system = await start_system(["partners"], ["partners:1"], own_plugins={"partners.py": PARTNERS})
    first = asyncio.create_task(system.phone(1, "--number", "5550101", "wait", "60", "hangup"))
    await system.logged("reply", request="ctanswer", port="main:1")
    second = await system.phone(2, "--number", "5550102", "wait", "20", "hangup")
    assert second.status == 0, second
    assert (system.state / "message.txt").read_text() == "HELLO there from 1"
    await first
    for port in (1, 2):
        await system.idle(port)
    assert not [line for line in system.log_lines if line["level"] in ("error", "critical")]
