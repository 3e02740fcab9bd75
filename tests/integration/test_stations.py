"""Telephone sets and transfers, as those who call and are called have them: telephones on the virtual exchange."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from ctportd.pins.hashing import hash_pin
from ctportd.reporting import status_of
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

TAKES = """
from ctportd import hookimpl

asked = []

@hookimpl
async def answer_call(call, target):
    asked.append(target)
    await call.play("vm-intro")
"""

LEADER = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    for _ in range(2):
        await call.hand_over("station" if await call.collect(1) == "1" else "station:102")
        await call.play("goodbye")
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


def bursts(samples: Samples) -> int:
    """How often sound begins."""
    loud = np.abs(samples[: len(samples) // 160 * 160].reshape(-1, 160)).max(axis=1) > 500
    return int(np.sum(loud[1:] & ~loud[:-1])) + int(loud[0])


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


async def test_caller_gives_up_in_a_transfer(ctportd_line: Line) -> None:
    """Nobody tells us until the flash back; or whoever was asked has answered, and has nobody to talk to."""
    house = await ctportd_line({1: ["operator"]}, plugins=[{"operator": OPERATOR}, "plugins/caller_id_log"])
    called = await house.subscribe("31")
    caller = await house.call(1, number="5550100")
    await caller.press("1")
    await called.ringing()
    await caller.hang_up()
    await house.idle()
    assert called.rings == 3
    caller = await house.call(1, number="5550101")
    await caller.press("1")
    await house.until(lambda: called.rings == 1)
    await caller.hang_up()
    await called.lift()
    await called.say(seconds=3)
    assert (await called.ended()).by == "line"
    await house.idle()
    assert [call.end_reason for call in await house.calls()] == ["finished", "hangup"]


async def test_callers_reach_a_set(ctportd_line: Line) -> None:
    """It rings with the caller's number; who is not taken comes back; both hear each other until one hangs up."""
    house = await ctportd_line({1: ["operator"], 3: []}, plugins={"operator": OPERATOR}, stations=[3])
    desk = await house.attach(3)
    caller = await house.call(1, number="5550100", name="Ada")
    await caller.press("4")
    await desk.ringing()
    await caller.hear_tone(*RINGBACK)
    await caller.hear("no-answer")
    await caller.press("5")
    await house.until(lambda: desk.rings == 1)
    await desk.lift()
    await desk.hear("call-for-you", "from", "5", "call-accept")
    await desk.press("2")
    await caller.hear("sorry")
    await desk.hang_up()
    await caller.press("5")
    await desk.ringing()
    await desk.lift()
    await desk.hear("call-for-you")
    await desk.hang_up()  # in the middle of the announcement
    await caller.hear("sorry")
    await caller.press("5")
    await desk.ringing()
    await desk.lift()
    await desk.hear("call-accept")
    await desk.press("1")
    await speaks_with(desk, caller)
    state = {port.number: port.state for port in (await status_of(house.daemon, 1, "")).ports}
    assert state == {1: "answered", 3: "answered"}
    await desk.hang_up()
    await caller.hear("goodbye")
    await house.idle()
    second = await house.call(1)
    await second.press("4")
    await desk.ringing()
    await desk.ringing(2)
    await second.hang_up()  # while it rings
    await house.idle()
    third = await house.call(1)
    await third.press("4")
    await house.until(lambda: desk.rings == 1)
    await desk.lift()
    await speaks_with(third, desk)
    await third.hang_up()
    assert (await desk.ended()).by == "line"
    await house.idle()


async def office(start: Line) -> House:
    """Lines 1 and 2, and two sets: 101, which has a mailbox with a new message, and 102."""
    settings = {
        "sets": {
            "3": {"extension": "101", "name": "Ada", "mailbox": "101"},
            "4": {"extension": "102", "mailbox": "102"},
        },
        "numbers": {"*98": "voicemail:{mailbox}"},
        "outside": {"ports": ["2"], "allow": ["NXXXXXX"], "deny": ["900XXXX"]},
    }
    return await start(
        {1: ["station:102"], 2: ["leader"], 3: ["station"], 4: ["station"]},
        plugins=["plugins", {"waiting": WAITING, "voicemail": TAKES, "leader": LEADER}],
        stations=[3, 4],
        settings={"station": settings},
    )


