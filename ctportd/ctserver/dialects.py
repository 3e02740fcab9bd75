"""How a client speaks: the bytes of its requests, of their replies, and of events."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ctportd.errors import ServerError
from ctportd.wire import classic
from ctportd.wire.keyed import Decoder, encode_message, parse_request
from ctportd.wire.lines import MAX_LINE
from ctportd.wire.message import MAX_ARGUMENTS, Message, Request, handle_of, integer

if TYPE_CHECKING:
    from ctportd.ctserver.line import Signal
    from ctportd.wire.message import BrokenLine

_EVENTS_KEPT = 256
"""Events that wait for a classic client to fetch them; beyond them the oldest are lost."""


_TEXT_REPLIES = {"ctwaitforring": MAX_ARGUMENTS, "ctcollect": 1, "ctwaitfordial": 0}
"""Requests that a classic client gets no word of success for, and how many arguments make up the line it gets."""

_ON_CALL = {"ctplay", "ctrecord", "ctdial"}


_HTTP = re.compile(rb" HTTP/[0-9]")


class WebPage(ServerError):  # noqa: N818  named after what happened, as in ctportd.errors
    """What should be a client may be a browser: a page that somebody looks at would command the lines from its body."""


class Answer:
    """A reply before it is put into words.

    Attributes:
        request: What was asked.
        speaker: The handle that answers.
        asker: The handle that asked.
        args: ``OK``, ``ERROR`` or ``EVENT``, then what belongs to it.
        key: The key that ended the request, if one did.
    """

    def __init__(self, request: Request, speaker: int, asker: int, args: tuple[str, ...], key: str = "") -> None:
        self.request = request
        self.speaker = speaker
        self.asker = asker
        self.args = args
        self.key = key


class Dialect(Protocol):
    """A connection's language."""

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """The requests that these bytes complete."""

    def reply(self, answer: Answer) -> bytes:
        """One message of a reply."""

    def event(self, handle: int, signal: Signal) -> bytes:
        """An event; nothing where clients fetch them."""

    def cannot_tell(self, cmd: str, event: str) -> bool:
        """Whether the reply to a request would mean something else if an event of this name cut it short."""

    def next_event(self) -> Signal | None:
        """The oldest event that waits to be fetched."""

    def forget_events(self) -> None:
        """Events that wait to be fetched are not to be told."""


class Keyed:
    """``cmd=... src=... dst=...``: the newer dialect."""

    def __init__(self) -> None:
        self._decoder = Decoder(parse_request)

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """The requests that these bytes complete."""
        return self._decoder.feed(data)

    def reply(self, answer: Answer) -> bytes:
        """One message of a reply; arguments beyond the ninth are lost."""
        message = Message(answer.request.cmd, answer.speaker, answer.asker, answer.args[:MAX_ARGUMENTS])
        return encode_message(message)

    def event(self, handle: int, signal: Signal) -> bytes:
        """An event, in the form that satisfies both tests of clients (PROTOCOL.md 3)."""
        args = (signal.name, *signal.words)[:MAX_ARGUMENTS]
        return encode_message(Message(signal.name, handle, handle, args))

    def cannot_tell(self, cmd: str, event: str) -> bool:  # noqa: ARG002  its replies carry the event
        """It can tell all."""
        return False

    def next_event(self) -> Signal | None:
        """None: clients of this dialect are told at once."""
        return None

    def forget_events(self) -> None:
        """There are none that wait."""


