"""One call, told step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd.errors import InvalidArgument, NotFound
from ctportd.looking.masking import masked_call, masked_steps
from ctportd.records import CallRecord, Step

if TYPE_CHECKING:
    from ctportd.store import Store

LAST = "last"
"""Stands for the newest call."""

_NAMED = 5  # calls that are named where it is not clear which is meant


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
        NotFound: There is no such call.
        InvalidArgument: Several begin so.
        StoreError: The database cannot be used.
    """
    found = await store.call_ids("" if name == LAST else name, 1 if name == LAST else _NAMED)
    if not found:
        told = (
            "no call has been logged"
            if name == LAST
            else f"there is no call {name!r}; ctportd calls --json has ids"
        )
        raise NotFound(told)
    if len(found) > 1 and name not in found:
        problem = f"{name!r} is the beginning of several: {', '.join(found)}; say more of the one that is meant"
        raise InvalidArgument("calls", "id", problem)
    call = name if name in found else found[0]
    return Story(call, await store.call(call), await store.steps(call))


def masked(story: Story) -> Story:
    """The same for others to see: without numbers and names."""
    call = masked_call(story.call) if story.call else None
    return Story(story.id, call, masked_steps(story.steps, story.call))
