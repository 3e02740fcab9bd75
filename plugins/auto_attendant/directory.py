"""Who is meant by a few letters that were keyed in. Names become the keys that have their letters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from anyascii import anyascii

from .ways import Extension

if TYPE_CHECKING:
    from collections.abc import Mapping

FEWEST, ENOUGH = 2, 3
"""Letters that must be keyed in, and with which the search begins by itself."""

CHOICES = 8
"""How many names are read out at once."""

_KEYS = {letter: key for key, letters in {
    "2": "abc", "3": "def", "4": "ghi", "5": "jkl", "6": "mno", "7": "pqrs", "8": "tuv", "9": "wxyz",
}.items() for letter in letters}  # fmt: skip


def words(name: str) -> list[str]:
    """A name's words in plain small letters: Jürgen Łoś is jurgen los. The first time a script is met, it is read."""
    plain = re.sub("['`]", "", anyascii(name)).lower()
    return re.findall(r"[a-z]+", plain)


def keys_of(name: str) -> list[str]:
    """What may be keyed in for a name: beginning with any of its words, and going on with those after it."""
    parts = ["".join(_KEYS[letter] for letter in word) for word in words(name)]
    return ["".join(parts[index:] + parts[:index]) for index in range(len(parts))]


def find(extensions: Mapping[str, str | Extension], keys: str) -> dict[str, Extension]:
    """Everybody whose name may be meant, by extension, in the order of their names; nobody for too few letters.

    Args:
        extensions: All extensions.
        keys: What was keyed in.
    """
    if len(keys) < FEWEST:
        return {}
    found = [
        (words(way.name), number, way)
        for number, way in extensions.items()
        if isinstance(way, Extension) and any(name.startswith(keys) for name in keys_of(way.name))
    ]
    return {number: way for _, number, way in sorted(found, key=lambda each: each[:2])}
