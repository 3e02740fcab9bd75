"""Keys that a caller types until ``#``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd import Call


async def keyed_in(call: Call, longest: int, wait: int) -> str:
    """What is typed until ``#``, until no more comes for so many seconds, or until there is more than is taken.

    The ``#`` behind the longest is waited for, too: it is no answer to what is asked next.
    """
    keys = ""
    while (key := await call.collect(1, first=wait)) and key != "#" and len(keys) < longest:
        keys += key
    return keys
