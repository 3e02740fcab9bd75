"""Which greeting a caller hears, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd import speech

from .boxes import BUSY, KINDS, NAME, TEMPORARY
from .changes import UNAVAILABLE

if TYPE_CHECKING:
    from .boxes import Box
    from .settings import Class

FALLBACK = "vm-intro"
"""What callers hear of a mailbox that nobody has made a table for."""


class Greeting(msgspec.Struct, frozen=True):
    """What is played before the tone.

    Attributes:
        prompts: In order.
        why: Which one it is, for people: ``the busy greeting``.
    """

    prompts: tuple[str, ...]
    why: str


def choose(box: Box, kind: Class, *, busy: bool = False) -> Greeting:
    """The greeting of a mailbox for a caller of a class. Looks at the disk.

    The temporary one wins; then comes that of the class, the busy one, the one that the owner has chosen, the prompt of
    the configuration, and what can be said without any of them.

    Args:
        box: The mailbox.
        kind: The caller's class.
        busy: Whether the owner is on the telephone.
    """
    return (
        _recorded(box, TEMPORARY, "the temporary greeting, which wins over all others")
        or _of_class(box, kind)
        or (_recorded(box, BUSY, "the busy greeting") if busy else None)
        or _recorded(box, box.chosen, _chosen(box))
        or _recorded(box, UNAVAILABLE, "the unavailable greeting: the chosen one is not recorded")
        or _configured(box)
        or _standard(box, busy=busy)
    )


def _chosen(box: Box) -> str:
    return (
        "the unavailable greeting" if box.chosen == UNAVAILABLE else f"greeting {box.chosen}, chosen by the owner"
    )


def _recorded(box: Box, kind: str, why: str) -> Greeting | None:
    file = box.greeting_file(kind)
    return None if file is None else Greeting((str(file),), why)


def _of_class(box: Box, kind: Class) -> Greeting | None:
    wanted = box.rules.greetings_by_class.get(kind, "")
    why = f"greeting {wanted}, for callers that are {kind}"
    if wanted in KINDS:
        return _recorded(box, wanted, why)
    return Greeting((wanted,), why) if wanted else None


def _configured(box: Box) -> Greeting | None:
    if box.rules.greeting:
        return Greeting((box.rules.greeting,), "the greeting of the configuration")
    return None if box.declared else Greeting((FALLBACK,), "that of mailboxes without a table")


def _standard(box: Box, *, busy: bool) -> Greeting:
    """Name or number, and that it is not available."""
    name = box.greeting_file(NAME)
    number = ("vm-mailbox", *speech.digits(box.number.replace("_", " ")))
    state = "vm-on-the-phone" if busy else "vm-not-available"
    operator = ("vm-press-zero",) if box.rules.operator else ()
    why = "the standard greeting with the " + ("owner's recorded name" if name else "mailbox's number")
    return Greeting((*((str(name),) if name else number), state, "vm-leave-message", *operator), why)
