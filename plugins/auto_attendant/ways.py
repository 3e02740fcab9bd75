"""Where something leads, with all that may be said about it: an action, or a table around one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .actions import check_places, read_action

_LANGUAGE = r"^[A-Za-z0-9_-]*\Z"  # a folder's name

Positive = Annotated[int, Meta(ge=1)]


class Way(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where something leads.

    Attributes:
        to: What is done.
        rescue: What is done where a transfer or a telephone set is busy, or nobody answers; empty: the attendant's.
        ring: Seconds after which nobody has answered; None: the attendant's.
        screen: Whether who answers a telephone set hears who calls, and may decline.
        say: The prompt before it; None: ``transferring`` before a transfer or a telephone set, else none.
        language: The language from here on: the name of a folder of prompts; empty: it stays.
    """

    to: str = ""
    rescue: str = ""
    ring: Positive | None = None
    screen: bool = False
    say: str | None = None
    language: Annotated[str, Meta(pattern=_LANGUAGE)] = ""


class Choice(Way, kw_only=True):
    """What an entry of a menu leads to."""

    def __post_init__(self) -> None:
        """Check what is written."""
        check_way(self, entries=True)


class Extension(Way, kw_only=True):
    """An extension that callers dial.

    Attributes:
        name: Whose it is, for who dials by name; empty: it has none.
        mailbox: The owner's mailbox: takes the call where ``to`` is left out, and where nobody answers; in it the name
            was spoken.
    """

    name: str = ""
    mailbox: str = ""

    def __post_init__(self) -> None:
        """Have the mailbox take what nothing else does."""
        voicemail = f"voicemail:{self.mailbox}" if self.mailbox else ""
        self.to = self.to or voicemail
        self.rescue = self.rescue or voicemail
        if not self.to:
            raise ValueError("the key 'to' is missing, or 'mailbox'")
        check_way(self, entries=False)


def check_way(way: Way, *, entries: bool) -> None:
    """Check what is written. Raises ValueError.

    Args:
        way: Where it leads.
        entries: Whether it may hold places to fill in.
    """
    for key in ("to", "rescue"):
        written = getattr(way, key)
        if key == "to" or written:
            check_action(written, key, entries=entries)


def check_action(written: str, key: str, *, entries: bool = False) -> None:
    """Check one action. Raises ValueError, with the key at which it stands."""
    try:
        read_action(written)
        check_places(written, allowed=entries)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
