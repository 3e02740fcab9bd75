"""Fuzzing of all that reads what comes over a wire: nothing raises, and it does not matter where TCP cuts.

The first byte of an input says which reader it is for, the second where it is cut.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import atheris

with atheris.instrument_imports(include=["ctportd"]):
    from ctportd.ctserver import signalling
    from ctportd.ctserver.dialects import FirstLine, WebPage
    from ctportd.wire import classic, classic_client
    from ctportd.wire.events import event_of
    from ctportd.wire.keyed import Decoder, encode_message, encode_request, parse_message, parse_request
    from ctportd.wire.lines import LineReader
    from ctportd.wire.message import BrokenLine, Message, Request

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 64
"""Bytes in a line: few, so that lines which are too long are found soon."""


def pieces(data: bytes, size: int) -> list[bytes]:
    """What comes, in pieces of this size."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def read_alike(make: Callable[[], Any], data: bytes, size: int) -> list[Any]:
    """Read it whole, and in pieces: the same must come of it. What came."""
    whole, cut = make().feed(data), make()
    in_pieces = [one for piece in pieces(data, size) for one in cut.feed(piece)]
    assert in_pieces == whole, (in_pieces, whole)
    return list(whole)


def keyed_messages(data: bytes, size: int) -> None:
    """What a client reads; each message may be an event."""
    for message in read_alike(lambda: Decoder(parse_message, LIMIT), data, size):
        if isinstance(message, Message):
            event_of(message, 1)
            if "\r" not in message.raw:
                again = parse_message(encode_message(message).decode("utf-8", "surrogateescape").strip("\n\0"))
                assert isinstance(again, Message)
                assert (again.rly, again.src, again.dst, again.args) == (
                    message.rly, message.src, message.dst, message.args,
                )  # fmt: skip


def keyed_requests(data: bytes, size: int) -> None:
    """What a server reads: it can be sent again."""
    for request in read_alike(lambda: Decoder(parse_request, LIMIT), data, size):
        if isinstance(request, Request):
            assert Decoder(parse_request).feed(encode_request(request)) == [request]


def classic_requests(data: bytes, size: int) -> None:
    """Names and arguments, each on a line."""
    read_alike(lambda: classic.RequestReader(LIMIT), data, size)


def classic_replies(data: bytes, size: int) -> None:
    """Lines of replies, to any request; each reply may carry an event."""
    lines = [
        line for line in read_alike(lambda: LineReader(LIMIT), data, size) if not isinstance(line, BrokenLine)
    ]
    for cmd in classic.ARGUMENTS:
        count = classic_client.reply_lines(cmd)
        if len(lines) >= count:
            event_of(classic_client.message(cmd, lines[:count]), 1)


def first_lines(data: bytes, size: int) -> None:
    """The line that tells the dialect, and all after it."""
    told: list[object] = []
    for cut in ([data], pieces(data, size)):
        reader = FirstLine()
        try:
            told.append([one for piece in cut for one in reader.feed(piece)])
        except WebPage:
            told.append("web page")
    assert told[0] == told[1], told


def signals(data: bytes, _: int) -> None:
    """What telephones say: nonsense is a ValueError, which the exchange answers."""
    try:
        signalling.read(data.decode("utf-8", "replace"))
    except ValueError as error:
        signalling.text_frame("error", {"message": str(error)})


READERS = (keyed_messages, keyed_requests, classic_requests, classic_replies, first_lines, signals)


def one_input(data: bytes) -> None:
    """One run."""
    if len(data) > 2:
        READERS[data[0] % len(READERS)](data[2:], 1 + data[1] % 80)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
