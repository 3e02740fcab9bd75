"""One call, told step by step: what ``ctportd calls show`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.calls.timeline import HIDDEN
from ctportd.display import moment, seconds, shown, table
from ctportd.errors import StoreError
from ctportd.records import OUTGOING, CallRecord, Step
from ctportd.showing.masking import masked_call, masked_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from ctportd.store import Store

LAST = "last"
"""Stands for the newest call."""

_NAMED = 5  # calls that are named where it is not clear which is meant
_DAY = 86_400.0
_AT_ONCE = 0.1  # seconds

_BARE = frozenset(
    {"action", "by", "count", "error", "handler", "heard", "key", "keys", "kind", "menu", "name", "number", "path",
     "prompt", "reason", "rule", "which", "why"}
)  # fmt: skip
"""Details that say by themselves what they are."""

_PHRASES = {"seconds": "{} s", "waited": "waited {} s", "cut_by": "cut short by {}"}
"""How details are told that need more words than their names."""


class Story(msgspec.Struct, frozen=True):
    """What is known of a call.

    Attributes:
        id: The call's.
        call: Its record; None where no plugin has logged it.
        steps: What happened on it, in the order in which it did.
    """

    id: str
    call: CallRecord | None
    steps: list[Step]


async def story_of(store: Store, name: str) -> Story:
    """The story of a call.

    Args:
        store: Where it is kept.
        name: The call's id, a beginning of it that no other one has, or :data:`LAST`.

    Raises:
        StoreError: There is no such call, or several.
    """
    found = await store.call_ids("" if name == LAST else name, 1 if name == LAST else _NAMED)
    if not found:
        told = (
            "no call has been logged"
            if name == LAST
            else f"there is no call {name!r}; ctportd calls --json has ids"
        )
        raise StoreError(told)
    if len(found) > 1 and name not in found:
        raise StoreError(
            f"several calls begin with {name!r}: {', '.join(found)}; say more of the one that is meant"
        )
    call = name if name in found else found[0]
    return Story(call, await store.call(call), await store.steps(call))


def masked(story: Story) -> Story:
    """The same for others to see: without numbers and names."""
    call = masked_call(story.call) if story.call else None
    return Story(story.id, call, masked_steps(story.steps, story.call))


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
