"""Every request of ctserver: its name, its arguments and their checks, how long it may take.

The names are those that the POE module gave its programs, as recorded in ``requests.tsv``; the protocol's
own names stand beside them. An argument is checked here, before anything is sent: ctserver itself reads
numbers with ``atoi`` and makes 0 of what is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ctportd.errors import InvalidArgument
from ctportd.wire.keyed import check_sendable
from ctportd.wire.message import MANAGER_HANDLE, MAX_ARGUMENTS, Request, handle_of, port_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROMPTLY = 10.0
"""Seconds in which ctserver answers a request that waits for nothing (our figure; a reply takes milliseconds)."""

_DIAL_TONE = 10.0  # seconds that ctwaitfordial waits at most (PROTOCOL.md 4)
_DIAL_KEY = 0.5  # seconds that a dialled key may take (our figure; a DTMF key with its gap takes 0.2 s)

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
_rings = _number("a number of rings", 1, _MOST)
_digit_count = _number("a number of digits", 1, _MOST)


def _keys(allowed: str, least: int) -> Check:
    def check(request: str, argument: str, value: str) -> str:
        if len(value) >= least and all(key in allowed for key in value):
            return value
        raise InvalidArgument(request, argument, f"is {value!r} where keys out of {allowed} are expected")

    return check


def _one_of(*words: str) -> Check:
    def check(request: str, argument: str, value: str) -> str:
        if value.lower() in words:
            return value.lower()
        raise InvalidArgument(request, argument, f"is {value!r} where one of {', '.join(words)} is expected")

    return check


def _some_text(request: str, argument: str, value: str) -> str:
    if not value:
        raise InvalidArgument(request, argument, "is empty")
    return check_sendable(request, argument, value)


def _seconds_of(*positions: int) -> Callable[[Sequence[str]], float]:
    """The sum of the arguments at these positions, each in seconds."""
    return lambda args: float(sum(int(args[position]) for position in positions))


def _record_duration(args: Sequence[str]) -> float:
    return float(args[1]) if int(args[1]) else float("inf")


def _dial_duration(args: Sequence[str]) -> float:
    return sum(1.0 if key == "," else _DIAL_KEY for key in args[0])


def _for_ever(_: Sequence[str]) -> float:
    return float("inf")


_FILE = Argument("file", _some_text)
_IGNORE_DTMF = Argument("mode", _one_of("ignore_dtmf"), default="", sent=False)
_PORT = Argument("port", port_number)
_SECONDS = Argument("seconds", seconds)

TONES = ("busy", "dialx", "dial", "ringback")
"""What ``play_tone`` plays: busy, dial tone with a stutter, dial tone, ring-back."""

_SPECS = (
    RequestSpec("off_hook", "ctanswer", "take the line off hook: answer, or begin a call"),
    RequestSpec("on_hook", "cthangup", "put the line on hook: end the call"),
    RequestSpec(
        "wait_for_ring",
        "ctwaitforring",
        "wait for this many rings",
        (Argument("rings", _rings, "2"), Argument("delay", seconds, "0")),
        blocking=True,
        duration=_for_ever,
    ),
    RequestSpec(
        "wait_for_dial_tone",
        "ctwaitfordial",
        "wait for dial tone, 10 s at most",
        blocking=True,
        duration=lambda _: _DIAL_TONE,
    ),
    RequestSpec("play_tone", "ctplaytoneasync", "start a tone", (Argument("tone", _one_of(*TONES)),)),
    RequestSpec("stop_tone", "ctstoptone", "stop the tone"),
    RequestSpec(
        "play",
        "ctplay",
        "play a file to its end, or until a key",
        (_FILE, _IGNORE_DTMF),
        blocking=True,
        duration=_for_ever,
    ),
    RequestSpec("play_async", "ctplayasync", "start to play a file", (_FILE, _IGNORE_DTMF)),
    RequestSpec("play_stop", "ctplay_stop", "stop what plays"),
    RequestSpec(
        "record",
        "ctrecord",
        "record to a file until the time, a key, silence or an event",
        (
            _FILE,
            Argument("seconds", seconds, "0"),
            Argument("ending_digits", _keys("0123456789*#ABCD", 0), ""),
            Argument("silence", seconds, "0"),
        ),
        blocking=True,
        duration=_record_duration,
    ),
    RequestSpec("sleep", "ctsleep", "wait, or until a key", (_SECONDS,), blocking=True, duration=_seconds_of(0)),
    RequestSpec("clear", "ctclear", "forget the keys that were pressed"),
    RequestSpec("clear_events", "ctclearevents", "forget the events that wait"),
    RequestSpec(
        "collect",
        "ctcollect",
        "collect keys",
        (
            Argument("digits", _digit_count),
            Argument("seconds", seconds),
            Argument("between", seconds, "0"),
        ),
        blocking=True,
        duration=lambda args: float(args[1]) + int(args[0]) * max(float(args[1]), float(args[2])),
    ),
    RequestSpec(
        "dial",
        "ctdial",
        "dial keys; a comma waits one second, & is a hook flash",
        (Argument("number", _keys("0123456789#*,&", 1)),),
        blocking=True,
        duration=_dial_duration,
    ),
    RequestSpec("wait_for_event", "ctwaitforevent", "wait for an event", blocking=True, duration=_for_ever),
    RequestSpec(
        "send_event",
        "ctsendevent",
        "send a message to another port",
        (Argument("message", _some_text),),
        repeated=True,
        to="handle",
    ),
    RequestSpec("start_timer", "ctstarttimerasync", "start the port's timer", (_SECONDS,)),
    RequestSpec("stop_timer", "ctstoptimer", "stop the port's timer"),
    RequestSpec(
        "join",
        "ctjoin",
        "join two ports",
        (Argument("first port", port_number), Argument("second port", port_number)),
    ),
    RequestSpec("bridge", "ctbridge", "connect to another port", (_PORT,)),
    RequestSpec("unbridge", "ctunbridge", "disconnect from another port", (_PORT,)),
    RequestSpec("join_conference", "ctjoinconference", "join the conference of a port", (_PORT,)),
    RequestSpec("leave_conference", "ctleaveconference", "leave the conference of a port", (_PORT,)),
    RequestSpec("start_ring", "ctstartringasync", "ring the station's set"),
    RequestSpec("stop_ring", "ctstopring", "stop ringing the station's set"),
    RequestSpec("ring_once", "ctstartringonceasync", "ring the station's set once"),
    RequestSpec("grunt_on", "ctgrunton", "tell of sound after silence"),
    RequestSpec("grunt_off", "ctgruntoff", "tell of it no more"),
    RequestSpec("set_script_name", "ctsetscript", "name what runs on the port", (Argument("name", _some_text),)),
    RequestSpec(
        "send_cid",
        "ctsendcid",
        "send caller ID to the station's set",
        (
            Argument("number", _keys("+0123456789", 0)),
            Argument("name", check_sendable, ""),
        ),
        repeated=True,
    ),
    RequestSpec("listen_for_cid", "ctlistenforcid", "listen for caller ID"),
    RequestSpec("listen_for_cid_jp", "ctlistenforjpcid", "listen for caller ID as Japan sends it"),
    RequestSpec("read_cid", "ctreadcid", "read the caller ID that was heard; a cid event follows"),
    RequestSpec("port_reset", "portreset", "reset a port", to="number"),
    RequestSpec("port_status", "portstatus", "the state of a port, or of all", to="number or server"),
    RequestSpec("roll_log", "rolllog", "close ctserver's log and open a new one", to="server"),
    RequestSpec("ser_version", "serversion", "ctserver's version", to="server"),
    RequestSpec("shutdown", "shutdown", "stop ctserver", to="server"),
)

REQUESTS: dict[str, RequestSpec] = {spec.name: spec for spec in _SPECS}
"""Every request by the name that programs use."""

COMMANDS: dict[str, RequestSpec] = {spec.cmd: spec for spec in _SPECS}
"""Every request by its name on the wire."""
