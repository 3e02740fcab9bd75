"""What became of every request, counted."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import msgspec

from ctportd.errors import Disconnected, PortBusy, RequestTimedOut


class Fate(StrEnum):
    """What became of one request."""

    DONE = "done"
    """Carried out, to its end or until an event cut it short."""

    FAILED = "failed"
    """Ctserver refused it, or answered what the protocol does not know."""

    TIMED_OUT = "timed_out"
    """No reply came within what the request itself may take. It may have been carried out."""

    LINK_LOST = "link_lost"
    """The connection went before the reply. It may have been carried out; it is never sent again."""

    NOT_SENT = "not_sent"
    """There was no connection, or the port had no place for it."""

    GIVEN_UP = "given_up"
    """Whoever asked was cancelled before the reply."""


class Fates(msgspec.Struct):
    """How many requests of a link came to each fate; all together they are the requests that were asked."""

    done: int = 0
    failed: int = 0
    timed_out: int = 0
    link_lost: int = 0
    not_sent: int = 0
    given_up: int = 0

    def count(self, fate: Fate) -> None:
        """One more."""
        setattr(self, fate.value, getattr(self, fate.value) + 1)


def fate_of(error: BaseException) -> Fate:
    """The fate of a request that ended with an error."""
    match error:
        case RequestTimedOut():
            return Fate.TIMED_OUT
        case Disconnected(sent=True):
            return Fate.LINK_LOST
        case Disconnected() | PortBusy():
            return Fate.NOT_SENT
        case asyncio.CancelledError():
            return Fate.GIVEN_UP
    return Fate.FAILED
