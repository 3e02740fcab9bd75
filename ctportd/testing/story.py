"""What happened on a telephone's line, in lines to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd.phone.happenings import Happening


def story(happened: Iterable[Happening]) -> str:
    """Each happening with its time; what stands in it as ``key=value``."""
    lines = [_line(msgspec.to_builtins(happening)) for happening in happened]
    return "\n".join(["What happened on the line:", *(lines or ["  nothing"])])


def _line(told: dict[str, object]) -> str:
    moment, event = told.pop("t"), told.pop("event")
    details = " ".join(f"{key}={value}" for key, value in told.items() if value not in ("", None))
    return f"{moment:8.2f} s  {event:10} {details}".rstrip()
