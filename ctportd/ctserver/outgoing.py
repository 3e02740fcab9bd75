"""A call that a trunk port makes: from the first key to the answer, or to busy tone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.directory import Caller, Directory
    from ctportd.ctserver.line import Alarm
    from ctportd.ctserver.virtual import Far

_LAST_KEY = 2.0
"""Seconds after a key in which another may follow; a number that cannot grow is put through at once."""

_NO_ANSWER = 60.0
"""Seconds for which the far end is rung: ten rings, after which the exchange gives up."""


class Outgoing:
    """The number that is being dialled, and who was found under it.

    Attributes:
        far: Who is rung; None before.
        given_up: Called when nobody answers.
    """

    def __init__(
        self,
        caller: Caller,
        directory: Directory,
        after: Callable[[float, Callable[[], None]], Alarm],
        period: float,
    ) -> None:
        """``after`` sets alarms in the line's time, ``period`` is from one ring to the next, in seconds."""
        self._caller = caller
        self._directory = directory
        self._after = after
        self._period = period
        self._number = ""
        self._rings = 0
        self._alarm: Alarm | None = None
        self.far: Far | None = None
        self.given_up: Callable[[], None] = self.give_up

    def key(self, key: str, put_through: Callable[[], None]) -> None:
        """One more key; ``put_through`` is called when it was the last."""
        self.stop()
        if key != "#" or not self._number:
            self._number += key
        if (key == "#" and self._number != "#") or self._directory.is_complete(self._number):
            put_through()
        else:
            self._alarm = self._after(_LAST_KEY, put_through)

    def ring(self, own_number: str, own_name: str, given_up: Callable[[], None]) -> bool:
        """Ring whose number was dialled, with this caller ID. False: it is nobody's, or busy, as one's own is."""
        callee = self._directory.find(self._number)
        if callee is None:
            return False
        self.given_up = given_up
        self.far = callee.ring(self._caller, own_number, own_name)
        if self.far is not None:
            self._ring_again()
        return self.far is not None

    def _ring_again(self) -> None:
        if self.far is None:
            return
        if self._rings * self._period >= _NO_ANSWER:
            self.given_up()
            return
        self._rings += 1
        self.far.tell("ringing", count=self._rings)
        self._alarm = self._after(self._period, self._ring_again)

    def stop(self) -> None:
        """Neither dial nor ring any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def give_up(self) -> None:
        """Who is rung need not answer any more."""
        self.stop()
        far, self.far = self.far, None
        if far is not None:
            far.tell("ended", reason="hangup")
