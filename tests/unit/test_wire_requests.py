"""Every request, byte for byte as the POE client sent it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctportd.errors import InvalidArgument
from ctportd.wire.keyed import encode_request, parse_request
from ctportd.wire.message import Request
from ctportd.wire.requests import COMMANDS, REQUESTS

RECORDED = Path(__file__).parent.parent / "requests.tsv"
HANDLE = 1  # the recording was made on port 2

FOUND = {"beep": "/snd/beep.au", "hello": "/snd/prompts/hello.au", "prompt.wav": "/snd/prompt.wav"}
"""Where the files of the recording were: finding them is not the codec's work."""

SPECIAL = {
    "play 1 2 (first)": ("play", ["/snd/1.au"]),
    "play 1 2 (second)": ("play", ["/snd/2.au"]),
    "play hello (from prompts/)": ("play", ["/snd/prompts/hello.au"]),
    "play beep, asynchronous": ("play_async", ["/snd/beep.au"]),
    "play beep, ignoring keys": ("play", ["/snd/beep.au", "ignore_dtmf"]),
    "port_status (all)": ("port_status", []),
}


def recorded() -> list[tuple[str, str]]:
    """The rows of the recording: what the program asked, and the line that was sent."""
    rows = [line.split("\t") for line in RECORDED.read_text().splitlines() if not line.startswith("#")]
    return [(asked, line) for asked, _, line in rows]


def asked_for(asked: str) -> tuple[str, list[str]]:
    """The request's name and its arguments, as the program gave them."""
    if asked in SPECIAL:
        return SPECIAL[asked]
    name, *arguments = asked.split(" ")
    return name, [FOUND.get(argument, argument) for argument in arguments]


@pytest.mark.parametrize(("asked", "line"), recorded(), ids=[asked for asked, _ in recorded()])
def test_request_is_sent_as_recorded(asked: str, line: str) -> None:
    """What we send is what the POE client sent, to the byte."""
    name, arguments = asked_for(asked)
    assert encode_request(REQUESTS[name].build(HANDLE, arguments)) == line.encode() + b"\n"


@pytest.mark.parametrize(("asked", "line"), recorded(), ids=[asked for asked, _ in recorded()])
def test_recorded_request_is_read_back(asked: str, line: str) -> None:
    """The server reads what was recorded as the request that was asked for."""
    name, arguments = asked_for(asked)
    assert parse_request(line) == REQUESTS[name].build(HANDLE, arguments)


def test_recording_is_complete() -> None:
    """The recording has rows, and each names a request that we know."""
    assert len(recorded()) == 48
    assert {asked_for(asked)[0] for asked, _ in recorded()} <= set(REQUESTS)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("send_event", [1, "RECORD_STOP"], Request("ctsendevent", 1, 0, ("RECORD_STOP",))),
        ("send_event", [3, "a", "b", "c"], Request("ctsendevent", 1, 2, ("a", "b", "c"))),
        (
            "send_cid",
            ["5550100", "Ada", "Lovelace"],
            Request("ctsendcid", 1, 1, ("5550100", "Ada", "Lovelace")),
        ),
        ("port_reset", [], Request("portreset", 1, 2)),
        ("port_reset", [4], Request("portreset", 1, 4)),
        ("sleep", [2.0], Request("ctsleep", 1, 1, ("2",))),
    ],
)
def test_request_that_was_not_recorded(name: str, values: list[object], expected: Request) -> None:
    """Requests that never reached the recorder have the form that the protocol's tables give."""
    assert REQUESTS[name].build(HANDLE, values) == expected


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("play", ["/my files/beep.au"], "play: file holds a space"),
        ("play", ["a\nb"], "play: file holds a line feed"),
        ("play", ["a\rb"], "play: file holds a carriage return"),
        ("play", ["a\0b"], "play: file holds a NUL"),
        ("play", [""], "play: file is empty"),
        ("play", [], "play: file is missing"),
        ("play", ["a", "loudly"], "play: mode is 'loudly' where one of ignore_dtmf is expected"),
        ("off_hook", ["now"], "off_hook: argument 1 is one too many: it takes none"),
        ("sleep", ["0.5"], "sleep: seconds is '0.5' where a whole number of seconds, 0 or more, is expected"),
        ("sleep", ["-1"], "sleep: seconds is '-1'"),
        ("sleep", ["٣"], "sleep: seconds is '٣'"),
        ("collect", [0, 5], "collect: digits is '0'"),
        ("dial", ["555-0100"], "dial: number is '555-0100' where keys out of 0123456789#*,& are expected"),
        ("dial", [""], "dial: number is ''"),
        ("record", ["x.wav", 5, "Z"], "record: ending_digits is 'Z'"),
        (
            "play_tone",
            ["loud"],
            "play_tone: tone is 'loud' where one of busy, dialx, dial, ringback is expected",
        ),
        ("bridge", [0], "bridge: port is '0' where a port's number, 1 or more, is expected"),
        ("send_event", [], "send_event: port is missing"),
        ("send_event", [1], "send_event: message is missing"),
        ("send_event", [1, *"abcdefghij"], "send_event: argument 10 is one too many: it takes 9 at most"),
    ],
)
def test_bad_argument_is_refused(name: str, values: list[object], told: str) -> None:
    """A value that the request cannot take is refused, by the argument's name, before anything is sent."""
    with pytest.raises(InvalidArgument) as refused:
        REQUESTS[name].build(HANDLE, values)
    assert told in str(refused.value)


def test_names_are_unique() -> None:
    """No two requests share a name, of programs or of the wire."""
    assert len(REQUESTS) == len(COMMANDS) == 39


@pytest.mark.parametrize(
    ("name", "values", "limit"),
    [
        ("off_hook", [], 10.0),
        ("sleep", [30], 40.0),
        ("record", ["x.wav", 60], 70.0),
        ("record", ["x.wav"], None),
        ("collect", [4, 10, 2], 60.0),
        ("wait_for_event", [], None),
        ("play", ["x.au"], None),
        ("dial", [",,12"], 13.0),
    ],
)
def test_time_limit_follows_the_request(name: str, values: list[object], limit: float | None) -> None:
    """How long a reply may take comes from what the request does: a minute's recording is no time-out."""
    spec = REQUESTS[name]
    assert spec.time_limit(spec.build(HANDLE, values).args) == limit
