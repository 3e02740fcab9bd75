"""Server-sent events, written and read."""

from __future__ import annotations

import pytest

from ctportd.control.sse import HEARTBEAT, OPENING, Decoder, ServerSent, encoded

SENT = [
    ServerSent(b'{"a":1}', "ring", "7-1"),
    ServerSent(b"{}", "end"),
    ServerSent('{"name":"Zo\u00eb"}'.encode(), "call_started", "7-2"),
    ServerSent(b"one\ntwo", "text", "7-3"),
    ServerSent(b"", "nothing"),
]


def test_written() -> None:
    """As the standard has it, field by field; what has no place in the stream has no id."""
    assert encoded(SENT[0]) == b'id: 7-1\nevent: ring\ndata: {"a":1}\n\n'
    assert encoded(SENT[1]) == b"event: end\ndata: {}\n\n"
    assert encoded(SENT[3]) == b"id: 7-3\nevent: text\ndata: one\ndata: two\n\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_read_as_written(size: int) -> None:
    """However the bytes are cut, each event comes once and whole; heartbeats and what opens a stream are none."""
    wire = OPENING + HEARTBEAT.join(map(encoded, SENT)) + HEARTBEAT
    decoder = Decoder()
    read = [sent for start in range(0, len(wire), size) for sent in decoder.feed(wire[start : start + size])]
    assert read == SENT


def test_event_that_has_not_ended() -> None:
    """It comes when its empty line does, and not before."""
    decoder = Decoder()
    assert decoder.feed(b"data:x\n") == []
    assert decoder.feed(b"nonsense\nretry: 1\n\n") == [ServerSent(b"x")]
