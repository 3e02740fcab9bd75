"""Questions about calls that nobody makes, and about settings that nobody runs: what is asked, and what is answered."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ctportd.calls.caller import Caller
from ctportd.calls.verdict import Verdict


class Problem(msgspec.Struct, frozen=True):
    """Something in the settings that will not do, or that is probably not meant.

    Attributes:
        where: Table and key: ``[plugins.voicemail.mailboxes.100] email``.
        what: What is found there, and what to do.
        serious: Whether a caller would run into it; else it is a hint.
    """

    where: str
    what: str
    serious: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Inquiry(msgspec.Struct, frozen=True):
    """A call that might come.

    Attributes:
        caller: Who calls.
        port: The port's address, such as ``main:1``.
        at: When, with a time zone.
        verdict: What the plugins think of the caller.
        keys: What the caller presses in menus, one answer after the other.
    """

    caller: Caller
    port: str
    at: datetime
    verdict: Verdict = Verdict()
    keys: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """What a plugin would do with a call.

    Attributes:
        lines: One sentence each, for people; two leading spaces a level where another plugin has the call meanwhile.
        takes: Whether it takes the call; else the next handler is asked.
        sure: Whether that is known. It is not of a plugin that does not tell, nor where people decide: whoever a
            telephone rings for, a caller who is asked something.
    """

    lines: list[str]
    takes: bool = True
    sure: bool = True
