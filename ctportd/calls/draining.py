"""Which ports take no new calls, because somebody has said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Draining:
    """Ports by their addresses, so that one that is built anew by a reload is drained as before.

    Where all are, so are those that a reload adds.
    """

    def __init__(self) -> None:
        self._all = False
        self._others: set[str] = set()  # with which it is the other way round

    def covers(self, address: str) -> bool:
        """Whether a port takes no new calls."""
        return self._all != (address in self._others)

    def begin(self, addresses: Collection[str] = ()) -> None:
        """Have these ports take no new calls; none: all ports."""
        self._set(addresses, draining=True)

    def end(self, addresses: Collection[str] = ()) -> None:
        """Have these ports take calls again; none: all ports."""
        self._set(addresses, draining=False)

    def _set(self, addresses: Collection[str], *, draining: bool) -> None:
        if not addresses:
            self._all = draining
            self._others.clear()
        elif draining == self._all:
            self._others.difference_update(addresses)
        else:
            self._others.update(addresses)
