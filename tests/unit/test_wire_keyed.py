"""The keyed dialect: any stream, cut anywhere, gives the same messages; garbage gives none and harms nothing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctportd.errors import InvalidArgument
from ctportd.wire.keyed import Decoder, encode_message, encode_request, parse_message, parse_request
from ctportd.wire.lines import LineReader
from ctportd.wire.message import BrokenLine, Message, Request

if TYPE_CHECKING:
    from collections.abc import Callable

values = st.text(st.characters(exclude_characters=" \n\r\0", codec="utf-8"), max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789*#_", min_size=1, max_size=12)
handles = st.integers(-2, 999)
messages = st.builds(Message, rly=names, src=handles, dst=handles, args=st.lists(values, max_size=9).map(tuple))


def bare(message: Message | BrokenLine) -> Message:
    """The message without the line that it came in."""
    assert isinstance(message, Message)
    return Message(message.rly, message.src, message.dst, message.args, message.extra)


def decode(*pieces: bytes) -> list[Message | BrokenLine]:
    """What a fresh decoder makes of these pieces."""
    decoder = Decoder(parse_message)
    return [message for piece in pieces for message in decoder.feed(piece)]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


@given(st.lists(messages, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_messages_survive_any_split(sent: list[Message], places: list[int]) -> None:
    """TCP cuts anywhere: what was sent is what is read, wherever the cuts fall."""
    stream = b"".join(encode_message(message) for message in sent)
    assert [bare(message) for message in decode(*cut(stream, places))] == sent


@given(st.binary(max_size=400), st.lists(st.integers(0, 10_000), max_size=12))
def test_garbage_never_raises_and_splits_alike(stream: bytes, places: list[int]) -> None:
    """Whatever the bytes, nothing is raised, and the pieces in which they come do not matter."""
    assert decode(*cut(stream, places)) == decode(stream)


@given(st.binary(max_size=300), st.lists(st.integers(0, 10_000), max_size=8))
def test_nul_bytes_change_nothing(stream: bytes, places: list[int]) -> None:
    """NUL bytes are dropped wherever they stand."""
    stream = stream.replace(b"\0", b"")
    assert decode(b"\0".join(cut(stream, places))) == decode(stream)


@given(st.binary(max_size=300))
def test_line_after_garbage_is_read(garbage: bytes) -> None:
    """A broken line costs itself only: the next one is read."""
    good = Message("ring", 0, 0, ("ring", "1"))
    assert bare(decode(garbage + b"\n" + encode_message(good))[-1]) == good


@given(st.builds(Request, cmd=names, src=handles, dst=handles, args=st.lists(values, max_size=9).map(tuple)))
def test_request_round_trip(request: Request) -> None:
    """A server reads the request that a client wrote."""
    assert Decoder(parse_request).feed(encode_request(request)) == [request]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rly=ctanswer src=1 dst=1 arg1=OK argc=1", Message("ctanswer", 1, 1, ("OK",))),
        ("argc=7 arg2=b arg1=a dst=0 src=0 rly=x", Message("x", 0, 0, ("a", "b"))),
        ("rly=x arg3=c arg1=a", Message("x", None, None, ("a", "", "c"))),
        ("rly=x arg1= arg2=a=b=c", Message("x", None, None, ("", "a=b=c"))),
        ("rly=x src=one dst=2", Message("x", None, 2, (), {"src": "one"})),
        ("rly=x arg10=j colour=red", Message("x", extra={"arg10": "j", "colour": "red"})),
        ("  rly=x   src=3  ", Message("x", 3)),
        (
            "rly=cid arg1=5550100 arg2=Ada Lovelace",
            Message("cid", args=("5550100", "Ada"), extra={"Lovelace": ""}),
        ),
    ],
)
def test_line_is_read(line: str, expected: Message) -> None:
    """Keys in any order, empty values, values with '=', unknown keys, missing ones, and argc not trusted."""
    assert bare(parse_message(line)) == expected


@pytest.mark.parametrize("line", ["hello", "cmd=ctanswer src=1", "rly= src=1", "=", "rly src=1"])
def test_line_without_a_name_is_broken(line: str) -> None:
    """A line that names nothing is reported with itself, not raised."""
    assert parse_message(line) == BrokenLine("a line without rly=", line)


def test_unknown_keys_are_bounded() -> None:
    """A line of keys that nobody knows costs no more than a few of them; what is known is read all the same."""
    keys = " ".join(f"k{number}=v" for number in range(8000))
    message = parse_message(f"rly=x {keys} src=one k0=w dst=3 arg2=b argc=2 arg1=a")
    assert isinstance(message, Message)
    assert (message.dst, message.args) == (3, ("a", "b"))
    assert len(message.extra) == 16 + 1
    assert message.extra["src"] == "one"
    assert message.extra["k0"] == "w"


def test_bytes_that_are_no_utf8_are_kept() -> None:
    """A value in Latin-1 comes back as the bytes that it was."""
    (message,) = decode(b"rly=cid arg1=1 arg2=Ren\xe9\n")
    assert isinstance(message, Message)
    assert message.args[1].encode("utf-8", "surrogateescape") == b"Ren\xe9"
    assert encode_message(bare(message)) == b"rly=cid arg1=1 arg2=Ren\xe9 argc=2\n\0"


@given(st.integers(1, 5000), st.integers(1, 64))
def test_long_line_is_skipped(length: int, piece: int) -> None:
    """A line over the limit is reported once, however it comes, and reading goes on after its LF."""
    stream = b"x" * (1024 + length) + b"\nafter\n"
    reader = LineReader(limit=1024)
    read = [line for start in range(0, len(stream), piece) for line in reader.feed(stream[start : start + piece])]
    assert [type(line) for line in read] == [BrokenLine, str]
    assert read[-1] == "after"


@given(
    st.lists(st.sampled_from([b"x" * 30, b"cmd=a ", b"\xff", b"\n", b"\r\n", b"\0", b"rly=b "]), max_size=30),
    st.integers(1, 40),
    st.sampled_from([parse_message, parse_request]),
)
def test_long_lines_split_alike(
    words: list[bytes], piece: int, parse: Callable[[str], Message | Request | BrokenLine]
) -> None:
    """Both sides see the same, whatever the pieces; also of lines that are too long, and with a very low limit."""
    stream = b"".join(words)
    whole, cut = Decoder(parse, 50), Decoder(parse, 50)  # type: ignore[type-var]
    in_pieces = [one for at in range(0, len(stream), piece) for one in cut.feed(stream[at : at + piece])]
    assert in_pieces == whole.feed(stream)
    assert len(cut._lines._pending) <= 50


def test_line_at_the_limit_is_read() -> None:
    """64 KiB are still a line."""
    assert LineReader().feed(b"x" * 65536 + b"\n") == ["x" * 65536]
    assert isinstance(LineReader().feed(b"x" * 65537 + b"\n")[0], BrokenLine)


@pytest.mark.parametrize("value", ["a b", "a\nb", "a\rb", "a\0b"])
def test_value_that_would_break_the_line_is_refused(value: str) -> None:
    """What separates tokens and lines is refused, and the error names the argument."""
    with pytest.raises(InvalidArgument, match="arg2 holds"):
        encode_request(Request("ctplay", 0, 0, ("ok", value)))


def test_tenth_argument_is_refused() -> None:
    """There are nine arguments at most."""
    with pytest.raises(InvalidArgument, match="arg10 is one too many"):
        encode_request(Request("ctsendevent", 0, 0, tuple("abcdefghij")))


def test_request_with_a_carriage_return_is_broken() -> None:
    """What a reply could not echo is no request."""
    assert isinstance(parse_request("cmd=a\rb src=0"), BrokenLine)
