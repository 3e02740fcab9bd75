"""Where an owner is in a folder, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ctportd.records import Counts, VoiceMessage
from plugins.voicemail.owner.announcing import announced, filled
from plugins.voicemail.owner.dialling import refused as not_dialled
from plugins.voicemail.owner.envelope import envelope
from plugins.voicemail.owner.keys import Action
from plugins.voicemail.owner.pins import refused
from plugins.voicemail.owner.reading import Reading
from plugins.voicemail.owner.seeking import sought
from plugins.voicemail.settings import Rules

AT = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)


def message(uid: str, *, number: str = "", urgent: bool = False, heard: bool = False) -> VoiceMessage:
    """A message of two minutes and five seconds."""
    return VoiceMessage(
        "100", "call", AT, 125.0, f"/{uid}.wav", number, uid=uid, urgent=urgent, heard=heard, folder="INBOX"
    )


def order(reading: Reading) -> list[str]:
    """The messages in the order in which they are heard."""
    found = [reading.current]
    while reading.move(1):
        found.append(reading.current)
    return [message.uid for message in found if message is not None]


def test_urgent_messages_come_first() -> None:
    """Those that are new; heard ones are urgent no more."""
    kept = [
        message("a"),
        message("b", urgent=True, heard=True),
        message("c", urgent=True),
        message("d"),
        message("e", urgent=True),
    ]
    assert order(Reading("INBOX", kept)) == ["c", "e", "a", "b", "d"]


def test_going_through_a_folder() -> None:
    """Neither beyond the last message nor before the first; what makes no sense is not offered."""
    reading = Reading("INBOX", [message("a"), message("b", urgent=True), message("c")])
    assert reading.position() == ["vm-urgent", "vm-first", "vm-message"]
    assert reading.hidden() == {Action.RESTORE, Action.PREVIOUS}
    assert not reading.move(-1)
    assert reading.move(1)
    assert reading.position() == ["vm-message", "2"]
    assert reading.hidden() == {Action.RESTORE}
    assert reading.move(1)
    assert not reading.move(1)
    assert reading.position() == ["vm-last", "vm-message"]
    assert reading.hidden() == {Action.RESTORE, Action.NEXT}


def test_a_deleted_message_can_be_restored() -> None:
    """It stays where it was in the list, and is said to be deleted."""
    reading = Reading("INBOX", [message("a")])
    assert reading.current is not None
    trashed = VoiceMessage("100", "call", AT, 1.0, "/a.wav", uid="a", folder="Trash")
    reading.put(trashed)
    assert reading.deleted
    assert reading.position() == ["vm-first", "vm-message", "vm-is-deleted"]
    assert reading.hidden() == {Action.DELETE, Action.PREVIOUS, Action.NEXT}


def test_an_empty_folder_has_nothing_to_hear() -> None:
    """And nowhere to go."""
    reading = Reading("Work")
    assert reading.current is None
    assert not reading.move(1)
    assert reading.position() == ["vm-folder-empty"]


@pytest.mark.parametrize(
    ("new", "urgent", "old", "said"),
    [
        (0, 0, 0, "vm-no-messages"),
        (1, 0, 0, "vm-you-have 1 vm-new vm-message"),
        (0, 0, 2, "vm-you-have 2 vm-old vm-messages"),
        (2, 1, 3, "vm-you-have 2 vm-new vm-messages vm-one-urgent and 3 vm-old vm-messages"),
        (21, 2, 0, "vm-you-have 20 1 vm-new vm-messages 2 vm-of-them-urgent"),
        (1, 1, 1, "vm-you-have 1 vm-new vm-urgent vm-message and 1 vm-old vm-message"),
    ],
)
def test_counts_are_said(new: int, urgent: int, old: int, said: str) -> None:
    """In one sentence."""
    assert " ".join(announced(new, urgent, old)) == said


@pytest.mark.parametrize(
    ("messages", "seconds", "said"),
    [(8, 50.0, []), (9, 50.0, ["vm-nearly-full"]), (1, 95.0, ["vm-nearly-full"]), (10, 1.0, ["vm-is-full"])],
)
def test_a_mailbox_that_fills_up(messages: int, seconds: float, said: list[str]) -> None:
    """By messages or by seconds; without limits it never does."""
    counts = Counts(new=1, old=messages - 1, seconds=seconds)
    assert filled(counts, Rules(most_messages=10, most_seconds=100)) == said
    assert filled(counts, Rules()) == []


@pytest.mark.parametrize(
    ("zone", "now", "said"),
    [
        ("UTC", AT, "today at 12 30 am"),
        ("America/New_York", AT + timedelta(hours=10), "yesterday at 7 30 pm"),
        ("Asia/Tokyo", AT, "today at 9 30 am"),
        ("UTC", AT + timedelta(days=3), "tuesday november 24th at 12 30 am"),
    ],
)
def test_envelope_in_the_time_of_the_mailbox(zone: str, now: datetime, said: str) -> None:
    """Also across midnight, on either side; ``now`` may be of any zone."""
    if zone == "America/New_York":
        now = now.astimezone(ZoneInfo("Asia/Tokyo"))
    told = envelope(message("a", number="555-0100"), ZoneInfo(zone), now)
    assert " ".join(told) == f"vm-received {said} from 5 5 5 0 1 0 0 vm-lasting 2 minutes and 5 seconds"


@pytest.mark.parametrize(
    ("number", "name", "said"),
    [
        ("", None, "private-number"),
        ("100", Path("/name.wav"), "/name.wav"),
        ("+44 20", None, "4 4 2 0"),
        ("Böh?", None, "unknown-number"),
        ("-", None, "unknown-number"),
    ],
)
def test_envelope_tells_from_whom(number: str, name: Path | None, said: str) -> None:
    """A colleague by his own voice, others by number, whatever they send as one."""
    told = envelope(message("a", number=number), UTC, AT, name)
    assert " ".join(told[told.index("from") + 1 : told.index("vm-lasting")]) == said


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("123", "vm-pin-short"),
        ("12345", "vm-pin-easy"),
        ("8901", "vm-pin-easy"),
        ("4321", "vm-pin-easy"),
        ("2109", "vm-pin-easy"),
        ("0000", "vm-pin-easy"),
        ("2001", "vm-pin-easy"),
        ("1002", "vm-pin-easy"),
        ("4711", "vm-pin-old"),
        ("12A4", "vm-pin-digits"),
        ("1357913579135", "vm-pin-long"),
        ("2580", ""),
        ("135791357913", ""),
    ],
)
def test_easy_pins_are_refused(pin: str, problem: str) -> None:
    """Those that everybody tries first: runs, the mailbox's own number, the one that was given out."""
    assert refused(pin, "2001", 4, "4711") == problem


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("5550100", ""),
        ("", "vm-bad-number"),
        ("55501000", "vm-bad-number"),
        ("555,1", "vm-bad-number"),
        ("&555", "vm-bad-number"),
        ("\u0665\u0665", "vm-bad-number"),
        ("6550100", "vm-number-barred"),
    ],
)
def test_only_some_numbers_are_dialled(number: str, problem: str) -> None:
    """Digits alone: a caller's number may be anything, and a flash in it would be dialled, too."""
    assert not_dialled(number, 7, ["555", "0"]) == problem
    assert not_dialled(number, 7, []) == ("" if problem == "vm-number-barred" else problem)


@pytest.mark.parametrize(
    ("key", "at", "to"), [("*", 10.0, 7.0), ("*", 1.5, 0.0), ("#", 10.0, 13.0), ("2", 10.0, 0.0), ("", 4.0, 4.0)]
)
def test_keys_lead_about_in_a_message(key: str, at: float, to: float) -> None:
    """Three seconds back or forward, or to the beginning."""
    assert sought(key, at) == to
