"""Every request of ctserver: its name, its arguments, how long it may take.

The names are those that the POE module gave its programs, as recorded in ``requests.tsv``; the protocol's own names
stand beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.errors import InvalidArgument
from ctportd.nearest import no_such
from ctportd.wire.keyed import check_sendable
from ctportd.wire.specs import (
    Argument,
    RequestSpec,
    digit_count,
    keys_out_of,
    one_of,
    port_number,
    rings,
    seconds,
    some_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DIAL_TONE = 10.0  # seconds that ctwaitfordial waits at most (PROTOCOL.md 4)
_DIAL_KEY = 0.5  # seconds that a dialled key may take (our figure; a DTMF key with its gap takes 0.2 s)


def _seconds_of(*positions: int) -> Callable[[Sequence[str]], float]:
    """The sum of the arguments at these positions, each in seconds."""
    return lambda args: float(sum(int(args[position]) for position in positions))


def _record_duration(args: Sequence[str]) -> float:
    return float(args[1]) if int(args[1]) else float("inf")


def _dial_duration(args: Sequence[str]) -> float:
    return sum(1.0 if key == "," else _DIAL_KEY for key in args[0])


def _for_ever(_: Sequence[str]) -> float:
    return float("inf")


_FILE = Argument("file", some_text)
_IGNORE_DTMF = Argument("mode", one_of("ignore_dtmf"), default="", sent=False)
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
        (Argument("rings", rings, "2"), Argument("delay", seconds, "0")),
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
    RequestSpec("play_tone", "ctplaytoneasync", "start a tone", (Argument("tone", one_of(*TONES)),)),
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
            Argument("ending_digits", keys_out_of("0123456789*#ABCD", 0), ""),
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
            Argument("digits", digit_count),
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
        (Argument("number", keys_out_of("0123456789#*,&", 1)),),
        blocking=True,
        duration=_dial_duration,
    ),
    RequestSpec("wait_for_event", "ctwaitforevent", "wait for an event", blocking=True, duration=_for_ever),
    RequestSpec(
        "send_event",
        "ctsendevent",
        "send a message to another port",
        (Argument("message", some_text),),
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
    RequestSpec("set_script_name", "ctsetscript", "name what runs on the port", (Argument("name", some_text),)),
    RequestSpec(
        "send_cid",
        "ctsendcid",
        "send caller ID to the station's set",
        (
            Argument("number", keys_out_of("+0123456789", 0)),
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


def request_named(name: str) -> RequestSpec:
    """The request that programs call by this name.

    Raises:
        InvalidArgument: There is none; the error names the nearest.
    """
    try:
        return REQUESTS[name]
    except KeyError:
        raise InvalidArgument("request", "name", f"is wrong: {no_such('request', name, REQUESTS)}") from None


COMMANDS: dict[str, RequestSpec] = {spec.cmd: spec for spec in _SPECS}
"""Every request by its name on the wire."""
