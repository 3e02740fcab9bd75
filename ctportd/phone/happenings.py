"""What happens on a telephone's line, as types: each with the line's time, each one object of ``--json``."""

from __future__ import annotations

from typing import Literal

import msgspec


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """Something that the telephone did or noticed.

    Attributes:
        t: Seconds of the line's time, from the first frame of voice.
    """

    t: float


class Calling(Happening, frozen=True, kw_only=True):
    """The telephone calls a trunk port, with this caller ID."""

    port: int
    number: str
    name: str


class Attached(Happening, frozen=True, kw_only=True):
    """The telephone became the set of a station port."""

    port: int


class Ring(Happening, frozen=True, kw_only=True):
    """The line has rung ``count`` times."""

    count: int


class Shown(Happening, frozen=True, kw_only=True):
    """The set shows who calls; either may be empty."""

    number: str
    name: str


class Answered(Happening, frozen=True, kw_only=True):
    """The port went off hook: the call is up."""


class OffHook(Happening, frozen=True, kw_only=True):
    """The set of a station port was lifted."""


class Playing(Happening, frozen=True, kw_only=True):
    """The line begins to play a prompt."""

    prompt: str
    file: str


class Played(Happening, frozen=True, kw_only=True):
    """A prompt ended, ``seconds`` after it began; ``complete`` is false where something cut it short."""

    prompt: str
    complete: bool
    seconds: float


class Press(Happening, frozen=True, kw_only=True):
    """The telephone pressed a key."""

    key: str


class Flash(Happening, frozen=True, kw_only=True):
    """The telephone gave a hook flash."""


class Say(Happening, frozen=True, kw_only=True):
    """The telephone begins to speak for ``seconds``."""

    sound: str
    seconds: float


class Said(Happening, frozen=True, kw_only=True):
    """The telephone has spoken to the end."""

    sound: str


class Recording(Happening, frozen=True, kw_only=True):
    """The line begins to record."""

    file: str


class Recorded(Happening, frozen=True, kw_only=True):
    """The line records no more."""

    file: str


class Complaint(Happening, frozen=True, kw_only=True):
    """The exchange said that something made no sense."""

    message: str


Reason = Literal["hangup", "closing", "busy", "gave-up", "refused", "lost"]


class Ended(Happening, frozen=True, kw_only=True):
    """The call is over.

    Attributes:
        by: Who ended it: the ``line`` that was called, this ``phone``, or the ``exchange`` between them.
        reason: ``hangup``; or ``closing`` (ctserver stops), ``busy``, ``gave-up`` (the phone, after its rings),
            ``refused`` (the exchange knows no such port, say) or ``lost`` (the connection went).
        detail: What the exchange said, for ``refused``.
    """

    by: Literal["line", "phone", "exchange"]
    reason: Reason
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The end in words."""
        words = _ENDS.get((self.by, self.reason)) or _ENDS["exchange", self.reason]
        return f"{words}: {self.detail}" if self.detail else words


_ENDS = {
    ("line", "hangup"): "the line hung up",
    ("phone", "hangup"): "the phone hung up",
    ("phone", "gave-up"): "nobody answered, and the phone gave up",
    ("exchange", "busy"): "the line is busy",
    ("exchange", "closing"): "ctserver stops",
    ("exchange", "refused"): "the exchange refused the call",
    ("exchange", "lost"): "the connection to the exchange was lost",
}
