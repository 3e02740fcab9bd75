"""Events of a port, as types, and how they are told from replies (PROTOCOL.md 3)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ctportd.wire.message import Message, integer
from ctportd.wire.requests import COMMANDS

KEYS = frozenset("0123456789*#ABCD")
"""The sixteen keys of DTMF."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened on a port.

    Attributes:
        port: The telephone port on which it happened (1 and up).
        message: The whole message that told of it.
    """

    name: ClassVar[str] = ""

    port: int
    message: Message

    @property
    def raw(self) -> str:
        """The line as it came from ctserver."""
        return self.message.raw


class Ring(Event, frozen=True, kw_only=True):
    """A ring signal was seen on a trunk port. ``count`` is which ring it is, where ctserver says so."""

    name: ClassVar[str] = "ring"
    count: int | None = None


class Dtmf(Event, frozen=True, kw_only=True):
    """A key was pressed: one of :data:`KEYS`."""

    name: ClassVar[str] = "dtmf"
    key: str


class Hangup(Event, frozen=True, kw_only=True):
    """The far end, or the station's set, went on hook."""

    name: ClassVar[str] = "hangup"


class LoopDrop(Event, frozen=True, kw_only=True):
    """The loop current dropped: the exchange says that the call is over."""

    name: ClassVar[str] = "loopdrop"


class Pickup(Event, frozen=True, kw_only=True):
    """The station's set went off hook."""

    name: ClassVar[str] = "pickup"


class TimerExpired(Event, frozen=True, kw_only=True):
    """The timer of ``start_timer`` ran out."""

    name: ClassVar[str] = "timer"


class CallerId(Event, frozen=True, kw_only=True):
    """Caller ID was decoded. Either part may be empty."""

    name: ClassVar[str] = "cid"
    number: str = ""
    caller_name: str = ""


class Flash(Event, frozen=True, kw_only=True):
    """A hook flash."""

    name: ClassVar[str] = "flash"


class ToneEnd(Event, frozen=True, kw_only=True):
    """An asynchronous tone ended."""

    name: ClassVar[str] = "toneend"


class Grunt(Event, frozen=True, kw_only=True):
    """Sound after silence, while ``grunt_on`` is in force."""

    name: ClassVar[str] = "grunt"


class UserMessage(Event, frozen=True, kw_only=True):
    """A message that another port sent with ``send_event``, such as ``RECORD_STOP``.

    Attributes:
        text: The first word of the message.
        sender: The handle of the port that sent it (-2: the manager), where ctserver says so.
        words: The words after the first.
    """

    name: ClassVar[str] = "message"
    text: str
    sender: int | None = None
    words: tuple[str, ...] = ()


EVENT_TYPES: dict[str, type[Event]] = {
    event.name: event for event in (Ring, Hangup, LoopDrop, Pickup, TimerExpired, Flash, ToneEnd, Grunt)
} | {"dtmf": Dtmf, "cid": CallerId}
"""Every event that has a name of its own on the wire."""

_NAMES = frozenset(EVENT_TYPES) | KEYS
_STATUSES = frozenset({"OK", "ERROR", "EVENT"})


def event_of(message: Message, port: int) -> Event | None:
    """The event in a message that is not an awaited reply, or in a reply that carries one; else None.

    ``port`` is the telephone port on whose connection the message came.

    Clients in the field test either ``rly`` or the first argument for the event's name, so both are looked
    at (forms 1 and 2), and ``EVENT`` in a reply (form 3). A name that is no known event's is a
    :class:`UserMessage`, unless it is that of a request: then the message is a reply which nobody awaits.
    """
    status = message.status
    if status == "EVENT":
        name = message.args[2] if len(message.args) > 2 else ""
        return _build(name, port, message, message.args[3:]) if name else None
    if message.rly in _NAMES:
        payload = message.args[1:] if status == message.rly else message.args
        return _build(message.rly, port, message, payload)
    if status in _NAMES:
        return _build(status, port, message, message.args[1:])
    if message.rly in COMMANDS:
        return None
    payload = message.args[1:] if status == message.rly else message.args
    return _build(message.rly, port, message, payload)


def is_reply(message: Message, cmd: str) -> bool:
    """Whether the message is the reply to a request that waits with this name.

    ``rly`` alone does not tell: form 2 of an event may carry any name there, so a first argument that is
    an event's name makes it an event. What else it may say is for the caller to judge.
    """
    return message.rly == cmd and message.status not in _NAMES


def is_status(word: str) -> bool:
    """Whether a reply may begin with this word."""
    return word in _STATUSES


def _build(name: str, port: int, message: Message, payload: tuple[str, ...]) -> Event:
    first = payload[0] if payload else ""
    if name in KEYS:
        return Dtmf(port=port, message=message, key=name)
    if name == "dtmf" and first in KEYS:
        return Dtmf(port=port, message=message, key=first)
    if name == "ring":
        return Ring(port=port, message=message, count=integer(first))
    if name == "cid":
        # a value cannot hold a space: the words of a name come as further arguments
        return CallerId(port=port, message=message, number=first, caller_name=" ".join(payload[1:]).strip())
    if name in EVENT_TYPES and name != "dtmf":
        return EVENT_TYPES[name](port=port, message=message)
    sender = integer(first)
    words = payload if sender is None else payload[1:]
    return UserMessage(port=port, message=message, text=name, sender=sender, words=words)
