"""What strangers can make the server's log hold: so many complaints a minute, and none of any length."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from ctportd.ration import Ration

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
        self._rations: dict[str, Ration] = {}

    def __call__(self, _logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The line, perhaps with ``left_out``.

        Raises:
            structlog.DropEvent: It is one too many.
        """
        if method not in _LIMITED:
            return line
        kind = line["event"]
        if kind not in self._rations:
            self._rations[kind] = Ration(_A_MINUTE, self._clock)
        may, left_out = self._rations[kind].take()
        if left_out:
            line["left_out"] = left_out
        if not may:
            raise structlog.DropEvent
        return line


def cut(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog's: no text is longer than 200 characters (what was wrong: 1000)."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = value[: _LONGEST_PROBLEM if key == "problem" else _LONGEST]
        elif isinstance(value, list | tuple):
            line[key] = [one[:_LONGEST] if isinstance(one, str) else one for one in value]
    return line
