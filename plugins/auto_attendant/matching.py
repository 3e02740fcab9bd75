"""What was keyed in, told from the entries of a menu key by key; no clock and no line.

The notation of a pattern is that of dial plans: ``X`` any digit, ``Z`` 1 to 9, ``N`` 2 to 9, ``[2-4]`` one of these,
``.`` at the end any further keys, one at least. Everything else stands for itself.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import msgspec

from ctportd import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DIGITS = "0123456789"

MOST_KEYS = 64
"""An entry has no more, however long a caller goes on (our figure: a number has 15)."""

_SETS = {"X": DIGITS, "Z": DIGITS[1:], "N": DIGITS[2:]}


class Pattern(msgspec.Struct, frozen=True):
    """An entry of a menu.

    Attributes:
        text: As it is written.
        sets: For each key, which ones will do.
        start: How many keys stand for themselves, before the first that may be one of several.
        open: Whether any further keys may follow, and one must.
    """

    text: str
    sets: tuple[str, ...]
    start: int
    open: bool = False

    def begins(self, keys: str) -> bool:
        """Whether more keys could make this entry of these."""
        fits = all(key in allowed for key, allowed in zip(keys, self.sets, strict=False))
        return fits and (self.open or len(keys) < len(self.sets))

    def matches(self, keys: str) -> bool:
        """Whether these keys are this entry."""
        if len(keys) < len(self.sets) + self.open or (len(keys) > len(self.sets) and not self.open):
            return False
        return all(key in allowed for key, allowed in zip(keys, self.sets, strict=False))

    @property
    def vagueness(self) -> tuple[bool, int, int]:
        """Of several that match, the least vague one is meant: it says more keys, or fewer will do for each."""
        return self.open, -len(self.sets) if self.open else 0, math.prod(map(len, self.sets))

    def examples(self, most: int) -> Iterator[str]:
        """Keys that are this entry, the shortest ones of an open one."""
        ways = itertools.product(*self.sets, *([DIGITS] if self.open else []))
        return map("".join, itertools.islice(ways, most))


def read_pattern(text: str) -> Pattern:
    """Read an entry.

    Raises:
        ValueError: It is none.
    """
    sets: list[str] = []
    rest = text.upper()
    while rest and rest != ".":
        if rest[0] == "[":
            inside, bracket, rest = rest[1:].partition("]")
            if not bracket:
                raise ValueError(f"found the entry {text!r}, in which ']' is missing")
            sets.append(_set(inside, text))
        else:
            sets.append(_SETS.get(rest[0], rest[0] if rest[0] in KEYS else ""))
            if not sets[-1]:
                raise ValueError(
                    f"found {rest[0]!r} in the entry {text!r}, expected keys, X, Z, N, [...] or a last '.'"
                )
            rest = rest[1:]
    if not sets and not rest:
        raise ValueError("found an entry without keys")
    start = next((index for index, allowed in enumerate(sets) if len(allowed) > 1), len(sets))
    return Pattern(text, tuple(sets), start, open=rest == ".")


def _set(inside: str, text: str) -> str:
    """The keys of ``[2-4]`` or ``[159]``."""
    keys: set[str] = set()
    while inside:
        if inside[1:2] == "-" and len(inside) > 2:
            first, last, inside = inside[0], inside[2], inside[3:]
            if not (first in DIGITS and last in DIGITS and first <= last):
                raise ValueError(f"found '{first}-{last}' in the entry {text!r}, expected digits like '2-4'")
            keys.update(DIGITS[int(first) : int(last) + 1])
        else:
            if inside[0] not in KEYS:
                raise ValueError(f"found {inside[0]!r} in the entry {text!r}, expected keys like [2-4] or [159]")
            keys.add(inside[0])
            inside = inside[1:]
    if not keys:
        raise ValueError(f"found '[]' in the entry {text!r}, expected keys like [2-4] or [159]")
    return "".join(sorted(keys))


class Keying:
    """One entry as it is keyed in.

    It is over at once when it can be nothing else: it is one of the entries, and no longer one begins so. Where a longer
    one does, the time between keys decides, or the key that ends entries. So it is with keys that can become no entry:
    what a caller keys in without a pause is one mistake, not several.

    Args:
        patterns: The entries.
        end: The key that ends one, if it is none of the keys of an entry then; empty: none does.

    Attributes:
        keys: What was keyed in, without the key that ends it.
        over: Whether nothing more belongs to it.
    """

    def __init__(self, patterns: Iterable[Pattern], end: str = "") -> None:
        self._patterns = sorted(patterns, key=lambda pattern: pattern.vagueness)
        self._end = end
        self.keys = ""
        self.over = False

    def press(self, key: str) -> None:
        """A key came."""
        keys = self.keys + key
        if key == self._end and self.keys and not self._goes_on(keys):
            self.over = True
            return
        self.keys = keys
        begins = any(pattern.begins(keys) for pattern in self._patterns)
        self.over = len(keys) >= MOST_KEYS or (self.chosen is not None and not begins)

    def _goes_on(self, keys: str) -> bool:
        """Whether an entry has these keys, or begins with them, by itself and not for taking any keys that follow."""
        return any(
            pattern.matches(keys) or pattern.begins(keys)
            for pattern in self._patterns
            if len(keys) <= len(pattern.sets)
        )

    @property
    def chosen(self) -> Pattern | None:
        """The entry that was keyed in; None where it is none."""
        return next((pattern for pattern in self._patterns if pattern.matches(self.keys)), None)
