"""Who calls, and what was recorded of them."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """Who calls, as far as the exchange or a plugin says.

    Attributes:
        number: As it came; empty where it is unknown or withheld.
        name: From a plugin that knows the number, else as it came; may be empty.
    """

    number: str = ""
    name: str = ""

    def __str__(self) -> str:
        if self.name and self.number:
            return f"{self.name} <{self.number}>"
        return self.name or self.number or "unknown caller"


class Recording(msgspec.Struct, frozen=True):
    """What a recording came to.

    Attributes:
        path: The file.
        ended_by: ``key`` (one of the ending digits), ``silence or limit``, or the event that ended it:
            ``hangup``, ``loopdrop``, or a message from another port.
        digits: The keys pressed while it ran.
    """

    path: Path
    ended_by: str
    digits: str
