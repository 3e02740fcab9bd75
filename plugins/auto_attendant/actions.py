"""What a key leads to, as it is written: ``menu:sales``, ``back``, ``transfer:204``, ``voicemail:100``."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

import msgspec

Aimed: TypeAlias = Literal["menu", "transfer", "station", "play", "language", "override"]
"""Actions with something after the colon."""

Bare: TypeAlias = Literal["back", "top", "repeat", "names", "exit", "hangup"]
"""Actions by themselves."""

HANDLER = "handler"
"""What is none of these: another plugin, and what it is asked for."""

KEYS, REST = "{keys}", "{rest}"
"""In what a pattern leads to: all keys of the entry, and those after the pattern's first wildcard."""

_PLACE = re.compile(r"\{[^}]*\}?")
_NUMBER = re.compile(r"[0-9*#,]+")


class Action(msgspec.Struct, frozen=True):
    """What is done.

    Attributes:
        verb: One of the words above, or ``handler``.
        what: What stands behind the colon; of a handler, all of it.
    """

    verb: Aimed | Bare | Literal["handler"]
    what: str = ""

    def __str__(self) -> str:
        if self.verb == HANDLER:
            return self.what
        return f"{self.verb}:{self.what}" if self.what else self.verb


def read_action(written: str) -> Action:
    """Read an action.

    Raises:
        ValueError: It leads nowhere: nothing is written, or nothing behind the colon of a word that needs it.
    """
    word, colon, what = written.partition(":")
    if word in get_args(Bare):
        if colon:
            raise ValueError(f"found {written!r}, but nothing stands behind {word!r}")
        return Action(word)  # type: ignore[arg-type]  # it is one of them
    if word in get_args(Aimed):
        if not what:
            raise ValueError(f"found {written!r}, expected '{word}:' and what is meant")
        if word == "transfer" and not _NUMBER.fullmatch(_PLACE.sub("0", what)):
            raise ValueError(f"found {written!r}: a number is digits, '*', '#', and ',' for a second's pause")
        return Action(word, what)  # type: ignore[arg-type]  # as above
    if not word:
        raise ValueError("nothing is written; expected an action such as 'menu:NAME', 'hangup' or 'voicemail:100'")
    return Action(HANDLER, written)  # type: ignore[arg-type]  # as above


def check_places(written: str, *, allowed: bool) -> None:
    """Check the places to fill in.

    Args:
        written: An action.
        allowed: Whether there is an entry to fill in.

    Raises:
        ValueError: There is a place where none can be, or of another name.
    """
    for place in _PLACE.findall(written):
        if not allowed:
            raise ValueError(f"found {written!r}, but {place!r} is filled in for keys only")
        if place not in (KEYS, REST):
            raise ValueError(f"found {place!r} in {written!r}, expected {KEYS!r} or {REST!r}")


def has_places(written: str) -> bool:
    """Whether an action has places to fill in."""
    return KEYS in written or REST in written


def filled(written: str, keys: str, rest: str) -> str:
    """An action with its places filled in."""
    return written.replace(KEYS, keys).replace(REST, rest)
