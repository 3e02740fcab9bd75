"""A call is told to people, and masked for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from ctportd.errors import InvalidArgument, NotFound
from ctportd.looking.masking import Mask, masked_call, masked_number, masked_steps
from ctportd.looking.story import Story, masked, story_of
from ctportd.records import CallRecord, Step
from ctportd.showing.story import sentence, story_tables
from ctportd.store import Store

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

CALL = CallRecord(
    "20261124-120000-1-abcdef", "main:1", NOON, "+49 30 5550100", "Ada Lovelace", NOON, NOON, "hangup"
)


def step(kind: str, after: float | None = 0.0, /, **details: object) -> Step:
    """A step so many seconds after the first ring; None: two days later."""
    later = timedelta(days=2) if after is None else timedelta(seconds=after)
    return Step(NOON + later, kind, details, after)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (step("ring", count=2), "2"),
        (step("caller", number="", name=""), "unknown"),
        (
            step("verdict", kind="blocked", rule="block list: 6*", by="screening"),
            "blocked, block list: 6*, screening",
        ),
        (step("prompt", prompt="menu-main", cut_by="1", seconds=4.26), "menu-main, cut short by 1, 4.3 s"),
        (
            step("prompt", prompt="vm-enter-pin", cut_by="?", seconds=1.0),
            "vm-enter-pin, cut short by hidden, 1.0 s",
        ),
        (step("key", key="?"), "hidden"),
        (step("collected", keys="", waited=6.0), "no key, waited 6.0 s"),
        (step("recording", path="/a/b.wav", ended_by="#", seconds=3.0), "b.wav, ended by #, 3.0 s"),
        (step("message", mailbox="100", folders=["INBOX", "Old"]), "mailbox 100, folders INBOX Old"),
        (step("answered"), ""),
    ],
)
def test_step_in_words(told: Step, words: str) -> None:
    """What is known of it; a plugin's own words as they are."""
    assert sentence(told) == words


def test_steps_come_with_their_times() -> None:
    """Seconds after the first ring, and the date of what came days later."""
    heading, _, table = story_tables(
        Story(CALL.id, CALL, [step("ring"), step("key", 65.04, key="1"), step("mail", None)])
    )
    assert str(heading).startswith("call 20261124-120000-1-abcdef on main:1, 2026-11-24 ")
    assert str(heading).endswith("from Ada Lovelace +49 30 5550100, ended: hangup")
    assert not isinstance(table, str)
    times = list(table.columns[0].cells)
    assert times[:2] == ["0:00.0", "1:05.0"]
    assert str(times[2]).startswith("2026-11-26")
    assert list(story_tables(Story("x", None, [])))[1].startswith("Nothing is known")  # type: ignore[union-attr]


async def test_call_is_named_by_a_beginning_of_its_id(tmp_path: Path) -> None:
    """Or by the word last; where that is not clear, the error says what to do. A call that nobody logs has steps too."""
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/ctportd.db")
    await store.open()
    with pytest.raises(NotFound, match="no call has been logged"):
        await story_of(store, "last")
    await store.save_call(CALL)
    await store.add_steps("20261124-120001-2-fedcba", [step("ring")])
    assert await story_of(store, "20261124-120000") == Story(CALL.id, CALL, [])
    assert await story_of(store, "last") == Story("20261124-120001-2-fedcba", None, [step("ring")])
    with pytest.raises(
        InvalidArgument, match="calls: id '2026' is the beginning of several: 20261124-120001-2-fedcba, 2026"
    ):
        await story_of(store, "2026")
    with pytest.raises(NotFound, match="there is no call '%'; ctportd calls --json has ids"):
        await story_of(store, "%")
    await store.close()


@pytest.mark.parametrize(
    ("number", "shown"),
    [("5550100", "xxxxx00"), ("+49 (30) 555-0100", "+xx (xx) xxx-xx00"), ("204", "x04"), ("12", "12"), ("", "")],
)
def test_number_is_masked(number: str, shown: str) -> None:
    """All but its last two digits, in its own form."""
    assert masked_number(number) == shown


def test_number_is_masked_wherever_it_stands() -> None:
    """In any form, with and without country and area; a short one only by itself; names too, and mail addresses."""
    mask = Mask(["+49 30 5550100", "204"], ["Ada Lovelace"])
    told = {
        "rule": "allow list: 0049-30-555.0100 (ada lovelace)",
        "list": ["5550100", 5550100, 7, True, {"path": "/x/5550100.wav"}],
        "other": "&,204 and 2045, at 2026-11-24 12:00",
        "to": "Ada Lovelace <ada@example.org>",
    }
    assert mask.data(told) == {
        "rule": "allow list: xxxx-xx-xxx.xx00 (x)",
        "list": ["xxxxx00", "xxxxx00", 7, True, {"path": "/x/xxxxx00.wav"}],
        "other": "&,x04 and 2045, at 2026-11-24 12:00",
        "to": "x <x@example.org>",
    }


def test_story_is_masked() -> None:
    """Nothing that is printed or exported holds the number, nor the keys of one that was keyed in; menus are told."""
    steps = [
        step("caller", number="0305550100", name="A. Lovelace"),
        step("key", key="1"),
        step("collected", keys="1"),
        step("prompt", prompt="enter-number"),
        *(step("key", key=key) for key in "7654321#"),
        step("collected", keys="7654321"),
        step("dialled", number="&,7654321"),
        step("mail", None, subject="A message from Ada Lovelace, 5550100, or a. lovelace"),
    ]
    whole = msgspec.json.encode(masked(Story(CALL.id, CALL, steps))).decode()
    for hidden in ("555", "5550100", "7654", "Lovelace", "lovelace"):
        assert hidden not in whole
    told = masked_steps(steps, CALL)
    assert "".join(step.details["key"] for step in told if step.kind == "key") == "1xxxxx21#"
    assert [step.details["keys"] for step in told if step.kind == "collected"] == ["1", "xxxxx21"]
    assert masked_call(CALL).number == "+xx xx xxxxx00"
    assert (steps[1].details, steps[0].details["name"]) == ({"key": "1"}, "A. Lovelace")
