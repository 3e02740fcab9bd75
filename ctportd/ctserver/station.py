"""A station line of the virtual exchange: a telephone set on the other end of a port."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ctportd.ctserver.dtmf import KeyDetector
from ctportd.ctserver.line import Signal
from ctportd.ctserver.virtual import VirtualLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.settings import LineKind
    from ctportd.ctserver.tones import Country
    from ctportd.ctserver.virtual import Far, VirtualAlarm


class StationState(StrEnum):
    """What is going on on a station line."""

    IDLE = "idle"
    RINGING = "ringing"
    CONNECTED = "connected"  # the set is lifted
    ENDED = "ended"  # it was put down, and the port has not yet ended the call


class StationLine(VirtualLine):
    """A line between a port and a set, which may be there or not.

    ::

        IDLE -- ring --> RINGING          IDLE, RINGING, ENDED -- set is lifted --> CONNECTED
        CONNECTED -- set is put down --> ENDED          CONNECTED, ENDED -- hang_up --> IDLE
    """

    def __init__(self, number: int, listener: Callable[[Signal], None], country: Country) -> None:
        super().__init__(number, listener)
        self._country = country
        self._state = StationState.IDLE
        self._set: Far | None = None
        self._rings = 0
        self._bell: VirtualAlarm | None = None
        self._keys = KeyDetector(self.pressed)

    @property
    def kind(self) -> LineKind:
        """A station line."""
        return "station"

    @property
    def state(self) -> str:
        """One word for people."""
        return self._state.value

    @property
    def off_hook(self) -> bool:
        """Whether there is a call."""
        return self._state in {StationState.CONNECTED, StationState.ENDED}

    @property
    def ringing(self) -> bool:
        """Whether the set is being rung."""
        return self._state is StationState.RINGING

    @property
    def far_gone(self) -> bool:
        """Whether the set was put down."""
        return self._state is StationState.ENDED

    @property
    def rings(self) -> int:
        """A station port is not rung: it rings its set."""
        return 0

    # what the set does

    def attach(self, telephone: Far) -> bool:
        """A set is connected, on hook. False: there is one."""
        if self._set is not None:
            return False
        self._set = telephone
        if self._state is StationState.RINGING:
            telephone.tell("ringing", count=self._rings)
        return True

    def lifted(self) -> None:
        """The set goes off hook: it answers, or begins a call."""
        if self._state is StationState.CONNECTED or self._set is None:
            return
        self.stop_ringing()
        self._state = StationState.CONNECTED
        self._far = self._set
        self._far.begin()
        self._far.tell("answered")
        self.listener(Signal("pickup"))

    def far_hung_up(self) -> None:
        """The set goes on hook; it stays attached."""
        self._far = None
        if self._state is StationState.CONNECTED:
            self._state = StationState.ENDED
            self.listener(Signal("hangup"))

    def detached(self) -> None:
        """The set's connection is lost."""
        self._set = None
        self.far_hung_up()

    def pressed(self, key: str) -> None:
        """The set's key."""
        if self._state is StationState.CONNECTED:
            self.listener(Signal("dtmf", (key,)))

    def flashed(self) -> None:
        """The set's hook flash."""
        if self._state is StationState.CONNECTED:
            self.listener(Signal("flash"))

    def incoming(self, frame: bytes) -> None:
        """20 ms came in."""
        if self._state is StationState.CONNECTED:
            self._keys.write(frame)
        if self.off_hook:
            super().incoming(frame)

    def close(self) -> None:
        """The exchange stops."""
        if self._set is not None:
            self._set.tell("ended", reason="closing")
            self._set.close()
        self._far = self._set = None
        self._put_down()

    # what the port does

    def answer(self) -> None:
        """Nothing: a station port is on a call as soon as its set is lifted."""

    def hang_up(self) -> None:
        """End the call: the set hears no more, and has to be lifted anew."""
        self.stop_ringing()
        if not self.off_hook:
            return
        far = self._far
        self._put_down()
        if far is not None:
            far.tell("ended", reason="hangup")
        self._far = None

    def _put_down(self) -> None:
        self._state = StationState.IDLE
        self.say(None)

    def ring(self, *, once: bool) -> bool:
        """Ring the set, until it is lifted or the ringing is stopped. False: it is off hook."""
        if self._state is StationState.CONNECTED:
            return False
        self.stop_ringing()
        self._state = StationState.RINGING
        self._rings = 0
        self._next_ring(once=once)
        return True

    def _next_ring(self, *, once: bool) -> None:
        self._rings += 1
        if self._set is not None:
            self._set.tell("ringing", count=self._rings)
        if once:
            self._bell = self.after(self._country.ring_seconds, self.stop_ringing)
        else:
            self._bell = self.after(self._country.ring_period, lambda: self._next_ring(once=False))

    def stop_ringing(self) -> None:
        """Ring no more."""
        if self._bell is not None:
            self._bell.cancel()
            self._bell = None
        if self._state is StationState.RINGING:
            self._state = StationState.IDLE

    def send_caller(self, number: str, name: str) -> bool:
        """Send caller ID to the set. False: it is off hook, and would not show it."""
        if self._state is StationState.CONNECTED:
            return False
        if self._set is not None:
            self._set.tell("caller", number=number, name=name)
        return True

    def flash(self) -> None:
        """A port has no hook to flash towards its set."""

    def dial_key(self, key: str) -> None:
        """A key is dialled: its tone says all."""
