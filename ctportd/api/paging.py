"""Long lists in pieces: none is so long that it holds up the lines."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

from msgspec import Meta

_T = TypeVar("_T")

MOST = 1000
"""Things in one answer: so many take some 10 ms, and half a megabyte (our figure)."""

Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MOST)]
"""How many there are to be at most."""


def page_of(found: list[_T], limit: int) -> tuple[list[_T], bool]:
    """The first so many of what was found by asking for one more, and whether more follow."""
    return found[:limit], len(found) > limit
