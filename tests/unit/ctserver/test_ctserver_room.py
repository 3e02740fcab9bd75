"""Who is let in at a port, and who makes room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.ctserver.room import Room

if TYPE_CHECKING:
    from ctportd.ctserver.room import Visitor


class Visitors:
    """Clients that come to a room of four, by name."""

    def __init__(self) -> None:
        self.now = 0.0
        self.room = Room(4, lambda: self.now)
        self.put_out: list[str] = []

    def enter(self, name: str) -> Visitor | None:
        """One comes, a second after whatever happened last."""
        self.now += 1
        return self.room.enter(lambda: self.put_out.append(name))

    def admitted(self, name: str, *, asks: bool = True) -> Visitor:
        """One comes for whom there is room."""
        visitor = self.enter(name)
        assert visitor is not None
        if asks:
            self.ask(visitor)
        return visitor

    def ask(self, visitor: Visitor) -> None:
        """It asks for something, a second later."""
        self.now += 1
        visitor.asked()


def test_whoever_never_asked_makes_room_first() -> None:
    """The oldest of them; but not the oldest of all, which is the daemon's."""
    visitors = Visitors()
    visitors.admitted("daemon", asks=False)
    visitors.admitted("speaker")
    for name in ("first", "second", "third", "fourth"):
        visitors.admitted(name, asks=False)
    assert visitors.put_out == ["first", "second"]


def test_whoever_asked_last_the_longest_time_ago_makes_room() -> None:
    """One word does not keep a place for ever."""
    visitors = Visitors()
    daemon, first, _, _ = [visitors.admitted(name) for name in ("daemon", "first", "second", "third")]
    visitors.ask(first)
    for name in ("fourth", "fifth", "sixth"):
        visitors.admitted(name)
    assert visitors.put_out == ["second", "third", "first"]
    visitors.room.leave(daemon)
    visitors.admitted("seventh")
    visitors.admitted("eighth")
    assert visitors.put_out == ["second", "third", "first", "fifth"], "the fourth is the oldest now"


def test_nobody_is_put_out_for_whom_something_runs() -> None:
    """Then there is no place, until it is done."""
    visitors = Visitors()
    visitors.admitted("daemon")
    running = [visitors.admitted(name) for name in ("first", "second", "third")]
    for visitor in running:
        visitor.busy = lambda: True
    assert visitors.enter("fourth") is None
    running[1].busy = lambda: False
    assert visitors.enter("fifth") is not None
    assert visitors.put_out == ["second"]


def test_visitor_leaves_once() -> None:
    """One that was put out frees no second place when its connection ends."""
    visitors = Visitors()
    _, first, *_ = [visitors.admitted(name) for name in ("daemon", "first", "second", "third")]
    visitors.admitted("fourth")
    visitors.room.leave(first)
    visitors.admitted("fifth")
    assert visitors.put_out == ["first", "second"]
