"""What happens on a call is kept step by step, and keys that may be a PIN are not in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.calls.timeline import LONGEST_TEXT, MOST_STEPS, Timeline
from ctportd.errors import CallEnded

if TYPE_CHECKING:
    from ctportd.records import Step

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Time:
    """The line's time, at twice the speed of life, as the test says."""

    speed = 2.0

    def __init__(self) -> None:
        self.seconds = 1000.0

    def time(self) -> float:
        """Seconds of the line."""
        return self.seconds


@pytest.fixture
def time() -> Time:
    """The line's time."""
    return Time()


@pytest.fixture
def timeline(time: Time) -> Timeline:
    """A timeline that has begun."""
    timeline = Timeline(time, NOON)  # type: ignore[arg-type]
    timeline.add("ring", {})
    return timeline


def told(steps: list[Step]) -> list[tuple[str, dict[str, Any]]]:
    """The steps after the ring, without their times."""
    return [(step.kind, step.details) for step in steps[1:]]


def test_times_are_the_lines(timeline: Timeline, time: Time) -> None:
    """Each step has the seconds of the line since the first ring, and the date and time of day."""
    time.seconds += 6
    timeline.add("answered", {})
    with timeline.during("prompt", {"prompt": "hello"}):
        time.seconds += 3.5
    answered, prompt = timeline.steps[1:]
    assert (answered.after, answered.at) == (6.0, NOON + timedelta(seconds=3))
    assert (prompt.after, prompt.details) == (6.0, {"prompt": "hello", "seconds": 3.5})


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (CallEnded("hangup"), {"cut_by": "hangup"}),
        (RuntimeError("4711"), {"failed": "RuntimeError"}),
    ],
)
def test_what_is_cut_short_says_by_what(timeline: Timeline, error: Exception, details: dict[str, str]) -> None:
    """The end of the call, or an error, of which only the name is told: its text may hold anything."""
    with pytest.raises(type(error)), timeline.during("prompt", {}):
        raise error
    assert told(timeline.steps) == [("prompt", details | {"seconds": 0.0})]


def test_details_are_what_json_can_hold(timeline: Timeline) -> None:
    """What a plugin notes is copied, made text where it is something else, and bounded."""
    names = ["Ada"]
    timeline.add(
        "note", {"path": Path("/x"), "names": names, "long": "x" * 1000, "bad": "\udcff", "deep": {1: None}}
    )
    names.append("Grace")
    ((_, details),) = told(timeline.steps)
    assert details == {"path": "/x", "names": ["Ada"], "long": "x" * LONGEST_TEXT, "bad": "?", "deep": {"1": None}}


def test_notes_without_end_are_bounded(timeline: Timeline) -> None:
    """A plugin that notes on and on costs the last of its notes, and not how the call ended."""
    for number in range(2 * MOST_STEPS):
        timeline.add("note", {"number": number})
    timeline.add("ended", {"reason": "hangup"})
    kept: list[Step] = []
    steps = timeline.close(kept.extend)
    assert len(steps) == MOST_STEPS + 2
    assert told(steps)[-2:] == [("ended", {"reason": "hangup"}), ("ended", {"left_out": MOST_STEPS + 1})]
    timeline.add("mail", {"to": "ada"})
    assert [(step.kind, step.after) for step in kept] == [("mail", None)]


# -- keys


def pressed(timeline: Timeline, keys: str) -> None:
    """Press keys."""
    for key in keys:
        timeline.pressed(key)


def keys_of(timeline: Timeline) -> str:
    """The keys as they are told, one after the other."""
    return "".join(step.details["key"] for step in timeline.steps if step.kind == "key")


def test_keys_of_a_menu_are_told(timeline: Timeline) -> None:
    """Each when it was pressed, and what a plugin has collected."""
    pressed(timeline, "20")
    timeline.collected("20", 1.25)
    assert keys_of(timeline) == "20"
    assert timeline.steps[-1].details == {"keys": "20", "waited": 1.25}


def test_pin_is_not_told(timeline: Timeline) -> None:
    """Neither its keys nor what they cut short; what is pressed afterwards is told again."""
    with timeline.secret():
        with timeline.secret():
            pressed(timeline, "47")
        pressed(timeline, "11")
        assert timeline.tell("4") == "?"
        timeline.collected("4711", 0.0)
    assert timeline.steps[-1].details["keys"] == "?"
    pressed(timeline, "5")
    assert keys_of(timeline) == "????5"


@pytest.mark.parametrize(
    ("collected", "shown"),
    [("", "*????#?"), ("*", "*????#?"), ("*47", "*47??#?")],
    ids=["none", "the one that was meant", "some"],
)
def test_pin_that_is_keyed_in_too_early_is_not_told(timeline: Timeline, collected: str, shown: str) -> None:
    """Whether it was forgotten or waits: what nobody has collected may be one; the key that cut a prompt is none."""
    pressed(timeline, "*4711#")
    assert timeline.tell("*") == "*"
    if collected:
        timeline.collected(collected, 0.0)
    timeline.forgotten()
    pressed(timeline, "9")
    with timeline.secret():
        pass
    assert keys_of(timeline) == shown.replace("#", "?")


def test_keys_without_end_are_bounded(timeline: Timeline) -> None:
    """Who presses keys for hours, which nobody collects, takes no memory, and those that are kept are hidden."""
    for _ in range(2 * MOST_STEPS):
        pressed(timeline, "4")
        timeline.forgotten()
    assert len(timeline._forgotten) <= MOST_STEPS
    with timeline.secret():
        pass
    assert set(keys_of(timeline)) == {"?"}


def test_key_that_waits_is_hidden_after_another_was_collected(timeline: Timeline) -> None:
    """The oldest keys are collected first, whichever of them has cut a prompt."""
    pressed(timeline, "124711")
    assert timeline.tell("1") == "1"
    timeline.collected("12", 0.0)
    with timeline.secret():
        timeline.collected("4711", 0.0)
    assert keys_of(timeline) == "12??" + "??"
