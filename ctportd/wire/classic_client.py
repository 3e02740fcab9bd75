"""Requests and replies of the classic dialect, as the keyed dialect has them.

The rest of ctportd knows requests and messages only. Here a request is put into the lines of ctserver 0.3, where it
has any, and the lines of its reply into the message that a keyed ctserver would have sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.errors import NotSupported
from ctportd.wire import classic
from ctportd.wire.events import KEYS
from ctportd.wire.message import Message, port_of

if TYPE_CHECKING:
    from ctportd.wire.message import Request

_RENAMED = {"ctplayasync": "ctplay_async"}

_DEFAULT_RING = ("2", "0")
"""The rings and the delay that ctwaitforring takes where it takes no arguments."""


def encode(link: str, request: Request) -> bytes:
    """The lines of a request.

    Raises:
        NotSupported: The dialect has no such request, or cannot do it in this way.
        InvalidArgument: An argument cannot stand on a line.
    """
    name = _RENAMED.get(request.cmd, request.cmd)
    if name not in classic.ARGUMENTS:
        raise NotSupported(link, "classic", request.cmd)
    return classic.encode_request(name, _arguments(link, request))


def _arguments(link: str, request: Request) -> tuple[str, ...]:
    """The arguments that the dialect has for a request; those that it lacks must have their harmless values."""
    args = request.args
    match request.cmd:
        case "ctwaitforring":
            return _without(link, request, 0, args, _DEFAULT_RING)
        case "ctplay" | "ctplayasync":
            return _without(link, request, 1, args, ())
        case "ctrecord":
            return _without(link, request, 3, args, ("0",))
        case "ctsendevent":
            return (str(port_of(request.dst or 0)), *_without(link, request, 1, args, ()))
    return args


def _without(
    link: str, request: Request, count: int, args: tuple[str, ...], harmless: tuple[str, ...]
) -> tuple[str, ...]:
    if args[count:] not in ((), harmless):
        raise NotSupported(link, "classic", f"{request.cmd} with {' '.join(args[count:])}")
    return args[:count]


def reply_lines(cmd: str) -> int:
    """How many lines the reply to a request has."""
    return classic.REPLY_LINES.get(cmd, 1)


def message(cmd: str, lines: list[str]) -> Message:
    """The reply to a request as the keyed dialect would have it. Never raises."""
    raw = " / ".join(lines)
    last = lines[-1]
    if last == "ERROR":
        return Message(cmd, args=("ERROR",), raw=raw)
    if cmd == "ctwaitforevent":
        return Message(cmd, args=("EVENT", "", last), raw=raw)
    if cmd in ("ctwaitforring", "ctcollect") or last in KEYS:  # caller ID, digits, or the key that stopped it
        return Message(cmd, args=("OK", *last.split(" ")), raw=raw)
    if last in ("OK", ""):
        return Message(cmd, args=("OK",), raw=raw)
    return Message(cmd, args=("ERROR", *last.split(" ")), raw=raw)
