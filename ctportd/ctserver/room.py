"""Who has a place at a port's door: where all are taken, whoever has been silent for the longest time makes room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Visitor:
    """A client that was let in.

    Attributes:
        last: When it last asked for something that makes sense; None: it never has.
        busy: Whether something runs for it, or waits to be begun.
    """

    def __init__(self, put_out: Callable[[], None], clock: Callable[[], float]) -> None:
        self.last: float | None = None
        self.busy: Callable[[], bool] = _idle
        self._put_out = put_out
        self._clock = clock

    def asked(self) -> None:
        """It asks for something that makes sense."""
        self.last = self._clock()

    def put_out(self) -> None:
        """End its connection."""
        self._put_out()


def _idle() -> bool:
    return False


class Room:
    """A place for each client, as long as there are places.

    Nobody locks others out, neither with silence nor with a word now and then: where all places are taken, one of those
    for whom nothing runs makes room. First comes who has never asked for anything, the oldest of them; then who last
    asked the longest time ago. The oldest client of all never makes room: it is the daemon's, which listens for a ring.
    """

    def __init__(self, places: int, clock: Callable[[], float]) -> None:
        """``places``: how many there are. ``clock`` gives seconds."""
        self._places = places
        self._clock = clock
        self._visitors: dict[Visitor, None] = {}  # the oldest first

    @property
    def taken(self) -> int:
        """How many places are."""
        return len(self._visitors)

    def enter(self, put_out: Callable[[], None]) -> Visitor | None:
        """Take a place; None: there is none, and nobody who could make room.

        ``put_out`` ends the connection of the visitor; it is called at most once, and before the visitor has left.
        """
        if self.taken >= self._places and not self._make_room():
            return None
        visitor = Visitor(put_out, self._clock)
        self._visitors[visitor] = None
        return visitor

    def _make_room(self) -> bool:
        _, *others = self._visitors
        idle = [visitor for visitor in others if not visitor.busy()]
        if not idle:
            return False
        silent = min(idle, key=_last)  # the oldest of equals
        self.leave(silent)
        silent.put_out()
        return True

    def leave(self, visitor: Visitor) -> None:
        """Its place is free. No harm where it was put out before."""
        self._visitors.pop(visitor, None)


def _last(visitor: Visitor) -> float:
    return float("-inf") if visitor.last is None else visitor.last
