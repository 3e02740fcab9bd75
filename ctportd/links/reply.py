"""What a request brought back."""

from __future__ import annotations

import msgspec

from ctportd.wire.events import Event, event_of
from ctportd.wire.message import Message


class Reply(msgspec.Struct, frozen=True):
    """The reply to a request that was carried out, to its end or until an event cut it short.

    Attributes:
        values: What the reply holds after its status. For play, record, sleep and collect the first is the
            digits so far.
        event: The event that cut the request short; None where it came to its own end.
        message: The whole message.
    """

    values: tuple[str, ...]
    event: Event | None
    message: Message

    @property
    def digits(self) -> str:
        """The keys pressed so far, in a reply that tells them."""
        return self.values[0] if self.values else ""


def reply_of(message: Message, port: int) -> Reply:
    """A reply message with its status taken off and its event, if any, made out."""
    return Reply(message.args[1:], event_of(message, port), message)
