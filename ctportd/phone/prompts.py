"""What the prompts that ship with ctportd say, so that a call can be read."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def texts() -> dict[str, str]:
    """The text of each prompt by its name; a sound that is no speech has none."""
    table = resources.files("ctportd").joinpath("prompts", "prompts.tsv")
    found = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        name, tab, text = line.partition("\t")
        if tab and not line.startswith("#") and not text.startswith("["):
            found[name] = text.strip()
    return found
