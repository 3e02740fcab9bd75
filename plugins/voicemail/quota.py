"""How much a mailbox may hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd import Counts

    from .settings import Rules


def full(rules: Rules, counts: Counts) -> str:
    """Why a mailbox takes no more messages; empty where it does."""
    messages = counts.new + counts.old
    if rules.most_messages and messages >= rules.most_messages:
        return f"it holds {messages} messages of {rules.most_messages}"
    left = rules.most_seconds - counts.seconds
    if rules.most_seconds and left < max(rules.shortest, 1):
        return f"it holds {counts.seconds:.0f} seconds of {rules.most_seconds}"
    return ""


def longest(rules: Rules, counts: Counts) -> int:
    """Seconds that the next message may have."""
    if not rules.most_seconds:
        return rules.longest
    return min(rules.longest, max(1, math.floor(rules.most_seconds - counts.seconds)))


def limited(rules: Rules) -> bool:
    """Whether it is limited at all."""
    return bool(rules.most_messages or rules.most_seconds)
