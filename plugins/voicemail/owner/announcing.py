"""What an owner is told of the mailbox before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import INBOX, speech

from .. import quota
from ..boxes import TEMPORARY

if TYPE_CHECKING:
    from ctportd import Counts

    from ..settings import Rules
    from .visit import Visit

NEARLY_FULL = 0.9
"""The part of its room from which on an owner is told that the mailbox fills up (our figure)."""


async def announce(visit: Visit) -> None:
    """Say how many messages there are, and what else an owner should know."""
    messages = await visit.daemon.messages.of(visit.box.number, INBOX)
    urgent = sum(message.urgent for message in messages if message.new)
    counts = await visit.daemon.messages.counts(visit.box.number)
    reminder = ["vm-temporary-on"] if await visit.greeting(TEMPORARY) else []
    told = [*announced(counts.new, urgent, counts.old), *reminder, *filled(counts, visit.box.rules)]
    await visit.call.play(*told)


def counted(count: int, *kind: str) -> list[str]:
    """Prompts: two new messages, one old message."""
    return [*speech.number(count), *kind, "vm-message" if count == 1 else "vm-messages"]


def announced(new: int, urgent: int, old: int) -> list[str]:
    """Prompts: how many messages there are.

    Args:
        new: How many new ones.
        urgent: How many of these are urgent.
        old: How many old ones.
    """
    if not new and not old:
        return ["vm-no-messages"]
    parts = [part for part in (_new(new, urgent), counted(old, "vm-old") if old else []) if part]
    return ["vm-you-have", *parts[0], *(["and", *parts[1]] if len(parts) > 1 else [])]


def _new(new: int, urgent: int) -> list[str]:
    if not new:
        return []
    if urgent == new:
        return counted(new, "vm-new", "vm-urgent")
    told = ["vm-one-urgent"] if urgent == 1 else [*speech.number(urgent), "vm-of-them-urgent"]
    return [*counted(new, "vm-new"), *(told if urgent else [])]


def filled(counts: Counts, rules: Rules) -> list[str]:
    """Prompts: whether a mailbox is full, or nearly so; nothing where it has room, or no limit."""
    if quota.full(rules, counts):
        return ["vm-is-full"]
    used = max(
        (counts.new + counts.old) / rules.most_messages if rules.most_messages else 0.0,
        counts.seconds / rules.most_seconds if rules.most_seconds else 0.0,
    )
    return ["vm-nearly-full"] if used >= NEARLY_FULL else []
