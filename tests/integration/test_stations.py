"""Telephone sets and transfers, as those who call and are called have them: telephones on the virtual exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ctportd.testing import tone

if TYPE_CHECKING:
    from ctportd.testing import House, Line, Samples, Telephone

DIAL, BUSY, RINGBACK = (350, 440), (480, 620), (440, 480)

OPERATOR = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    while key := await call.collect(1, first=60):
        match key:
            case "1": outcome = await call.try_transfer("31", within=14)
            case "2": outcome = await call.try_transfer("32", within=14)
            case "3": outcome = await call.try_transfer("31", within=14, screen=True, announce=["welcome"])
            case "4": outcome = await call.ring_station("3", within=14)
            case "5": outcome = await call.ring_station("3", within=14, screen=True)
        await call.play({"busy": "busy", "no answer": "no-answer", "declined": "sorry"}.get(outcome, "goodbye"))
        if outcome == "answered":
            return

dialled = []

@hookimpl
def number_dialled(call, number):
    dialled.append(f"{call.port.number} {number}")
"""

WAITING = """
from ctportd import hookimpl

@hookimpl
def daemon_started(daemon):
    daemon.dispatcher.tell("message_waiting", mailbox="101", new=1, old=0)
"""


async def speaks_with(one: Telephone, other: Telephone) -> None:
    """See that each hears what the other says."""
    await one.say(tone(1000))
    await other.hear_tone(1000)
    await other.say(tone(600))
    await one.hear_tone(600)


def starts(samples: Samples) -> int:
    """How often sound begins after at least 60 ms of silence."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loud = np.abs(frames).max(axis=1) > 500
    return int(np.sum(loud[3:] & ~loud[2:-1] & ~loud[1:-2] & ~loud[:-3]))


async def test_transfers_by_flash(ctportd_line: Line) -> None:
    """Busy, unanswered and refused calls come back to us, whoever is asked; one that is taken is the exchange's."""
    house = await ctportd_line({1: ["operator"]}, plugins={"operator": OPERATOR})
    called = await house.subscribe("31")
    caller = await house.call(1, number="5550100", name="Ada")
    await caller.press("2")  # nobody's number
    await caller.hear("busy")
    await caller.press("1")
    await called.ringing(2)
    await caller.hear("no-answer")
    await caller.press("3")
    await called.ringing()
    await called.lift()
    await called.say(seconds=3)
    await called.hear("call-for-you", "welcome", "call-accept")
    await called.press("2")
    await caller.hear("sorry")
    await called.ended()
    await called.hang_up()
    await caller.press("3")
    await called.ringing()
    await called.lift()
    await called.say(seconds=3)
    await called.hear("call-accept")
    await called.press("1")
    await house.idle()
    await speaks_with(caller, called)
    other = await house.call(1)
    await other.press("1")  # the line is free for another call while those two talk
    await other.hear("busy")
    await called.hang_up()
    assert (await caller.ended()).by == "line"
    await other.hang_up()
    await house.idle()
    assert house.plugin("operator").dialled == ["1 32", "1 31", "1 31", "1 31", "1 31"]
