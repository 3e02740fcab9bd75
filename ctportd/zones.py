"""Time zones, by their names."""

from __future__ import annotations

import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def read_zone(name: str) -> ZoneInfo | None:
    """The time zone that the key ``zone`` of a table names; None, this machine's, where it is empty.

    Raises:
        ValueError: There is no such one. It begins with the key, and says which is near.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, or what no file can be called
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ", expected one like 'Europe/Berlin'"
        raise ValueError(f"zone: there is no time zone {name!r}{hint}") from None
