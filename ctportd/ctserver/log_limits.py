"""What strangers can make the server's log hold: so many complaints a minute, and none of any length."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

_LIMITED = {"warning", "error"}

_A_MINUTE = 20
"""Complaints of one kind that are told in a minute."""

_LONGEST = 200
"""Characters of a value."""

_LONGEST_PROBLEM = 1000
"""And of what was wrong: a path, with what the system says of it."""


class Sparing:
    """A processor of structlog's: lets through twenty warnings of one kind a minute, and then tells how many it did not.

    The kinds are the server's own, so there are few. What is told in the ordinary course of a call is not limited.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds."""
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}

    def __call__(self, _logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The line, perhaps with ``left_out``.

        Raises:
            structlog.DropEvent: It is one too many.
        """
        if method not in _LIMITED:
            return line
        now = self._clock()
        minute = self._minutes.get(line["event"])
        if minute is None or now >= minute.ends:
            left_out = 0 if minute is None else minute.told - _A_MINUTE
            if left_out > 0:
                line["left_out"] = left_out
            minute = self._minutes[line["event"]] = _Minute(now + 60.0)
        minute.told += 1
        if minute.told > _A_MINUTE:
            raise structlog.DropEvent
        return line


class _Minute:
    """A minute of one kind of complaint: when it ends, and how many there were."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.told = 0


def cut(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog's: no text is longer than 200 characters (what was wrong: 1000)."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = value[: _LONGEST_PROBLEM if key == "problem" else _LONGEST]
        elif isinstance(value, list | tuple):
            line[key] = [one[:_LONGEST] if isinstance(one, str) else one for one in value]
    return line
