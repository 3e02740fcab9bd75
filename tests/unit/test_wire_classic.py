"""The classic dialect: any stream of requests, cut anywhere, is read as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctportd.errors import InvalidArgument
from ctportd.wire.classic import ARGUMENTS, RequestReader, encode_reply, encode_request
from ctportd.wire.lines import MAX_LINE
from ctportd.wire.message import BrokenLine, Request

values = st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=12)
requests = st.sampled_from(sorted(ARGUMENTS)).flatmap(
    lambda name: st.tuples(st.just(name), st.tuples(*[values] * ARGUMENTS[name]))
)


@given(st.lists(requests, max_size=6), st.integers(1, 40))
def test_requests_survive_any_split(sent: list[tuple[str, tuple[str, ...]]], piece: int) -> None:
    """Arguments may be empty, and hold spaces and equals signs."""
    stream = b"".join(encode_request(name, args) for name, args in sent)
    reader = RequestReader()
    read = [one for at in range(0, len(stream), piece) for one in reader.feed(stream[at : at + piece])]
    assert read == [Request(name, None, None, args) for name, args in sent]


@given(st.binary(max_size=300), st.integers(1, 40))
def test_garbage_never_raises(stream: bytes, piece: int) -> None:
    """Whatever the bytes, and however they come."""
    whole, reader = RequestReader().feed(stream), RequestReader()
    assert [one for at in range(0, len(stream), piece) for one in reader.feed(stream[at : at + piece])] == whole


def test_line_too_long_takes_its_request_with_it() -> None:
    """The next request is read."""
    long = b"ctplay\n" + b"x" * (MAX_LINE + 1) + b"\nctclear\n"
    broken, after = RequestReader().feed(long)
    assert isinstance(broken, BrokenLine)
    assert after == Request("ctclear", None, None)


def test_unknown_name_is_a_request_without_arguments() -> None:
    """Whoever serves it answers ERROR; empty lines between requests are nothing."""
    assert RequestReader().feed(b"\n\nctsing\n\nctclear\r\n\0") == [
        Request("ctsing", None, None),
        Request("ctclear", None, None),
    ]


@pytest.mark.parametrize(
    ("cmd", "args", "told"),
    [
        ("ctgrunton", (), "none of the classic dialect"),
        ("ctplay", (), "are 0 where 1 are expected"),
        ("ctplay", ("a\nb",), "arg1 holds what ends a line"),
    ],
)
def test_request_that_cannot_be_sent(cmd: str, args: tuple[str, ...], told: str) -> None:
    """It is refused before anything is sent."""
    with pytest.raises(InvalidArgument, match=told):
        encode_request(cmd, args)


def test_reply_ends_in_its_nul() -> None:
    """Each line has one, as the C program sends it."""
    assert encode_reply("OK") == b"OK\n\0"
    assert encode_reply("1", "hangup") == b"1\n\0hangup\n\0"