async def test_sets_dial(ctportd_line: Line) -> None:
    """Dial tone stutters while messages wait; sets reach each other, numbers outside that are allowed, nothing else."""
    house = await office(ctportd_line)
    ada, bob = await house.attach(3), await house.attach(4)
    outside = await house.subscribe("5550123")
    await ada.lift()
    await ada.silence(1.8)
    assert bursts(ada.audio) > 5  # it stutters
    await ada.hear_tone(*DIAL)
    await ada.press("102")
    await bob.ringing()
    await bob.lift()
    await speaks_with(ada, bob)
    await bob.hang_up()
    await ada.hear_tone(*BUSY)
    await ada.press("7")  # nobody asked for that
    await ada.flash()
    await ada.hear_tone(*DIAL)
    await ada.press("95550123")
    await outside.ringing()
    await outside.lift()
    await outside.say(seconds=2)
    await speaks_with(ada, outside)
    await outside.hang_up()
    await ada.hear_tone(*BUSY)
    await ada.flash()
    await ada.hear_tone(*DIAL)
    await ada.press("99005555")
    await ada.hear("call-not-allowed")
    await ada.hang_up()
    await house.idle()


async def test_sets_and_mailboxes(ctportd_line: Line) -> None:
    """Who does not answer has a mailbox, one's own has a number; a caller outside is answered when the set is lifted."""
    house = await office(ctportd_line)
    ada, bob = await house.attach(3), await house.attach(4)
    await ada.lift()
    await ada.press("102")
    await ada.hear("vm-intro")
    await ada.hang_up()
    await house.idle()
    await bob.lift()
    await bob.hear_tone(*DIAL)
    assert bursts(bob.audio) == 1  # no message waits
    await bob.press("*98")
    await bob.hear("vm-intro")
    await bob.hang_up()
    await house.idle()
    caller = await house.call(1, number="5550100")
    await house.until(lambda: bob.rings == 1)
    await bob.lift()
    await caller.answered()
    await speaks_with(caller, bob)
    await bob.hang_up()
    assert (await caller.ended()).by == "line"
    await house.idle()
    assert house.plugin("voicemail").asked == ["102", "102"]


async def test_callers_are_led_to_sets(ctportd_line: Line) -> None:
    """By another plugin: to an extension, and when that one hangs up it is over; nobody outside is given dial tone."""
    house = await office(ctportd_line)
    bob = await house.attach(4)
    caller = await house.call(2)
    await caller.press("1")
    await caller.hear("goodbye", within=5)
    await caller.press("2")
    await bob.ringing()
    await bob.lift()
    await speaks_with(bob, caller)
    await bob.hang_up()
    await caller.ended()
    assert caller.heard == ["goodbye"]


async def test_message_makes_dial_tone_stutter(ctportd_line: Line) -> None:
    """From the caller who leaves it to the owner who dials the mailbox, by the plugins that ship."""
    mailbox = {"pin": await asyncio.to_thread(hash_pin, "4711")}
    house = await ctportd_line(
        {1: ["station:101", "voicemail:101"], 3: ["station"]},
        stations=[3],
        settings={
            "station": {
                "ring": 8,
                "sets": {"3": {"extension": "101", "mailbox": "101"}},
                "numbers": {"*98": "voicemail:owner:{mailbox}"},
            },
            "voicemail": {"mailboxes": {"101": mailbox}},
        },
    )
    ada = await house.attach(3)
    await ada.lift()
    await ada.hear_tone(*DIAL)
    assert bursts(ada.audio) == 1
    await ada.hang_up()
    await house.idle()
    caller = await house.call(1, number="5550100")
    await ada.ringing()
    await caller.hear("beep")
    await caller.say(seconds=4)
    await caller.hang_up()
    await house.idle()
    await ada.lift()
    await ada.silence(1.8)
    assert bursts(ada.audio) > 5
    await ada.press("*98")
    await ada.hear("vm-enter-pin")
    await ada.press("4711#")
    await ada.hear("vm-you-have")