class Classic:
    """A request's name and arguments, each on its line: ctserver 0.3 (PROTOCOL.md 8)."""

    def __init__(self) -> None:
        self._reader = classic.RequestReader()
        self._events: deque[Signal] = deque(maxlen=_EVENTS_KEPT)

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """The requests that these bytes complete, in the form of the keyed ones."""
        found = self._reader.feed(data)
        return [_as_keyed(one) if isinstance(one, Request) else one for one in found]

    def reply(self, answer: Answer) -> bytes:
        """What this dialect can say of it: a word, keys, a caller, or an event with its handle."""
        status, *rest = answer.args
        cmd = answer.request.cmd
        if cmd == "ctwaitforevent":
            event = _event_word(rest[1], rest[2:]) if status == "EVENT" else ""
            return classic.encode_reply(str(answer.speaker), event)
        if cmd in _TEXT_REPLIES:
            told = rest[: _TEXT_REPLIES[cmd]] if status == "OK" or (status, cmd) == ("EVENT", "ctcollect") else []
            return classic.encode_reply(" ".join(told).strip())
        if cmd in {"ctplay", "ctsleep"} and answer.key:
            return classic.encode_reply(answer.key)
        # a request that failed is the only way to tell this dialect that the call is over
        over = status == "EVENT" and cmd in _ON_CALL and rest[1] in {"hangup", "loopdrop"}
        return classic.encode_reply("ERROR" if status == "ERROR" or over else "OK")

    def event(self, handle: int, signal: Signal) -> bytes:  # noqa: ARG002  it is this port's own
        """Nothing is said; the event waits for ``ctwaitforevent``."""
        self._events.append(signal)
        return b""

    def cannot_tell(self, cmd: str, event: str) -> bool:
        """A wait for a ring has one reply, that it rang; which will do for a set that was lifted."""
        return cmd == "ctwaitforring" and event != "pickup"

    def next_event(self) -> Signal | None:
        """The oldest event that waits."""
        return self._events.popleft() if self._events else None

    def forget_events(self) -> None:
        """Forget them."""
        self._events.clear()


def _as_keyed(request: Request) -> Request:
    """``ctsendevent`` names its port in an argument; the keyed form has a handle for it."""
    if request.cmd != "ctsendevent":
        return request
    port = integer(request.args[0]) or 0  # there is no port 0: what is no number gets the error that it deserves
    return Request(request.cmd, None, handle_of(port), request.args[1:])


def _event_word(name: str, words: list[str]) -> str:
    """An event in one line: a key is told by itself."""
    return words[0] if name == "dtmf" and words else name


class FirstLine:
    """The dialect of a client that has not said a line yet: its first one tells which it is.

    Until then it is told events in the keyed form: a client that only listens speaks that one. :meth:`feed` raises
    :class:`WebPage` where the first line may be a browser's: that of an HTTP request, one that is longer than a line may
    be, or one without a small letter at its beginning. What a page can have a browser send without asking first begins
    with a capital letter (the method), or with 0x16 (TLS).
    """

    def __init__(self) -> None:
        self._chosen: Dialect = Keyed()
        self._known = False
        self._begun = b""

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """The requests that these bytes complete."""
        if self._known:
            return self._chosen.feed(data)
        self._begun = (self._begun + data.replace(b"\0", b"")).lstrip(b"\n\r ")
        if b"\n" not in self._begun and len(self._begun) <= MAX_LINE:
            return []
        self._known = True
        first, ended, _ = self._begun[: MAX_LINE + 1].partition(b"\n")
        if not ended or not first[:1].islower() or _HTTP.search(first):
            raise WebPage
        if b"cmd=" not in first:
            self._chosen = Classic()
        begun, self._begun = self._begun, b""
        return self._chosen.feed(begun)

    def reply(self, answer: Answer) -> bytes:
        """One message of a reply."""
        return self._chosen.reply(answer)

    def event(self, handle: int, signal: Signal) -> bytes:
        """An event."""
        return self._chosen.event(handle, signal)

    def cannot_tell(self, cmd: str, event: str) -> bool:
        """Whether the reply to a request would mean something else if an event of this name cut it short."""
        return self._chosen.cannot_tell(cmd, event)

    def next_event(self) -> Signal | None:
        """The oldest event that waits to be fetched."""
        return self._chosen.next_event()

    def forget_events(self) -> None:
        """Events that wait to be fetched are not to be told."""
        self._chosen.forget_events()
