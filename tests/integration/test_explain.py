"""What ``ctportd explain`` says of a call is what the call does."""

from __future__ import annotations

import asyncio
import re
import shlex
import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from support.documents import code_blocks

from ctportd.calls.caller import Caller
from ctportd.cli import program
from ctportd.showing.explaining import explain_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.records import Step
    from ctportd.showing.explaining import Explained
    from ctportd.testing import House, Line

SCREEN = """
from ctportd import Explanation, Verdict, hookimpl

@hookimpl
def screen_caller(caller):
    if caller.number.startswith("666"):
        return Verdict("blocked", "reject", "block list: 666*")
    return None

@hookimpl
def caller_name(number):
    return {"5550100": "Ada"}.get(number)

@hookimpl
async def answer_call(call):
    if call.verdict.kind == "blocked":
        await call.answer()
        await call.play("number")

@hookimpl
def explain_call(inquiry):
    if inquiry.verdict.kind == "blocked":
        return Explanation(["plays number"])
    return Explanation(["does nothing"], takes=False)
"""

SETTINGS: dict[str, Any] = {
    "auto_attendant": {
        "hours": {"office": {"zone": "UTC", "week": {"mon-fri": "09:00-17:00"}, "holidays": ["12-25"]}},
        "menus": {
            "main": {
                "when": [
                    {"hours": "office", "is": "holiday", "to": "voicemail:102"},
                    {"hours": "office", "is": "closed", "to": "menu:closed"},
                ],
                "prompt": "menu-main",
                "keys": {"1": "voicemail:101", "2": "menu:below"},
                "tries": 1,
            },
            "below": {"prompt": "menu-hours", "keys": {"1": "voicemail:102"}, "tries": 1},
            "closed": {"prompt": "closed", "keys": {"1": "voicemail:101"}, "tries": 1},
        },
    },
    "voicemail": {"mailboxes": {"101": {"name": "Ada"}, "102": {"name": "Grace"}}},
}

CALLS = [
    ("", "2026-11-22 10:00", "7"),  # a Sunday, and a key that leads nowhere
    ("5550100", "2026-11-23 10:00", "1"),
    ("5550100", "2026-11-23 11:00", "2,1"),
    ("6660000", "2026-11-23 12:00", ""),
    ("5550199", "2026-11-23 22:00", "1"),
    ("5550100", "2026-12-25 10:00", ""),
]


async def call_of(house: House, number: str, keys: str) -> list[Step]:
    """Call, press the keys, each in the next menu, and hang up where it records, or where the line does."""
    phone = await house.call(1, number=number)
    await phone.answered()
    for key in filter(None, keys.split(",")):
        await phone.silence(3)
        await phone.press(key)
    while phone.end is None and not any(playback.prompt == "beep" for playback in phone.playbacks):
        await phone.silence(1)
    if phone.end is None:
        await phone.hang_up()
    await house.idle()
    (newest,) = await house.store.call_ids(limit=1)
    return await house.store.steps(newest)


def compared(explained: Explained, steps: list[Step]) -> None:
    """Whether who calls, what is thought of that, who takes the call, where it goes and what it hears are the same."""
    call = explained.call
    callers = [step.details for step in steps if step.kind == "caller"]
    assert Caller(**callers[-1]) == call.caller if callers else call.caller == Caller()
    (verdict,) = [step.details for step in steps if step.kind == "verdict"]
    assert (verdict["kind"], verdict.get("rule", "")) == (call.verdict.kind, call.verdict.rule)
    told = {asked.handler: asked.outcome for asked in explained.handlers}
    passed = {step.details["handler"] for step in steps if step.kind == "passed"}
    offered = [step.details["handler"] for step in steps if step.kind == "offered"]
    done = {handler: "lets the call pass" if handler in passed else "takes the call" for handler in offered}
    assert told == {handler: done.get(handler, "is not asked") for handler in told}
    (lines,) = [asked.lines for asked in explained.handlers if asked.outcome == "takes the call"]
    for step in steps:
        if step.kind == "handed over":
            assert any(step.details["handler"] in line for line in lines), lines
    heard = [step.details["prompt"] for step in steps if step.kind == "prompt"]
    for prompts in re.findall(r"\bplays ([\w -]+)", "\n".join(lines)):
        assert all(prompt in heard for prompt in prompts.split()), (lines, heard)


async def test_what_explain_says_is_what_a_call_does(ctportd_line: Line) -> None:
    """The same callers, at the same times, with the same keys: through rules, hours, menus and mailboxes."""
    house = await ctportd_line(
        {1: ["screen", "auto_attendant"]}, plugins=["plugins", {"screen": SCREEN}], settings=SETTINGS
    )
    for number, at, keys in CALLS:
        house.clock.set(at)
        answers = tuple(filter(None, keys.split(",")))
        explained = await explain_call(house.daemon, "main:1", Caller(number), house.clock.now(), answers)
        steps = await call_of(house, number, keys)
        compared(explained, steps)


@pytest.fixture
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of this process."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


_TIMES = re.compile(r"\b(?:(\d+):)?(\d+\.\d)\b")


def without_chance(text: str) -> str:
    """A text without the random part of calls' and messages' ids, and without times."""
    return _TIMES.sub("T", re.sub(r"(-1-)[0-9a-f]{6}(-[0-9a-f]{4})?", r"\1c0ffee", text))


def seconds_of(text: str) -> list[float]:
    """The times in a text, in their order."""
    return [60 * int(minutes or 0) + float(seconds) for minutes, seconds in _TIMES.findall(text)]


@pytest.mark.usefixtures("_in_berlin")
async def test_call_of_the_guide(ctportd_line: Line) -> None:
    """What docs/explain.md shows of a call that pressed 2, then 1, and left a message: to the times of its steps."""
    (toml,) = code_blocks("docs/explain.md", "toml")
    (block,) = [
        block for block in code_blocks("docs/explain.md", "console") if block.startswith("$ ctportd calls show")
    ]
    command, _, told = block.partition("\n")
    tables = tomllib.loads(toml)
    handlers = {port["number"]: port["handlers"] for port in tables["port"]}
    house = await ctportd_line(handlers, settings=tables["plugins"], mail=tables["mail"] | {"port": 1})
    house.clock.set("2026-11-24 10:00+01:00")
    phone = await house.call(1, number="5550100", name="Ada Lovelace")
    await phone.hear_begin("menu-main")
    await phone.silence(4)
    await phone.press("2")
    await phone.hear("menu-hours")
    await phone.press("1")
    await phone.recorded()
    await phone.say(seconds=4)
    await phone.hang_up()
    await house.idle()
    arguments = ["--config", str(house.config_path), *shlex.split(command)[2:]]
    result = await asyncio.to_thread(CliRunner().invoke, program, arguments)
    assert result.exit_code == 0, result.output
    shown = "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"
    assert without_chance(shown) == without_chance(told)
    assert seconds_of(shown) == pytest.approx(seconds_of(told), abs=0.3)  # a frame more or less, rounded
