"""What callers key in, told from the entries of a menu: the attendant's notation, and when an entry is over."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.auto_attendant.matching import MOST_KEYS, Keying, read_pattern

_PARTS = ["1", "2", "3", "*", "#", "X", "Z", "N", "[13]", "[1-3]"]

ENTRIES = st.lists(
    st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4).map("".join), min_size=1, max_size=6, unique=True
)


def keyed(entries: list[str], keys: str, end: str = "#") -> tuple[str | None, str, str]:
    """The entry that is chosen, what belongs to it, and what is left for whatever comes next."""
    keying = Keying(map(read_pattern, entries), end)
    left = list(keys)
    while left and not keying.over:
        keying.press(left.pop(0))
    chosen = keying.chosen
    return chosen.text if chosen else None, keying.keys + ("" if keying.over else "..."), "".join(left)


@pytest.mark.parametrize(
    ("entries", "keys", "told"),
    [
        (["1", "2"], "1", ("1", "1", "")),  # at once
        (["1", "2"], "12", ("1", "1", "2")),  # what is typed ahead is the next menu's
        (["1", "12"], "1", ("1", "1...", "")),  # the time between keys decides
        (["1", "12"], "12", ("12", "12", "")),
        (["1", "12"], "1#", ("1", "1", "")),  # or the key that ends it
        (["1", "12"], "13", (None, "13...", "")),  # one mistake, until the caller pauses
        (["1", "12"], "137#", (None, "137", "")),
        (["1", "12", "1#"], "1#", ("1#", "1#", "")),  # unless it is a key of an entry
        (["1", "#"], "#", ("#", "#", "")),
        (["1"], "#", (None, "#...", "")),
        (["1"], "9", (None, "9...", "")),
        (["200", "201"], "20", (None, "20...", "")),
        (["200", "201"], "2015", ("201", "201", "5")),
        (["1XX", "199"], "199", ("199", "199", "")),  # who says more is meant
        (["1XX", "1[89]X", "1ZN"], "182", ("1[89]X", "182", "")),
        (["[2-4]XX"], "512", (None, "512...", "")),
        (["NZX"], "210", ("NZX", "210", "")),
        (["NZX"], "200", (None, "200...", "")),
        (["9."], "9", (None, "9...", "")),  # at least one more
        (["9."], "9#", (None, "9", "")),
        (["9."], "95551234", ("9.", "95551234...", "")),
        (["9."], "9555#1", ("9.", "9555", "1")),
        (["9.", "911"], "911", ("911", "911...", "")),
        (["9.", "90."], "901", ("90.", "901...", "")),
        (["*1", "*"], "*", ("*", "*...", "")),
        ([], "5", (None, "5...", "")),
    ],
)  # fmt: skip
def test_entry_is_over(entries: list[str], keys: str, told: tuple[str | None, str, str]) -> None:
    """Which entry is chosen, what belongs to it (dots: the time between keys still runs), what is left."""
    assert keyed(entries, keys) == told


def test_entry_has_no_end_of_keys() -> None:
    """However long somebody goes on, there is an end; without a key that ends entries, it is one like the others."""
    chosen, keys, left = keyed(["9."], "9" * 500)
    assert (chosen, len(keys), len(left)) == ("9.", MOST_KEYS, 500 - MOST_KEYS)
    assert keyed(["1"], "9" * 500)[1] == "9" * MOST_KEYS
    assert keyed(["1", "12"], "1#", end="") == (None, "1#...", "")
    assert keyed(["1", "12"], "1*2", end="*") == ("1", "1", "2")


@settings(deadline=None)  # a busy machine takes its time
@given(ENTRIES, st.text("0123*#", max_size=6))
def test_machine_does_what_the_notation_says(entries: list[str], keys: str) -> None:
    """Key by key: over at the first entry that no longer one begins with, and a regular expression agrees on which."""
    classes = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", "*": "[*]"}
    rules = {entry: re.sub(r"\[[^]]*\]|.", lambda part: classes.get(part[0], part[0]), entry) for entry in entries}
    keying = Keying(map(read_pattern, entries))
    for key in keys:
        if keying.over:
            break
        keying.press(key)
        right = {entry for entry, rule in rules.items() if re.fullmatch(rule, keying.keys)}
        assert (keying.chosen.text in right) if keying.chosen else not right
        longer = [entry for entry in entries if read_pattern(entry).begins(keying.keys)]
        assert keying.over == (bool(right) and not longer)


@settings(deadline=None)  # a busy machine takes its time
@given(ENTRIES)
def test_examples_are_entries(entries: list[str]) -> None:
    """Each example of a pattern matches it, and none of its beginnings does."""
    for entry in entries:
        pattern = read_pattern(entry)
        examples = list(pattern.examples(20))
        assert examples
        assert all(pattern.matches(keys) and not pattern.matches(keys[:-1]) for keys in examples)
        assert all(pattern.begins(keys[:-1]) for keys in examples)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "without keys"),
        ("1Y", "found 'Y' in the entry '1Y', expected keys"),
        ("[12", "']' is missing"),
        ("[]1", "found '[]'"),
        ("[4-2]", "found '4-2'"),
        ("[1-x]", "found '1-X'"),
        ("[1y]", "found 'Y'"),
        ("1.2", "found '.' in the entry '1.2'"),
        ("1 2", "found ' '"),
    ],
)
def test_what_is_no_entry_is_told(text: str, problem: str) -> None:
    """With the part that is wrong."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_pattern(text)
