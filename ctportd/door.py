"""How many connections are let in, and who makes room when there are no more places."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Guest:
    """A connection that was let in.

    Attributes:
        settled: It has said what it wants. Nobody is put out who has.
    """

    def __init__(self, put_out: Callable[[], None]) -> None:
        self.settled = False
        self._put_out = put_out

    def settle(self) -> None:
        """It says what it wants."""
        self.settled = True

    def put_out(self) -> None:
        """End its connection."""
        self._put_out()


class Door:
    """A place for each connection, as long as there are places.

    A stranger who opens connections and says nothing locks nobody out: where all places are taken, the guest who has
    been silent for the longest time makes room.

    Args:
        places: How many there are.

    Attributes:
        places: As given; it may be changed.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._guests: dict[Guest, None] = {}  # the oldest first

    @property
    def taken(self) -> int:
        """How many places are."""
        return len(self._guests)

    def enter(self, put_out: Callable[[], None]) -> Guest | None:
        """Take a place; None: there is none, and nobody is silent who could be put out.

        ``put_out`` ends the connection of the guest; it is called at most once, and before the guest has left.
        """
        if self.taken >= self.places and not self._make_room():
            return None
        guest = Guest(put_out)
        self._guests[guest] = None
        return guest

    def _make_room(self) -> bool:
        silent = next((guest for guest in self._guests if not guest.settled), None)
        if silent is None:
            return False
        self.leave(silent)
        silent.put_out()
        return True

    def leave(self, guest: Guest) -> None:
        """Its place is free. No harm where it was put out before."""
        self._guests.pop(guest, None)
