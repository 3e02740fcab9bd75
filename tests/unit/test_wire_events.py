"""Events are recognised in each of the three forms, and told from replies."""

from __future__ import annotations

import pytest

from ctportd.wire.events import (
    EVENT_TYPES,
    KEYS,
    CallerId,
    Dtmf,
    Hangup,
    Ring,
    UserMessage,
    event_of,
    is_reply,
)
from ctportd.wire.keyed import parse_message
from ctportd.wire.message import Message


def message(line: str) -> Message:
    """The line as a message."""
    parsed = parse_message(line)
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize("name", sorted(set(EVENT_TYPES) - {"dtmf"}))
@pytest.mark.parametrize(
    "form", ["rly={}", "rly={0} arg1={0}", "rly=status arg1={}", "rly=ctplay arg1=EVENT arg2= arg3={}"]
)
def test_event_in_every_form(name: str, form: str) -> None:
    """Each event with a name is found in rly, in the first argument, and in a reply."""
    event = event_of(message(form.format(name)), port=3)
    assert type(event) is EVENT_TYPES[name]
    assert event.port == 3
    assert event.raw == form.format(name)


@pytest.mark.parametrize("key", sorted(KEYS))
@pytest.mark.parametrize(
    "form",
    [
        "rly=dtmf arg1=dtmf arg2={}",
        "rly=dtmf arg1={}",
        "rly={}",
        "rly=x arg1={}",
        "rly=x arg1=dtmf arg2={}",
        "rly=ctplay arg1=EVENT arg2= arg3={}",
        "rly=ctplay arg1=EVENT arg2= arg3=dtmf arg4={}",
    ],
)
def test_key_in_every_form(key: str, form: str) -> None:
    """A key is found as dtmf with a payload, and bare, in all forms."""
    event = event_of(message(form.format(key)), port=1)
    assert isinstance(event, Dtmf)
    assert event.key == key


@pytest.mark.parametrize(
    ("line", "count"),
    [("rly=ring arg1=ring arg2=2", 2), ("rly=ring arg1=2", 2), ("rly=ring", None), ("rly=ring arg1=x", None)],
)
def test_ring_count(line: str, count: int | None) -> None:
    """The ring's number is read where there is one."""
    event = event_of(message(line), port=1)
    assert isinstance(event, Ring)
    assert event.count == count


@pytest.mark.parametrize(
    ("line", "number", "name"),
    [
        ("rly=cid arg1=cid arg2=5550100 arg3=Ada arg4=Lovelace", "5550100", "Ada Lovelace"),
        ("rly=cid arg1=5550100 arg2=Ada", "5550100", "Ada"),
        ("rly=cid arg1=cid arg2= arg3=Ada", "", "Ada"),
        ("rly=cid arg1=cid arg2=5550100 arg3=", "5550100", ""),
        ("rly=cid", "", ""),
    ],
)
def test_caller_id(line: str, number: str, name: str) -> None:
    """Number and name, either of which may be empty; the words of a name come as further arguments."""
    event = event_of(message(line), port=1)
    assert isinstance(event, CallerId)
    assert (event.number, event.caller_name) == (number, name)


@pytest.mark.parametrize(
    ("line", "text", "sender", "words"),
    [
        ("rly=RECORD_STOP arg1=RECORD_STOP arg2=-2", "RECORD_STOP", -2, ()),
        ("rly=HELLO arg1=HELLO arg2=0 arg3=a arg4=b", "HELLO", 0, ("a", "b")),
        ("rly=ctrecord arg1=EVENT arg2=12 arg3=SHUTTING_DOWN arg4=-2", "SHUTTING_DOWN", -2, ()),
        ("rly=something arg1=else", "something", None, ("else",)),
        ("rly=dtmf arg1=x", "dtmf", None, ("x",)),
    ],
)
def test_unknown_event_is_kept_as_it_came(
    line: str, text: str, sender: int | None, words: tuple[str, ...]
) -> None:
    """What is no known event is a user message, with its sender and its words."""
    event = event_of(message(line), port=1)
    assert isinstance(event, UserMessage)
    assert (event.text, event.sender, event.words) == (text, sender, words)


@pytest.mark.parametrize(
    "line", ["rly=ctplay arg1=OK", "rly=ctanswer arg1=ERROR", "rly=ctplay arg1=EVENT arg2=1", "rly=ctplay"]
)
def test_reply_alone_is_no_event(line: str) -> None:
    """A request's name with a status is a reply, awaited or not."""
    assert event_of(message(line), port=1) is None


def test_reply_that_carries_an_event_is_both() -> None:
    """Form 3: the request ends, and the event is delivered."""
    both = message("rly=ctplay src=1 dst=1 arg1=EVENT arg2=12 arg3=hangup argc=3")
    assert is_reply(both, "ctplay")
    assert isinstance(event_of(both, port=2), Hangup)


@pytest.mark.parametrize(
    "line", ["rly=ctplay arg1=hangup", "rly=ctplay arg1=5", "rly=ring arg1=ring", "rly=ctrecord arg1=OK"]
)
def test_event_or_another_reply_is_not_the_reply(line: str) -> None:
    """Form 2 may carry the very name of the request that waits: the first argument decides."""
    assert not is_reply(message(line), "ctplay")
