"""What can be dialled from a telephone set, and when a number is complete. No I/O: texts in, texts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLASSES = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
_MORE = "."
_KEYS = frozenset("0123456789*")
_LONGEST = 32  # keys of a number: no telephone number has half as many

Does: TypeAlias = Literal["ring", "hand over", "outside"]


def check_pattern(pattern: str) -> None:
    """See that a pattern is one.

    ``X`` is any digit, ``Z`` one of 1 to 9, ``N`` one of 2 to 9; a dot at the end is one or more digits; a digit, and
    ``*``, is itself.

    Raises:
        ValueError: It is none.
    """
    body = pattern.removesuffix(_MORE)
    if not body or not set(body) <= _KEYS | set(_CLASSES):
        raise ValueError(
            f"found the pattern {pattern!r}, expected digits, *, X, Z, N, and perhaps a dot at the end"
        )


class Fit(NamedTuple):
    """How keys fit a pattern: they are all of it, and more keys could still make them so."""

    whole: bool
    open: bool


def fit(pattern: str, keys: str) -> Fit:
    """Hold keys against a pattern."""
    body = pattern.removesuffix(_MORE)
    if any(key not in _CLASSES.get(place, place) for place, key in zip(body, keys, strict=False)):
        return Fit(whole=False, open=False)
    if body == pattern:
        return Fit(whole=len(keys) == len(body), open=len(keys) < len(body))
    rest = keys[len(body) :]
    fits = len(keys) <= _LONGEST and (not rest or rest.isdecimal())
    return Fit(whole=fits and bool(rest), open=fits and len(keys) < _LONGEST)


class Entry(NamedTuple):
    """A number, or several, and what dialling one does.

    Attributes:
        pattern: The number as it is dialled, prefix and all.
        does: ``ring`` a set, ``hand over`` to a plugin, dial ``outside``.
        what: The set's extension, the handler, or the prefix that is not dialled outside.
    """

    pattern: str
    does: Does
    what: str


class Plan:
    """All that one set may dial."""

    def __init__(self, entries: Iterable[Entry], denied: Iterable[str] = (), prefix: str = "") -> None:
        """``denied`` are patterns of numbers, with the prefix, that are refused whatever else fits."""
        self._entries = list(entries)
        self._denied = list(denied)
        self._prefix = prefix

    def find(self, keys: str) -> Entry | None:
        """What these keys are; None where they are nothing, or nothing that is allowed."""
        if any(fit(pattern, keys).whole for pattern in self._denied):
            return None
        return next((entry for entry in self._entries if fit(entry.pattern, keys).whole), None)

    def may_grow(self, keys: str) -> bool:
        """Whether more keys could make another number of it."""
        return any(fit(entry.pattern, keys).open for entry in self._entries)

    def leads_outside(self, keys: str) -> bool:
        """Whether somebody meant to dial outside."""
        return bool(self._prefix) and keys.startswith(self._prefix)
