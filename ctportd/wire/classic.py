r"""The classic dialect of ctserver 0.3: a request's name, then each argument, on lines of their own.

``ctplay\n/snd/beep.au\n`` asks, ``OK\n\0`` answers. Nothing else is ever said: there are no events and no
handles. Requests of Telephony::CTPort 1.01 are known too.
"""

from __future__ import annotations

from ctportd.errors import InvalidArgument
from ctportd.wire.lines import MAX_LINE, LineReader
from ctportd.wire.message import BrokenLine, Request

ARGUMENTS = {
    "ctanswer": 0,
    "cthangup": 0,
    "ctclear": 0,
    "ctwaitforring": 0,
    "ctwaitfordial": 0,
    "ctplay": 1,
    "ctrecord": 3,
    "ctsleep": 1,
    "ctcollect": 3,
    "ctdial": 1,
    # those of Telephony::CTPort 1.01
    "ctplay_async": 1,
    "ctplay_stop": 0,
    "ctplaytoneasync": 1,
    "ctstoptone": 0,
    "ctwaitforevent": 0,
    "ctsendevent": 2,
    "ctstarttimerasync": 1,
    "ctstoptimer": 0,
    "ctjoin": 2,
    "ctbridge": 1,
    "ctunbridge": 1,
    "ctstartringasync": 0,
    "ctstopring": 0,
    "ctstartringonceasync": 0,
}
"""How many arguments, and so how many lines, follow each request's name."""

REPLY_LINES = {"ctwaitforevent": 2}
"""Lines of a reply, where it is not one: a handle, then the event."""


def encode_request(cmd: str, args: tuple[str, ...] = ()) -> bytes:
    """A request as it is sent.

    Raises:
        InvalidArgument: The dialect has no such request, it takes another number of arguments, or one of them
            holds what ends a line.
    """
    expected = ARGUMENTS.get(cmd)
    if expected is None:
        raise InvalidArgument(cmd, "request", "is none of the classic dialect")
    if len(args) != expected:
        raise InvalidArgument(cmd, "arguments", f"are {len(args)} where {expected} are expected")
    for place, value in enumerate(args, 1):
        if any(ending in value for ending in "\n\r\0"):
            raise InvalidArgument(cmd, f"arg{place}", f"holds what ends a line: {value!r}")
    return "".join(f"{line}\n" for line in (cmd, *args)).encode("utf-8", "surrogateescape")


def encode_reply(*lines: str) -> bytes:
    r"""A reply as ctserver sends it: each line ends in ``"\n\0"``."""
    return "".join(f"{line}\n\0" for line in lines).encode("utf-8", "surrogateescape")


class RequestReader:
    """Bytes of a client to requests, which name neither who asks nor who is asked.

    A name that is unknown is a request without arguments, for how many lines belong to it nobody can know.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        """``limit``: bytes in a line."""
        self._lines = LineReader(limit)
        self._begun: list[str] = []

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """Take what arrived; return the requests that it completed, in order.

        An empty line is an argument where one is due, else nothing. A line that is too long takes the request
        that it stands in with it.
        """
        found: list[Request | BrokenLine] = []
        for line in self._lines.feed(data):
            if isinstance(line, BrokenLine):
                self._begun.clear()
                found.append(line)
            elif line or self._begun:
                self._begun.append(line)
                if len(self._begun) > ARGUMENTS.get(self._begun[0], 0):
                    name, *args = self._begun
                    found.append(Request(name, None, None, tuple(args)))
                    self._begun.clear()
        return found
