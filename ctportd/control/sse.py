"""Server-sent events, written and read: the format of https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import msgspec

RECONNECT = 2000
"""Milliseconds after which a browser that lost the stream asks again (our figure)."""

OPENING = f"retry: {RECONNECT}\n\n".encode()
"""What a stream begins with."""

END = "end"
"""The type of the last event of a stream that the server ends."""

HEARTBEAT_EVERY = 15.0
"""Seconds after which a stream in which nothing happens shows that it is there."""

HEARTBEAT = b": still here\n\n"
"""A comment, which readers skip: it shows that the other side is there."""


class ServerSent(msgspec.Struct, frozen=True):
    """One event of a stream.

    Attributes:
        data: What is told: JSON, in UTF-8.
        event: Its type.
        id: Where it stands in the stream, for who reconnects; empty for what has no place in it.
    """

    data: bytes
    event: str = "message"
    id: str = ""


def encoded(sent: ServerSent) -> bytes:
    """An event as it goes over the wire. Neither its type nor its id may hold an end of line."""
    head = f"id: {sent.id}\n" if sent.id else ""
    body = b"".join(b"data: %b\n" % line for line in sent.data.splitlines() or [b""])
    return f"{head}event: {sent.event}\n".encode() + body + b"\n"


class Decoder:
    """Makes events of bytes, however they are cut into pieces. Comments and what it does not know are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._event = self._id = ""

    def feed(self, data: bytes) -> list[ServerSent]:
        """Take some bytes; returns the events that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        whole = []
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                whole.append(ServerSent(b"\n".join(self._data), self._event or "message", self._id))
                self._data, self._event, self._id = [], "", ""
        return whole

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = value.decode("utf-8", "replace")
            case b"id":
                self._id = value.decode("utf-8", "replace")
