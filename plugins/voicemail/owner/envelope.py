"""What stands on a message's envelope: when it came, from whom, how long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import speech

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from pathlib import Path

    from ctportd import VoiceMessage


def envelope(message: VoiceMessage, zone: tzinfo | None, now: datetime, name: Path | None = None) -> list[str]:
    """The prompts that tell it.

    Args:
        message: The message.
        zone: In which the time is told; None: this machine's.
        now: The date and time of day; it knows its time zone.
        name: The recorded name of the mailbox from which the message is, if it has one.
    """
    received = message.recorded_at.astimezone(zone)
    return [
        "vm-received",
        *speech.day(received.date(), now.astimezone(zone).date()),
        "at",
        *speech.clock(received.time()),
        "from",
        *([str(name)] if name else caller(message.number)),
        "vm-lasting",
        *speech.duration(message.seconds),
    ]


def caller(number: str) -> list[str]:
    """The prompts that say a caller's number."""
    return speech.caller_number(number) if number else ["private-number"]
