"""What is thought of a caller, before anybody answers."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["permitted", "screened", "blocked"]
"""The classes of callers: known to be welcome, known as neither, known to be unwelcome."""


class Verdict(msgspec.Struct, frozen=True):
    """What a plugin has found about a caller; it does nothing by itself.

    Attributes:
        kind: The caller's class.
        action: What the plugin that judged will do when the call is offered to it, in its own words; may be empty.
        rule: What led to it, for people: ``allow list: 5550100 (Ada)``; empty where nothing did.
        by: The plugin that judged; empty where none has.
    """

    kind: Kind = "screened"
    action: str = ""
    rule: str = ""
    by: str = ""
