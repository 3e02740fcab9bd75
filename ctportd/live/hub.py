"""What happens and what is logged, for whoever follows it.

As long as nobody does, nothing is told of: whoever tells looks at one attribute. It goes on for a minute after the last
has left, so that one who comes back has missed nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.live.events import LiveEvent
from ctportd.live.ring import Ring
from ctportd.live.telling import port_event, told_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from ctportd.calls.call import Call
    from ctportd.links.port import Port

    Listen = Callable[[str, dict[str, Any]], None]

log = structlog.stdlib.get_logger("ctportd.live")

EVENTS = 2000
"""Events that are kept: who is slower, or away for longer, is told how many are gone (our figure)."""

LINES = 1000
"""Lines of the log that are kept (our figure)."""

LINGER = 60.0
"""Seconds for which events are kept when nobody follows any more (our figure)."""


class Hub:
    """What happens.

    Args:
        listen: Has everything told from now on, as observers are: a hook and its arguments; or, with None, no more.
        call_on: The call on a port.
        now: The date and time, in UTC.

    Attributes:
        events: Those that were told.
        lines: Those that were logged, as JSON.
    """

    def __init__(
        self,
        listen: Callable[[Listen | None], None],
        call_on: Callable[[Port], Call | None],
        now: Callable[[], datetime],
    ) -> None:
        self.events: Ring[LiveEvent] = Ring(EVENTS)
        self.lines: Ring[bytes] = Ring(LINES)
        self._listen = listen
        self._call_on = call_on
        self._now = now
        self._followers = 0
        self._ending: asyncio.TimerHandle | None = None

    @contextmanager
    def following(self) -> Iterator[Ring[LiveEvent]]:
        """Have events told as long as the block lasts."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        elif not self._followers:
            self.events.clear()  # nobody knows what has happened meanwhile
            self._listen(self._take)
        self._followers += 1
        try:
            yield self.events
        finally:
            self._followers -= 1
            if not self._followers:
                self._ending = asyncio.get_running_loop().call_later(LINGER, self._end)

    def _end(self) -> None:
        self._ending = None
        self._listen(None)

    def _take(self, hook: str, arguments: Mapping[str, Any]) -> None:
        """Raises nothing: whoever tells has a call in its hands."""
        try:
            self._add(hook, arguments)
        except Exception:
            log.exception("an event cannot be shown live", hook=hook)

    def _add(self, hook: str, arguments: Mapping[str, Any]) -> None:
        if hook == "port_event":
            port = arguments["port"]
            hook, told = port_event(port, arguments["event"], self._call_on(port))
        else:
            known = told_by(hook, arguments)
            if known is None:
                return
            told = known
        self.events.add(LiveEvent(self._now(), hook, **told))
