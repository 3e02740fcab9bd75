"""What the voicemail is asked for: ``100``, ``100:busy``, ``owner``, ``owner:100``."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import msgspec

from .settings import MAILBOX, OWNER

if TYPE_CHECKING:
    from .settings import Settings

_BUSY = "busy"


class Target(msgspec.Struct, frozen=True):
    """What a handler asks for.

    Attributes:
        mailbox: Whose; empty: the owner is asked.
        owner: Whether it is the owner who calls, and no message is to be taken.
        busy: Whether the caller was sent here since a line is busy.
        wrong: What there is in it that nobody understands.
    """

    mailbox: str
    owner: bool = False
    busy: bool = False
    wrong: str = ""


def read_target(target: str, settings: Settings) -> Target:
    """What stands behind the colon in ``voicemail:100:busy``."""
    first, _, second = target.partition(":")
    if first == OWNER:
        return Target(second, owner=True)
    mailbox = first or settings.mailbox
    return Target(mailbox, busy=second == _BUSY, wrong=second if second not in ("", _BUSY) else "")


def problem_of(target: str, settings: Settings) -> str | None:
    """What is wrong with a target; None where nothing is."""
    asked = read_target(target, settings)
    if asked.wrong:
        return f"'{asked.wrong}' is not known behind a mailbox; '{_BUSY}' is"
    if not asked.mailbox:
        return None if _lets_in(settings) else "no mailbox has a pin, so no owner is let in"
    if not re.match(MAILBOX, asked.mailbox):
        return f"'{asked.mailbox}' can be no mailbox: letters, digits, - and _ are expected"
    if settings.mailboxes and asked.mailbox not in settings.mailboxes:
        near = difflib.get_close_matches(asked.mailbox, settings.mailboxes, 1, 0.3)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(settings.mailboxes)}"
        return f"there is no mailbox '{asked.mailbox}' in [plugins.voicemail.mailboxes]; {hint}"
    if asked.owner and not _has_pin(asked.mailbox, settings):
        return f"mailbox {asked.mailbox} has no pin, so its owner is not let in"
    return None


def _lets_in(settings: Settings) -> bool:
    return any(table.pin for table in settings.mailboxes.values())


def _has_pin(mailbox: str, settings: Settings) -> bool:
    return mailbox in settings.mailboxes and bool(settings.mailboxes[mailbox].pin)
