"""Caller ID as the wire can carry it: words, without what no value may hold."""

from __future__ import annotations

_NAME_WORDS = 7
"""Words of a caller's name that an event can carry beside its own name and the number: nine arguments."""


def caller_words(number: str, name: str) -> tuple[str, ...]:
    """A number and a name as arguments of the wire, which cannot hold a space."""
    return (_sayable(number), *tuple(filter(None, (_sayable(word) for word in name.split())))[:_NAME_WORDS])


def _sayable(word: str) -> str:
    """A word without what no value of the wire can hold."""
    return "".join(letter for letter in word if letter.isprintable() and not letter.isspace())
