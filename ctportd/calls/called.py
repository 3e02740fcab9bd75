"""A call that is made for another one: on the port of a set that is rung, or on a line that is dialled on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.errors import InvalidArgument, PluginError
from ctportd.links.ports import Ports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd.calls.call import Call
    from ctportd.calls.desk import Desk
    from ctportd.calls.files import Prompts
    from ctportd.clock import Clock
    from ctportd.links.port import Port


class Called:
    """What such a call needs of its line. Plugins are told of the call that it is made for, and not of this one."""

    def __init__(self, own: Desk, home: Desk) -> None:
        """``own`` keeps the line that it is on, ``home`` that of the call that it is made for."""
        self._own = own
        self._home = home

    @property
    def clock(self) -> Clock:
        """The line's time."""
        return self._own.clock

    @property
    def prompts(self) -> Prompts:
        """Finds files to play."""
        return self._own.prompts

    def answered(self) -> None:
        """A set was lifted, or a line taken off hook: whoever has asked for that waits for it."""

    def ended(self) -> None:
        """It is over, and there is no plugin that has anything to put in order."""

    def dialled(self, number: str) -> None:
        """A number was dialled for the other call."""
        self._home.dialled(number)

    def dial_tone(self, *, heard: bool) -> None:
        """This line has dial tone, or has none."""
        self._own.dial_tone(heard=heard)

    def take(self, address: str, kind: str) -> Call | None:
        """Take another port, as the other call would."""
        return self._home.take(address, kind)

    async def hand_over(self, handler: str) -> None:
        """Refuse: no plugin has it."""
        raise PluginError(handler, "cannot have a call that was made for another one")


def neighbour(port: Port, address: str, kind: str, ports: Iterable[Port]) -> Port:
    """The port of this address and kind, with which a call on ``port`` can be connected.

    Raises:
        InvalidArgument: There is no such port.
    """
    request = "ring_station" if kind == "station" else "call_out"
    other = Ports(ports).find(address, request)
    if other.kind != kind:
        raise InvalidArgument(request, "port", f"is {other}, a {other.kind} port, where a {kind} port is expected")
    if other is port:
        raise InvalidArgument(request, "port", f"is {other}, which the call itself is on")
    if other.server != port.server:
        raise InvalidArgument(
            request, "port", f"is {other}, which cannot be connected with {port}: their ctservers are two"
        )
    return other
