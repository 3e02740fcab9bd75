"""What a blocking request waits for: its own end, a key, or an event that cuts it short."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.line import Signal

TELLING = frozenset({"ring", "dtmf", "cid", "toneend", "grunt"})
"""Events that are told, and cut short nothing but ``ctwaitforevent``. All others cut any request short, messages too."""


class Interrupted(ServerError):  # noqa: N818  named after what happened, as in ctportd.errors
    """An event cut the request short; the reply carries it.

    Attributes:
        signal: The event.
    """

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        super().__init__(f"cut short by {signal.name}")


class Wait:
    """One blocking request's wait. It ends once, and what it set going stops in that very moment.

    Attributes:
        asker: Whose request it is.
        keys: Keys that end it.
        on_end: Called when it ends, before anything else happens on the line.
        on_signal: Called with each event that does not end it.
        key: The key that ended it.
        cut_by: The event that cut it short.
        every_event: Any event cuts it short, not only those that cut all.
        spared: What would cut it short does not where this says so of the event's name.
    """

    def __init__(self, asker: object) -> None:
        self.asker = asker
        self.keys: frozenset[str] = frozenset()
        self.on_end: Callable[[], None] = _nothing
        self.on_signal: Callable[[Signal], None] = _nobody
        self.key = ""
        self.cut_by: Signal | None = None
        self.every_event = False
        self.spared: Callable[[str], bool] = _none
        self._over = False
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def cuts(self, signal: Signal) -> bool:
        """Whether this event would cut it short."""
        cutting = self.every_event or signal.name not in TELLING
        return not self.over and cutting and not self.spared(signal.name)

    def finish(self) -> None:
        """It ended as it should: what was to be done is done, or a key or the time ended it."""
        self._end(None)

    def pressed(self, key: str) -> None:
        """A key ended it."""
        self.key = self.key if self._over else key
        self._end(None)

    def interrupt(self, signal: Signal) -> None:
        """An event cuts it short."""
        self._end(signal)

    def abandon(self) -> None:
        """Nobody waits any more."""
        self._end(None)

    def _end(self, signal: Signal | None) -> None:
        if self._over:
            return
        self._over = True
        self.cut_by = signal
        if not self._future.done():  # it is where the task that waits was cancelled
            self._future.set_result(None)
        self.on_end()

    async def ended(self) -> None:
        """Wait for the end.

        Raises:
            Interrupted: An event cut it short.
        """
        await self._future
        if self.cut_by is not None:
            raise Interrupted(self.cut_by)


def _none(_: str) -> bool:
    """No event is spared."""
    return False


def _nothing() -> None:
    """What a request stops that has set nothing going."""


def _nobody(signal: Signal) -> None:
    """A request that looks at no event."""
