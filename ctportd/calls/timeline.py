"""What happened in a call, step by step."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Step(msgspec.Struct, frozen=True):
    """One thing that happened in a call.

    Attributes:
        at: When, in UTC.
        kind: What: ``ring``, ``answered``, ``played``, ``message``, ...
        details: What more is known of it, as JSON can hold it.
    """

    at: datetime
    kind: str
    details: dict[str, Any] = {}
