"""Who is let in, and who makes room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.door import Door

if TYPE_CHECKING:
    from ctportd.door import Guest


class Visitors:
    """Connections that try a door, by name."""

    def __init__(self, places: int) -> None:
        self.door = Door(places)
        self.put_out: list[str] = []

    def enter(self, name: str) -> Guest | None:
        """One comes."""
        return self.door.enter(lambda: self.put_out.append(name))

    def admitted(self, name: str) -> Guest:
        """One comes for whom there is room."""
        guest = self.enter(name)
        assert guest is not None
        return guest


def test_oldest_silent_guest_makes_room() -> None:
    """Whoever has said something stays, however old."""
    visitors = Visitors(3)
    visitors.admitted("speaker").settle()
    for name in ("first", "second", "third", "fourth"):
        visitors.admitted(name)
    assert visitors.put_out == ["first", "second"]
    assert visitors.door.taken == 3


def test_nobody_who_has_settled_is_put_out() -> None:
    """A newcomer finds no place; one that leaves makes one."""
    visitors = Visitors(2)
    guests = [visitors.admitted(name) for name in ("a", "b")]
    for guest in guests:
        guest.settle()
    assert visitors.enter("c") is None
    visitors.door.leave(guests[0])
    assert visitors.enter("c") is not None
    assert visitors.put_out == []


def test_guest_leaves_once() -> None:
    """One that was put out frees no second place when its connection ends."""
    visitors = Visitors(1)
    first = visitors.admitted("first")
    second = visitors.admitted("second")
    visitors.door.leave(first)
    assert visitors.door.taken == 1
    second.settle()
    assert visitors.enter("third") is None
