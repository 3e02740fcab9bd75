"""What the store keeps: calls, their steps and voice messages, as plain structures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


INCOMING, OUTGOING = "incoming", "outgoing"
"""Who has made a call: somebody else, or we."""


class CallRecord(msgspec.Struct, frozen=True):
    """One call, as it is kept.

    Attributes:
        id: The call's.
        port: The telephone port's address, such as ``main:2``.
        began: When the first ring came.
        number: The caller's; may be empty.
        name: The caller's; may be empty.
        answered_at: When it was answered, or None.
        ended_at: When it was over; None while it is under way.
        end_reason: Why it was over; empty while it is under way.
        e164: The number in its international form; where it is none of the public network, without punctuation.
        country: Whose number it is: two letters, as in ISO 3166; may be empty.
        region: Where the number is from: a city, a state; may be empty.
        verdict: The class of the caller: ``permitted``, ``screened``, ``blocked``; empty where nobody has judged.
        rule: What led to that.
        direction: ``incoming``, or ``outgoing`` where we called: number and name are those of whoever was called.
    """

    id: str
    port: str
    began: datetime
    number: str = ""
    name: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    e164: str = ""
    country: str = ""
    region: str = ""
    verdict: str = ""
    rule: str = ""
    direction: str = INCOMING


_PUNCTUATION = str.maketrans("", "", " -.()/")


def part_of_number(text: str) -> str:
    """Part of a number as people type it, as records have it: without punctuation."""
    return text.translate(_PUNCTUATION)


class CallFilter(msgspec.Struct, frozen=True):
    """Which calls are meant: all those for which everything that is given holds.

    Attributes:
        number: Part of the number, as it came or in its international form: see :func:`part_of_number`.
        name: Part of the name, whatever its case.
        port: The port's address.
        since: Those that began then or later.
        until: Those that began before.
        verdict: The class of the caller.
        direction: ``incoming`` or ``outgoing``.
    """

    number: str = ""
    name: str = ""
    port: str = ""
    since: datetime | None = None
    until: datetime | None = None
    verdict: str = ""
    direction: str = ""


class CallCount(msgspec.Struct, frozen=True):
    """How many calls from callers of one class began within a quarter of an hour.

    Attributes:
        at: When that began, in UTC.
        verdict: The class of the callers; empty where nobody has judged.
        calls: How many.
        answered: How many of them were answered.
        seconds: How long those lasted, all together.
    """

    at: datetime
    verdict: str
    calls: int
    answered: int
    seconds: float


class CallerCount(msgspec.Struct, frozen=True):
    """How often somebody has called.

    Attributes:
        number: The number, in its international form where there is one.
        name: The name, or one of several.
        calls: How often.
        answered: How many of these calls were answered.
        last: When the last one began.
    """

    number: str
    name: str
    calls: int
    answered: int
    last: datetime


class Step(msgspec.Struct, frozen=True):
    """One thing that happened in a call, or that came of it later.

    Attributes:
        at: When, in UTC.
        kind: What: ``ring``, ``answered``, ``prompt``, ``message``, ...
        details: What more is known of it, as JSON can hold it. What lasted has ``seconds``, those of the line.
        after: Seconds of the line since the first ring; None for what came when the call was over.
    """

    at: datetime
    kind: str
    details: dict[str, Any] = {}
    after: float | None = None


MAILBOX = "mailbox "
CALLER = "caller "
"""What the subjects of wrong PINs begin with."""


class WrongPins(msgspec.Struct, frozen=True):
    """The wrong PINs that were given for a mailbox, or by a caller.

    Attributes:
        subject: ``mailbox 100`` or ``caller 5550100``.
        count: How many in a row.
        last: When the last one was given.
        locked_until: Until when no PIN is believed; None: it is not locked.
    """

    subject: str
    count: int
    last: datetime
    locked_until: datetime | None = None


INBOX = "INBOX"
OLD = "Old"
TRASH = "Trash"
FOLDERS = (INBOX, OLD, "Work", "Family", "Friends", TRASH)
"""What a mailbox keeps its messages in: new ones, heard ones, three for what the owner sorts, deleted ones."""


class Counts(msgspec.Struct, frozen=True):
    """What is in a mailbox, its trash left out.

    Attributes:
        new: Messages that nobody has heard yet.
        old: All others.
        seconds: How long they are, all together.
    """

    new: int = 0
    old: int = 0
    seconds: float = 0.0


class VoiceMessage(msgspec.Struct, frozen=True):
    """One message in a mailbox.

    Attributes:
        mailbox: Whose it is.
        call: The call's id.
        recorded_at: When it was begun.
        seconds: How long it is.
        path: The recording: whole and on disk before this row is there.
        number: The caller's; may be empty.
        name: The caller's; may be empty.
        cut_short: Whether something else than the caller or the limits ended it: a crash, a full disk.
        id: Counts the messages of the store; 0 before it is kept.
        folder: One of ``FOLDERS``.
        heard: Whether the owner has heard it.
        urgent: Whether its caller has marked it so.
        filed_at: When it came into its folder; None: it is where it was put first.
        uid: What its files are called, without their endings; stays the same wherever they are.
    """

    mailbox: str
    call: str
    recorded_at: datetime
    seconds: float
    path: str
    number: str = ""
    name: str = ""
    cut_short: bool = False
    id: int = 0
    folder: str = INBOX
    heard: bool = False
    urgent: bool = False
    filed_at: datetime | None = None
    uid: str = ""

    def __post_init__(self) -> None:
        """Its files' name is told by the path, where nobody tells it."""
        if not self.uid:
            msgspec.structs.force_setattr(self, "uid", Path(self.path).stem)

    @property
    def new(self) -> bool:
        """Whether it waits to be heard."""
        return self.folder == INBOX and not self.heard


def counts_of(messages: Iterable[VoiceMessage]) -> Counts:
    """What so many messages come to; those in the trash count for nothing."""
    kept = [message for message in messages if message.folder != TRASH]
    new = sum(message.new for message in kept)
    return Counts(new, len(kept) - new, sum(message.seconds for message in kept))
