"""The settings of telephone sets, and the dial plan that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from .dialplan import Entry, Plan, check_pattern, fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd import Port

Extension = Annotated[str, Meta(pattern=r"^[0-9]*\Z", max_length=16)]
Prefix = Annotated[str, Meta(pattern=r"^[0-9*]{1,8}\Z")]
Seconds = Annotated[int, Meta(ge=1)]

_MAILBOX = "{mailbox}"
"""In a handler: the mailbox of the set from which it is dialled."""


class Set(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One telephone set, ``[plugins.station.sets.PORT]``.

    Attributes:
        extension: The number under which other sets, callers and menus reach it; empty: none do.
        name: What the sets that it calls are shown.
        mailbox: Whose messages make its dial tone stutter, and who has the calls that other sets make to it in vain.
        outside: Whether numbers outside may be dialled from it.
        screen: Whether whoever lifts it for a caller from outside is asked to take the call.
    """

    extension: Extension = ""
    name: str = ""
    mailbox: str = ""
    outside: bool = True
    screen: bool = False


class Outside(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Numbers outside, ``[plugins.station.outside]``: nothing that no pattern of ``allow`` fits can be dialled.

    Attributes:
        ports: Trunk ports, in the order in which they are tried.
        prefix: What is dialled before such a number, and is not part of it.
        allow: Patterns of numbers that may be dialled.
        deny: Patterns of those that may not, though one of ``allow`` fits.
    """

    ports: Annotated[list[str], Meta(min_length=1)]
    prefix: Prefix = "9"
    allow: list[str] = []
    deny: list[str] = []

    def __post_init__(self) -> None:
        """Check the patterns."""
        for pattern in (*self.allow, *self.deny):
            check_pattern(pattern)


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The table ``[plugins.station]``.

    Attributes:
        sets: Every set by its station port: ``3``, or ``main:3`` where several ctservers have one.
        numbers: Other numbers that sets can dial, and the handlers that they reach; ``{mailbox}`` is the set's own.
        outside: How numbers outside are dialled; without it, none are.
        ring: Seconds for which a set is rung.
        first: Seconds of dial tone in which the first key must come.
        between: Seconds in which each further key must come; a number that cannot grow is put through at once.
        busy: Seconds of busy tone, after a number in vain or at the end of a call, before the port gives up on the set.
    """

    sets: dict[str, Set] = {}
    numbers: dict[str, str] = {}
    outside: Outside | None = None
    ring: Seconds = 25
    first: Seconds = 10
    between: Seconds = 3
    busy: Seconds = 30

    def __post_init__(self) -> None:
        """See that each number means one thing."""
        for number in self.numbers:
            check_pattern(number)
        owners: dict[str, str] = {}
        for port, extension in ((port, one.extension) for port, one in self.sets.items() if one.extension):
            if extension in owners:
                raise ValueError(f"the sets {owners[extension]} and {port} both have the extension {extension}")
            owners[extension] = port
            if self.outside is not None and extension.startswith(self.outside.prefix):
                raise ValueError(f"the extension {extension} begins with the prefix of outside numbers")
            for number in self.numbers:
                if fit(number, extension).whole:
                    raise ValueError(f"the extension {extension} is one of numbers ({number}), too")

    def set_of(self, port: Port) -> Set:
        """What is known of the set on a port; one that is not in the settings can dial, and nobody reaches it."""
        return self.sets.get(port.address) or self.sets.get(str(port.number)) or Set()

    def reached(self, extension: str) -> tuple[str, Set] | None:
        """The port and the set of an extension."""
        found = (item for item in self.sets.items() if extension and item[1].extension == extension)
        return next(found, None)

    def plan_for(self, one: Set) -> Plan:
        """What a set may dial."""
        entries = [Entry(each.extension, "ring", each.extension) for each in self.sets.values() if each.extension]
        entries += [Entry(number, "hand over", handler) for number, handler in self.handlers_for(one)]
        outside = self.outside
        if outside is None:
            return Plan(entries)
        prefix = outside.prefix
        if one.outside:
            entries += [Entry(prefix + pattern, "outside", prefix) for pattern in outside.allow]
        return Plan(entries, [prefix + pattern for pattern in outside.deny], prefix)

    def handlers_for(self, one: Set) -> Iterator[tuple[str, str]]:
        """Numbers that reach handlers, as a set may dial them: those of its mailbox only where it has one."""
        for number, handler in self.numbers.items():
            if one.mailbox or _MAILBOX not in handler:
                yield number, handler.replace(_MAILBOX, one.mailbox)
