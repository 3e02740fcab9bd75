"""docs/reload.md: when each key is in force, which is what a reload does."""

from __future__ import annotations

import re

from support.system import ROOT

from ctportd.config.differences import EFFECTS, Effect

_WORDS = {
    "with the next call": Effect.CALL,
    "when the port has been connected anew": Effect.PORT,
    "when the ctserver has been replaced": Effect.SERVER,
    "at once": Effect.NOW,
    "at the next start": Effect.START,
}


def test_every_key_stands_where_it_belongs() -> None:
    """Each key of each table is in the row that is true of it, or in one for all, or all others, of its table."""
    text = (ROOT / "docs" / "reload.md").read_text()
    told: dict[tuple[str, str], Effect] = {}
    for keys, words in re.findall(r"^\| (`\[.*?) \| (.*?) \|$", text, re.MULTILINE):
        effect = next(effect for word, effect in _WORDS.items() if words.startswith(word))
        for table, named in re.findall(r"`\[+(\w+)\]+`,? ?([^;`]*)", keys):
            whole = "all" in named
            listed = (
                [key for key in EFFECTS[table] if (table, key) not in told] if whole else re.findall(r"\w+", named)
            )
            told |= {(table, key): effect for key in listed if key in EFFECTS[table]}
    assert told == {(table, key): effect for table, keys in EFFECTS.items() for key, effect in keys.items()}
