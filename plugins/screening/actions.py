"""What can be done with a caller, as the settings and the lists write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd import Verdict

SCREENING = "screening"
"""The plugin's name."""

PASS = "pass"  # noqa: S105 - no password
REJECT = "reject"
HANGUP = "hangup"
BUSY = "busy"
IGNORE = "ignore"
CHALLENGE = "challenge"
ASK_NUMBER = "ask-number"
GREYLIST = "greylist"

MEANINGS = {
    PASS: "the call goes on to the next handler",
    REJECT: "the call is answered with the three tones of a number that is not in service, a message, and hung up",
    HANGUP: "the call is answered and hung up at once",
    BUSY: "the caller hears busy tone",
    IGNORE: "the telephone rings on, and nobody answers",
    CHALLENGE: "the caller is asked to press a key, as a test for humans",
    ASK_NUMBER: "the caller is asked for a number, which is judged in turn",
    GREYLIST: "the caller has to call again",
}
"""Every action but that of a handler, such as ``voicemail:100``."""

_HANDLER = re.compile(r"[A-Za-z_]\w*(:.+)?", re.ASCII)


def problem_of(action: str) -> str:
    """What is wrong with an action; empty: nothing, as far as can be said without knowing the plugins."""
    if not action or action in MEANINGS or _HANDLER.fullmatch(action):
        return ""
    return f"found {action!r}, expected one of {', '.join(MEANINGS)}, or a handler such as 'voicemail:100'"


def meaning_of(action: str, *, answered: bool = False) -> str:
    """An action in words, for people; ``answered``: of a caller who was answered before, to be asked something."""
    if answered and action == IGNORE:
        action = HANGUP
    return MEANINGS.get(action) or f"the call is handed over to {action}"


def action_of(verdict: Verdict) -> str:
    """What a verdict has us do: another plugin's may say what only that one understands."""
    return verdict.action if verdict.by == SCREENING or verdict.action in MEANINGS else PASS


def keeps_out(action: str) -> bool:
    """Whether a caller has no way past it."""
    return action not in (PASS, CHALLENGE, ASK_NUMBER, GREYLIST)
