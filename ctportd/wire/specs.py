"""What a request of ctserver is made of, and how its arguments are checked.

An argument is checked here, before anything is sent: ctserver itself reads numbers with ``atoi`` and makes 0 of
what is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from ctportd.errors import InvalidArgument
from ctportd.wire.keyed import check_sendable
from ctportd.wire.message import MANAGER_HANDLE, MAX_ARGUMENTS, Request, handle_of, port_of

_PROMPTLY = 10.0
"""Seconds in which ctserver answers a request that waits for nothing (our figure; a reply takes milliseconds)."""


Check = Callable[[str, str, str], str]
"""Takes the request's name, the argument's name and a value; returns the value for the wire or raises."""


class Argument(msgspec.Struct, frozen=True):
    """One argument of a request.

    Attributes:
        name: As it is called in documentation and errors.
        check: Checks a value and gives its form on the wire.
        default: What is sent when it is left out; None: it must be given.
        sent: False for an argument that is left out of the line when it is not given.
    """

    name: str
    check: Check
    default: str | None = None
    sent: bool = True


class RequestSpec(msgspec.Struct, frozen=True):
    """One request of ctserver.

    Attributes:
        name: What programs call it, such as ``play``.
        cmd: What the wire calls it, such as ``ctplay``.
        summary: What it does, in one line.
        arguments: In the order of the wire.
        repeated: The last argument may be given several times (up to nine arguments in all).
        blocking: The port takes no other request until the reply.
        duration: Seconds that the request may take by its own meaning, from its arguments; infinity where
            nothing but an event ends it.
        to: The ``dst`` of the request: ``port`` (the port itself), ``server``, ``handle`` (that of the port which
            the program names first), ``number`` (the number that it names first, else its own port's) or
            ``number or server`` (likewise, but the server where it names none).
    """

    name: str
    cmd: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    repeated: bool = False
    blocking: bool = False
    duration: Callable[[Sequence[str]], float] = lambda _: 0.0
    to: str = "port"

    def time_limit(self, args: Sequence[str]) -> float | None:
        """Seconds after which a reply will not come any more; None where the request may take for ever."""
        duration = self.duration(args)
        return None if duration == float("inf") else duration + _PROMPTLY

    def build(self, handle: int, values: Sequence[object] = ()) -> Request:
        """The request as port ``handle`` sends it.

        Raises:
            InvalidArgument: A value is missing, is one too many, or is none that the request can take.
        """
        given = [_text(value) for value in values]
        dst = handle
        if self.to == "server":
            dst = MANAGER_HANDLE
        elif self.to != "port":
            dst, given = self._destination(handle, given)
        return Request(self.cmd, handle, dst, tuple(self._checked(given)))

    def _destination(self, handle: int, given: list[str]) -> tuple[int, list[str]]:
        if not given:
            if self.to == "number or server":
                return MANAGER_HANDLE, []
            if self.to == "number" and handle >= 0:
                return port_of(handle), []
            raise InvalidArgument(self.name, "port", "is missing")
        number = int(port_number(self.name, "port", given[0]))
        return (handle_of(number) if self.to == "handle" else number), given[1:]

    def _checked(self, given: list[str]) -> list[str]:
        arguments = list(self.arguments)
        if self.repeated and arguments:
            arguments += [arguments[-1]] * min(len(given) - len(arguments), MAX_ARGUMENTS - len(arguments))
        if len(given) > len(arguments):
            most = f"{len(arguments)} at most" if arguments else "none"
            raise InvalidArgument(self.name, f"argument {len(given)}", f"is one too many: it takes {most}")
        sent = []
        for position, argument in enumerate(arguments):
            if position < len(given):
                sent.append(argument.check(self.name, argument.name, given[position]))
            elif argument.default is None:
                raise InvalidArgument(self.name, argument.name, "is missing")
            elif argument.sent:
                sent.append(argument.default)
        return sent


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(what: str, lowest: int, highest: int) -> Check:
    def check(request: str, argument: str, value: str) -> str:
        if re.fullmatch("[0-9]{1,9}", value) and lowest <= int(value) <= highest:
            return str(int(value))
        expected = f"{lowest} or more" if highest == _MOST else f"{lowest} to {highest}"
        raise InvalidArgument(request, argument, f"is {value!r} where {what}, {expected}, is expected")

    return check


_MOST = 999_999_999
seconds = _number("a whole number of seconds", 0, _MOST)
port_number = _number("a port's number", 1, _MOST)
rings = _number("a number of rings", 1, _MOST)
digit_count = _number("a number of digits", 1, _MOST)


def keys_out_of(allowed: str, least: int) -> Check:
    """A check for keys, ``least`` of them or more."""

    def check(request: str, argument: str, value: str) -> str:
        if len(value) >= least and all(key in allowed for key in value):
            return value
        raise InvalidArgument(request, argument, f"is {value!r} where keys out of {allowed} are expected")

    return check


def one_of(*words: str) -> Check:
    """A check for one word out of several, whatever its case."""

    def check(request: str, argument: str, value: str) -> str:
        if value.lower() in words:
            return value.lower()
        raise InvalidArgument(request, argument, f"is {value!r} where one of {', '.join(words)} is expected")

    return check


def some_text(request: str, argument: str, value: str) -> str:
    """Check for text that is not empty and that a line can carry."""
    if not value:
        raise InvalidArgument(request, argument, "is empty")
    return check_sendable(request, argument, value)
