"""After how many rings a call is answered, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from .settings import Class, Rules


class Patience(msgspec.Struct, frozen=True):
    """How long a caller is left to ring.

    Attributes:
        rings: After so many the call is answered; 0: as soon as it is offered.
        why: For people.
    """

    rings: int
    why: str


def before_answer(rules: Rules, kind: Class, new: int) -> Patience:
    """After how many rings a call is answered.

    Args:
        rules: The mailbox's.
        kind: The caller's class.
        new: How many messages nobody has heard yet.
    """
    rings, why = rules.rings, "rings"
    if kind in rules.rings_by_class:
        rings, why = rules.rings_by_class[kind], f"rings_by_class of callers that are {kind}"
    if new and 0 < rules.toll_saver < rings:
        return Patience(rules.toll_saver, f"toll_saver, since there are new messages: {new}")
    return Patience(rings, why)
