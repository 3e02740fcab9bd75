"""When a process that lives long has come to hold too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.run import Measured

_MOST = {"fds": 15, "tasks": 3, "threads": 8, "rss_kb": 12_000}
"""How much more of each a process at rest may hold at the end: the five connections that the database's pool keeps once
they were needed, of three files and a thread each, a thread of the pools, and what an allocator keeps. A leak of one a
call is hundreds, one of one a fault is dozens."""


def of(name: str, measured: Measured) -> Iterator[str]:
    """What a process holds too much of, in words."""
    if measured.end is None:
        return
    for what, most in _MOST.items():
        start, end = getattr(measured.start, what), getattr(measured.end, what)
        if start is not None and end is not None and end - start > most:
            yield f"{name} (pid {measured.end.pid}): {what} {start} at first, {end} at the end"
