"""Callers who are wanted, and callers who are not: what each of them meets with on the line."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ctportd.calls.caller import Caller
from ctportd.errors import StoreError
from ctportd.pins.hashing import hash_pin
from ctportd.testing import frequencies
from plugins.screening.lists import Entry
from plugins.screening.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from ctportd.testing import House, Line

ANSWER = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call, target):
    await call.answer()
    if target.startswith("9"):
        await call.dial("204")
        await call.dial(target)
        target = ""
    await call.play("hello", target or "yes")
"""

PLUGINS: list[str | Path | Mapping[str, str | Path]] = [
    "plugins/screening",
    "plugins/caller_id_log",
    {"answer": ANSWER},
]

LET_THROUGH = ["hello", "yes"]
REJECTED = ["cid-sit", "cid-rejected"]


async def called(house: House, number: str, name: str = "", port: int = 1) -> list[str]:
    """Call and wait for the end; returns what was heard."""
    phone = await house.call(port, number=number, name=name, rings=4)
    await phone.ended()
    await house.idle()
    return phone.heard


async def verdict_of_last(house: House) -> tuple[str, str]:
    """What was logged of the last caller."""
    call = (await house.calls())[0]
    return call.verdict, call.rule


async def test_lists_decide_who_is_let_through(
    ctportd_line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Numbers, wildcards and names; each action; what is changed in the store counts at once, and is not needed."""
    block: list[Any] = ["+1900*", "name:*spam*"]
    actions = {"0101": "hangup", "0102": "busy", "0103": "ignore", "0104": "answer:no"}
    block += [{"match": f"212555{last}", "action": action} for last, action in actions.items()]
    spam = tmp_path / "spam.csv"
    screening: dict[str, Any] = {
        "block": block,
        "block_files": [str(spam)],
        "allow": ["900-555-0111"],
        "aliases": {"900-555-0111": "Ada", "OLD NAME": "Bob"},
    }
    settings = {"screening": screening, "caller_id_log": {"regions": True}}
    house = await ctportd_line({1: ["screening", "answer"]}, plugins=PLUGINS, settings=settings)

    assert await called(house, "2125550100", "OLD NAME") == LET_THROUGH
    call = (await house.calls())[0]
    assert (call.number, call.e164, call.name) == ("2125550100", "+12125550100", "Bob")
    assert (call.country, call.region) == ("US", "New York, NY")
    assert (call.verdict, call.rule) == ("screened", "on no list")

    robot = await house.call(number="9005550100")
    await robot.hear("cid-sit")
    assert frequencies(robot.audio[400:2800]) == [990]
    assert frequencies(robot.audio[3400:5000]) == [1370]
    assert frequencies(robot.audio[5700:8000]) == [1780]
    assert (await robot.ended()).by == "line"
    assert robot.heard == REJECTED
    await house.idle()
    assert await verdict_of_last(house) == ("blocked", "block list, settings: +1900*")

    assert await called(house, "9005550111") == LET_THROUGH
    assert await verdict_of_last(house) == ("permitted", "allow list, settings: +19005550111")
    assert (await house.calls())[0].name == "Ada"
    assert await called(house, "2125550188", "FREE SPAM INC") == REJECTED
    assert await called(house, "2125550101") == []
    assert await called(house, "2125550102") == ["cid-busy"] * 4
    assert await called(house, "2125550103") == []
    ignored = (await house.calls())[0]
    assert (ignored.answered_at, ignored.end_reason) == (None, "rings stopped")
    assert await called(house, "2125550104") == ["hello", "no"]

    memory = Memory(house.daemon)
    hits = await memory.hits()
    assert hits["block +1900*"].count == hits["allow +19005550111"].count == 1
    await memory.keep([Entry(match="+12125550155", list="block", note="spam")])
    assert await called(house, "2125550155") == REJECTED
    assert await verdict_of_last(house) == ("blocked", "block list: +12125550155 (spam)")

    await asyncio.to_thread(spam.write_text, "number,note,action\n2125550166,spam,hangup\n")
    assert await called(house, "2125550166") == []
    assert await verdict_of_last(house) == ("blocked", "block list, spam.csv line 2: +12125550166 (spam)")

    async def away(*_: object) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(house.store, "get", away)
    assert await called(house, "9005550100") == REJECTED
    assert await called(house, "2125550155") == REJECTED  # as it was read before
    told = [line for line in house.log if line["event"].startswith("the store's lists cannot be read")]
    assert [line["error"] for line in told] == ["the database is away"]


async def test_callers_show_that_they_are_wanted(ctportd_line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test for humans, passed and failed; a caller without a number keys one in, and is judged by it."""
    screening: dict[str, Any] = {"unknown": "challenge", "anonymous": "ask-number", "block": ["9005550100"]}
    screening["block"].append({"match": "9005550101", "action": "ignore"})
    house = await ctportd_line({1: ["screening", "answer"]}, plugins=PLUGINS, settings={"screening": screening})

    assert [prompt for prompt in await called(house, "2125550100") if not prompt.isdigit()] == [
        *("cid-press", "invalid-key") * 2,
        *REJECTED,
    ]

    assert await verdict_of_last(house) == ("blocked", "on no list; failed the test")

    human = await house.call(number="2125550100")
    await human.hear_begin("cid-press")
    await human.press("5")  # too early: it proves nothing
    await human.hear("cid-press")
    await house.until(lambda: len(human.heard) == 2)
    await human.press(human.heard[1])
    await human.ended()
    assert human.heard[2:] == ["one-moment", *LET_THROUGH]
    await house.idle()
    assert await verdict_of_last(house) == ("screened", "on no list; passed the test")
    assert await called(house, "2125550100") == LET_THROUGH  # it is not asked again

    for keys, heard in (
        ("2125550100#", LET_THROUGH),
        ("9005550100#", REJECTED),
        ("9005550101#", []),
        ("#", REJECTED),
    ):
        phone = await house.call()
        await phone.hear("cid-enter-number")
        await phone.press(keys)
        if keys == "#":
            await phone.hear("cid-enter-number")
        await phone.ended()
        assert [prompt for prompt in phone.heard if prompt != "cid-enter-number"] == heard
        await house.idle()
    blocked, known = (await house.calls())[2:4]
    assert (known.e164, blocked.verdict) == ("+12125550100", "blocked")
    assert known.rule.startswith("keyed in 2125550100; on no list; passed the test, which counts until ")

    async def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(house.store, "put", full)
    phone = await house.call()
    await phone.hear("cid-enter-number")
    await phone.press("9005550100#")
    await phone.ended()
    assert phone.heard[1:] == REJECTED  # whatever can be remembered of it


async def test_owner_says_who_is_wanted(ctportd_line: Line) -> None:
    """By telephone: the next call is let through, the last caller allowed, or blocked; and the grey list."""
    pin = "471147114711"  # the longest: the key that ends it is no answer to the menu
    screening = {"unknown": "greylist", "block": ["+1900*"], "pin": hash_pin(pin), "greylist": {"within": 30}}
    handlers = {1: ["screening", "answer"], 2: ["screening:control"]}
    house = await ctportd_line(handlers, plugins=PLUGINS, settings={"screening": screening})

    assert await called(house, "2125550100") == ["cid-busy"] * 4
    assert await called(house, "2125550100") == LET_THROUGH  # the second call
    assert await called(house, "2125550100") == LET_THROUGH

    async def control(*keys: str) -> list[str]:
        owner = await house.call(2, number="2125550199")
        await owner.hear_begin("vm-enter-pin")
        await owner.press(f"{pin}#")
        await owner.hear("cid-control")
        for key in keys:
            await owner.press(key[0])
            if key[1:]:
                await owner.hear("cid-confirm-allow" if key[0] == "2" else "cid-confirm-block")
                await owner.press(key[1:])
            await owner.hear("cid-control")
        await owner.press("#")
        await owner.ended()
        await house.idle()
        return owner.heard

    assert await called(house, "9005550100") == REJECTED
    assert "cid-next-permitted" in await control("1")
    steps = await house.store.steps((await house.calls())[0].id)
    keys = [step.details["keys"] for step in steps if step.kind == "collected"]
    assert keys == ["?"] * (len(pin) + 1) + ["1", "#"]
    assert [step.details["key"] for step in steps if step.kind == "key"] == keys
    assert await called(house, "9005550100") == LET_THROUGH
    assert await verdict_of_last(house)
    assert await called(house, "9005550100") == REJECTED

    heard = await control("21")
    spoken = heard[heard.index("cid-last-caller") :][:12]
    assert spoken == ["cid-last-caller", *"19005550100"]
    assert await called(house, "9005550100") == LET_THROUGH
    assert await control("3*", "31")
    assert await called(house, "9005550100") == REJECTED

    stranger = await house.call(2)
    for wrong in ("1#", "2#", "3#"):
        await stranger.hear("vm-enter-pin")
        await stranger.press(wrong)
    await stranger.ended()
    assert stranger.heard[-1] == "goodbye"
    assert "cid-control" not in stranger.heard


async def test_who_was_dialled_may_call_back(ctportd_line: Line) -> None:
    """On one of our sets, that is: a caller who is led outside puts nobody on a list."""
    handlers = {1: ["screening", "answer"], 2: ["answer:9,2125550177"], 3: ["answer:9,2125550177"]}
    settings = {"screening": {"unknown": "greylist"}}
    house = await ctportd_line(handlers, plugins=PLUGINS, stations=[3], settings=settings)
    assert await called(house, "", port=2) == LET_THROUGH
    assert await called(house, "2125550177") == ["cid-busy"] * 4
    ours = await house.attach(3)
    await ours.lift()
    await ours.hear(*LET_THROUGH)
    await ours.hang_up()
    await house.idle()
    assert await called(house, "2125550177") == LET_THROUGH
    assert await verdict_of_last(house) == ("permitted", "allow list: +12125550177")


async def test_caller_who_sends_what_is_no_text(ctportd_line: Line) -> None:
    """Bytes that are no UTF-8 in number and name: the caller is judged and remembered, and the plugin does not fail."""
    screening = {"unknown": "greylist", "block": ["/6./", "name:/b.d/"]}
    house = await ctportd_line({1: ["screening"]}, plugins="plugins/screening", settings={"screening": screening})
    dispatcher = house.daemon.dispatcher
    for number, name, kind in (
        ("55\udcff5", "", "screened"),
        ("6\udcff", "", "blocked"),
        ("5", "b\udcffd", "blocked"),
    ):
        caller, at = Caller(number, name), house.clock.now()
        assert (await dispatcher.crew.screen_caller(caller, "main:1", at)).kind == kind
        dispatcher.tell(
            "call_started", call=SimpleNamespace(port=house.daemon.ports[1], rings=2, began=at, caller=caller)
        )
        await house.settle()
    assert [seen.number for seen in await Memory(house.daemon).recent()] == ["5", "6?", "55?5"]


async def test_two_callers_are_not_the_next_one(ctportd_line: Line) -> None:
    """Of two who call at once only one is let through, though neither call has begun when they are judged."""
    screening = {"unknown": "reject"}
    handlers = {1: ["screening"], 2: ["screening"]}
    house = await ctportd_line(handlers, plugins="plugins/screening", settings={"screening": screening})
    dispatcher, at = house.daemon.dispatcher, house.clock.now()
    memory = Memory(house.daemon)
    await memory.permit_next(at + timedelta(minutes=1))

    async def kind(number: str, port: int) -> str:
        return (await dispatcher.crew.screen_caller(Caller(number), f"main:{port}", at)).kind

    assert [await kind("2125550100", 1), await kind("2125550101", 2)] == ["permitted", "blocked"]
    call = SimpleNamespace(port=house.daemon.ports[1], rings=2, began=at, caller=Caller("2125550100"))
    dispatcher.tell("call_started", call=call)
    await house.settle()
    assert await kind("2125550102", 2) == "blocked"
    await memory.permit_next(at + timedelta(minutes=1))
    assert await kind("2125550102", 2) == "permitted"
    lifted = SimpleNamespace(port=house.daemon.ports[2], rings=0, began=at, caller=Caller("2125550102"))
    dispatcher.tell("call_started", call=lifted)  # a set, which is no caller
    await house.settle()
    assert await kind("2125550103", 1) == "permitted"
