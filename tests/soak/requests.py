"""What became of the requests to ctserver, as the daemon counts them, over all of its lives."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soak.house import House

_EVERY = 1.0  # seconds from one look to the next: what a killed daemon counted after the last one is not known


class RequestFates:
    """Sums of ``ports[].requests`` of the status; empty where the daemon tells none."""

    def __init__(self) -> None:
        self._lives: dict[int, Counter[str]] = {}

    async def watch(self, house: House) -> None:
        """Look again and again, until cancelled: a daemon's figures go with its life."""
        while True:
            await self.look(house)
            await asyncio.sleep(_EVERY)

    async def look(self, house: House) -> None:
        """Note the figures of the daemon that lives now."""
        told = await house.told()
        if told is not None:
            self._lives[told["pid"]] = _sum(told["ports"])

    @property
    def fates(self) -> dict[str, int]:
        """How many requests ended in which way."""
        return dict(sum(self._lives.values(), Counter()))


def _sum(ports: list[dict[str, Any]]) -> Counter[str]:
    fates: Counter[str] = Counter()
    for port in ports:
        counted = port.get("requests")
        if isinstance(counted, dict):
            fates.update({fate: count for fate, count in counted.items() if isinstance(count, int)})
    return fates
