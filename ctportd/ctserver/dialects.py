"""How a client speaks: the bytes of its requests, of their replies, and of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ctportd.wire.keyed import Decoder, encode_message, parse_request
from ctportd.wire.message import MAX_ARGUMENTS, Message

if TYPE_CHECKING:
    from ctportd.ctserver.line import Signal
    from ctportd.wire.message import BrokenLine, Request


class Dialect(Protocol):
    """A connection's language."""

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """The requests that these bytes complete."""

    def reply(self, request: Request, speaker: int, asker: int, args: tuple[str, ...]) -> bytes:
        """One message of a reply; its first argument is its status."""

    def event(self, handle: int, signal: Signal) -> bytes:
        """An event; nothing where clients are not told of their own accord."""

    def forget_events(self) -> None:
        """Events that wait to be fetched are not to be told."""


class Keyed:
    """``cmd=... src=... dst=...``: the newer dialect."""

    def __init__(self) -> None:
        self._decoder = Decoder(parse_request)

    def feed(self, data: bytes) -> list[Request | BrokenLine]:
        """The requests that these bytes complete."""
        return self._decoder.feed(data)

    def reply(self, request: Request, speaker: int, asker: int, args: tuple[str, ...]) -> bytes:
        """One message of a reply; arguments beyond the ninth are lost."""
        return encode_message(Message(request.cmd, speaker, asker, args[:MAX_ARGUMENTS]))

    def event(self, handle: int, signal: Signal) -> bytes:
        """An event, in the form that satisfies both tests of clients (PROTOCOL.md 3)."""
        args = (signal.name, *signal.words)[:MAX_ARGUMENTS]
        return encode_message(Message(signal.name, handle, handle, args))

    def forget_events(self) -> None:
        """Clients of this dialect have been told already."""
