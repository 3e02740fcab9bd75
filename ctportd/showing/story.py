"""One call, told step by step, for people: what ``ctportd calls show`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctportd.calls.timeline import HIDDEN
from ctportd.display import moment, seconds, shown, table
from ctportd.records import OUTGOING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from ctportd.looking.story import Story
    from ctportd.records import Step

_DAY = 86_400.0
_AT_ONCE = 0.1  # seconds

_BARE = frozenset(
    {"action", "by", "count", "error", "handler", "heard", "key", "keys", "kind", "menu", "name", "number", "path",
     "prompt", "reason", "rule", "which", "why"}
)  # fmt: skip
"""Details that say by themselves what they are."""

_PHRASES = {"seconds": "{} s", "waited": "waited {} s", "cut_by": "cut short by {}"}
"""How details are told that need more words than their names."""


def story_tables(story: Story) -> Iterable[Table | str]:
    """A story for people."""
    yield shown(_heading(story))
    if not story.steps:
        yield "Nothing is known of what happened on it: that is written down when a call is over."
        return
    yield ""
    told = table("time", "what", "")
    for step in story.steps:
        told.add_row(*map(shown, (_when(step, story.steps[0]), step.kind, sentence(step))))
    yield told


def _heading(story: Story) -> str:
    call = story.call
    if call is None:
        return f"call {story.id}" + (f", {moment(story.steps[0].at)}" if story.steps else "")
    way, unknown = ("to", "a telephone set") if call.direction == OUTGOING else ("from", "an unknown caller")
    other = " ".join(filter(None, (call.name, call.number))) or unknown
    end = f"ended: {call.end_reason}" if call.ended_at else "under way"
    return f"call {call.id} on {call.port}, {moment(call.began)}, {way} {other}, {end}"


def _when(step: Step, first: Step) -> str:
    """When it was, after the first ring; a day and more later, the date."""
    after = step.after if step.after is not None else (step.at - first.at).total_seconds()
    return seconds(after) if after < _DAY else moment(step.at)


def sentence(step: Step) -> str:
    """A step's details in words."""
    told = ", ".join(filter(None, (_part(step.kind, key, value) for key, value in step.details.items())))
    return told or ("unknown" if step.kind == "caller" else "")


def _part(kind: str, key: str, value: Any) -> str:
    if value in ("", None):
        return "no key" if key == "keys" else ""
    if key == "waited" and float(value) < _AT_ONCE:
        return ""
    if key == "path":
        value = Path(str(value)).name
    phrase = _PHRASES.get(key, "{}" if key in _BARE or key == kind else f"{key.replace('_', ' ')} {{}}")
    return phrase.format(_said(value))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_said, value))
    if isinstance(value, float):
        return f"{value:.1f}"
    return "hidden" if value == HIDDEN else str(value)
