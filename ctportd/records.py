"""What the store keeps: calls, their steps and voice messages, as plain structures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


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
    """

    id: str
    port: str
    began: datetime
    number: str = ""
    name: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""


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
