"""Keys that a caller types until ``#``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd import Call


async def keyed_in(call: Call, longest: int, wait: int) -> str:
    """What is typed until ``#``, until no more comes for so many seconds, or until it is as long as that."""
    keys = ""
    while len(keys) < longest and (key := await call.collect(1, first=wait)) and key != "#":
        keys += key
    return keys
