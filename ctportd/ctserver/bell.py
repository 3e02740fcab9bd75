"""Rings a line for a call that comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.line import Alarm
    from ctportd.ctserver.tones import Country


class Bell:
    """The rings of one call after the other, in the line's time.

    Attributes:
        rings: How often the call has rung.
    """

    def __init__(
        self,
        country: Country,
        after: Callable[[float, Callable[[], None]], Alarm],
        rung: Callable[[int], None],
        send_caller: Callable[[], None],
    ) -> None:
        """``rung`` is told of each ring, ``send_caller`` called for the caller ID; ``after`` sets alarms."""
        self._country = country
        self._after = after
        self._rung = rung
        self._send_caller = send_caller
        self._alarms: list[Alarm] = []
        self.rings = 0

    def begin(self) -> None:
        """A call comes in: ring at once, and on until it is stopped."""
        self.rings = 0
        self._ring()

    def _ring(self) -> None:
        self.rings += 1
        country = self._country
        self._alarms = [self._after(country.ring_period, self._ring)]
        if self.rings == 1:
            # caller ID stands in the rest after the first ring, clear of both rings
            rest = country.ring_period - country.ring_seconds
            self._alarms.append(self._after(country.ring_seconds + rest / 4, self._send_caller))
        self._rung(self.rings)

    def stop(self) -> None:
        """Ring no more."""
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms = []
