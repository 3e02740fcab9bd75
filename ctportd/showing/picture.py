"""What ``ctportd top`` shows: how the daemon fares at one moment, and how fast things go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.status import Status

if TYPE_CHECKING:
    from datetime import datetime


class Picture(msgspec.Struct, frozen=True):
    """How the daemon fares.

    Attributes:
        status: All that it tells of itself.
        events: Events of ctserver a second, by the address of their port.
        called: Calls of hooks a second, by the name of their plugin.
        load: The part of a processor that it uses: 1 is all of one.
        lines: The last lines of its log that tell of trouble, the newest last.
        problem: Why it is not reached now; empty: it is, and all of this is so.
    """

    status: Status
    events: dict[str, float] = {}
    called: dict[str, float] = {}
    load: float = 0.0
    lines: list[dict[str, Any]] = []
    problem: str = ""


def compared(now: Status, before: Status, seconds: float, lines: list[dict[str, Any]]) -> Picture:
    """How fast things went between two looks at one daemon, which are so many seconds apart."""
    if now.pid != before.pid or seconds <= 0:  # another one has been started meanwhile
        return Picture(now, lines=lines)
    ports = {port.address: port.events for port in before.ports}
    plugins = {plugin.name: plugin.called for plugin in before.plugins}
    return Picture(
        now,
        {p.address: _rate(p.events, ports.get(p.address, 0), seconds) for p in now.ports},
        {p.name: _rate(p.called, plugins.get(p.name, 0), seconds) for p in now.plugins},
        _rate(now.cpu, before.cpu, seconds),
        lines,
    )


def _rate(now: float, before: float, seconds: float) -> float:
    return round(max(now - before, 0) / seconds, 3)  # one that was replaced counts from the beginning


def lasted(since: datetime, now: datetime) -> str:
    """How long something has lasted: ``0:42``, ``1:02:03``, ``3d 04:12``."""
    seconds = max(int((now - since).total_seconds()), 0)
    days, rest = divmod(seconds, 86_400)
    hours, minutes = rest // 3600, rest // 60 % 60
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest % 60:02}" if hours else f"{minutes}:{rest % 60:02}"
