"""What is to be mailed, and what has become of it so far."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec


class Letter(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A letter. Who posts one gives the first five; the rest is known when it is in the outbox.

    Attributes:
        to: The recipients' addresses, such as ``ada@example.com``.
        subject: One line. What cannot stand in one is left out.
        text: What it says.
        attachments: Files; each arrives under its own name. The outbox has them for itself from then on.
        about: What it is about, for who posted it and hears what became of it, such as ``{"mailbox": "100"}``. With the
            id of a ``call``, what becomes of the letter is in that call's timeline.
        id: Its name in the outbox, and in the Message-ID.
        posted_at: When.
        attempts: How often the mail server was asked to take it.
        next_at: When that is done again; None: as soon as possible.
        waiting: The recipients who have not got it yet, and may still get it.
        refused: Those who never will, each with what the server said.
        last_error: Why the last attempt failed; empty where none has.
    """

    to: list[str]
    subject: str
    text: str = ""
    attachments: list[Path] = []
    about: dict[str, str] = {}
    id: str = ""
    posted_at: datetime | None = None
    attempts: int = 0
    next_at: datetime | None = None
    waiting: list[str] = []
    refused: dict[str, str] = {}
    last_error: str = ""


def encoded(letter: Letter | list[Letter]) -> bytes:
    """Letters as JSON."""
    return msgspec.json.encode(letter, enc_hook=str)


def decoded(text: bytes) -> Letter:
    """A letter from JSON.

    Raises:
        msgspec.DecodeError: It is none.
    """
    return msgspec.json.decode(text, type=Letter, dec_hook=lambda kind, value: kind(value))
