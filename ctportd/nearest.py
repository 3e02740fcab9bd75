"""The sentence for a name that does not exist, with the nearest one that does."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def no_such(thing: str, name: str, known: Iterable[str]) -> str:
    """Tell that there is no key (or plugin, or menu) of this name."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no {thing} {name!r}; did you mean {near[0]!r}?"
    return f"there is no {thing} {name!r}; there are: {', '.join(known) or 'none'}"
