"""What stands behind each line of the soak, and who calls it."""

from __future__ import annotations

from typing import Any

import msgspec

from soak.ledger import SHORTEST

_LEAVE_MESSAGE = (
    "message_key", "message_key", "message_skip", "message_silence", "message_hangup", "message_hangup",
    "message_mid_word", "message_mid_word", "message_cut", "silent", "before_beep", "unanswered",
)  # fmt: skip


class LineKind(msgspec.Struct, frozen=True):
    """One kind of line.

    Attributes:
        handlers: Who is offered its calls; ``N`` is the line's number.
        manners: What its callers have in mind; what stands there twice comes twice as often.
    """

    handlers: tuple[str, ...]
    manners: tuple[str, ...]

    def handlers_of(self, number: int) -> list[str]:
        """The handlers of one line."""
        return [handler.replace("N", str(number)) for handler in self.handlers]


VOICEMAIL = LineKind(("voicemail:10N",), _LEAVE_MESSAGE)
ATTENDANT = LineKind(("auto_attendant",), ("menu_message", "menu_message", "menu_two", "menu_lost", "before_beep"))
TALK = LineKind(("soak_talk",), ("talk", "talk", "talk_silent", "before_beep"))
RAISES_FIRST = LineKind(("soak_raises:before", "voicemail:10N"), _LEAVE_MESSAGE)
# behind a plugin that misbehaves stands another one: the daemon may have enough of the first
RAISES = LineKind(("soak_raises:after", "soak_talk"), ("apology", "before_beep"))
HANGS = LineKind(("soak_hangs", "soak_talk"), ("hung", "hung_cut"))

LINES = [VOICEMAIL, ATTENDANT, RAISES_FIRST, VOICEMAIL, TALK, ATTENDANT, RAISES, HANGS]
"""The lines of the soak, in their order; a short one takes the first few."""

PLUGINS: dict[str, Any] = {
    "voicemail": {"shortest": SHORTEST, "silence": 8, "longest": 60},
    "auto_attendant": {
        "menus": {
            "main": {
                "prompt": "menu-main",
                "keys": {"1": "voicemail:200", "2": "menu:hours", "*": "hangup"},
            },
            "hours": {"prompt": "menu-hours", "keys": {"*": "menu:main"}},
        }
    },
}
"""The plugins' tables of the configuration."""
