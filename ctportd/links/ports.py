"""All telephone ports of all ctservers, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ctportd.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ctportd.links.port import Port


class Ports(Mapping[str, "Port"]):
    """Ports by address, such as ``main:2``; by number alone, as text or not, where only one ctserver has that number."""

    def __init__(self, ports: Iterable[Port] = ()) -> None:
        self.replace(ports)

    def replace(self, ports: Iterable[Port]) -> None:
        """Have these, and no others, from now on."""
        self._ports = {port.address: port for port in ports}

    def __getitem__(self, name: str | int) -> Port:
        """The port of this name.

        Raises:
            KeyError: There is none, or several have this number.
        """
        if str(name) in self._ports:
            return self._ports[str(name)]
        of_this_number = [port for port in self._ports.values() if str(port.number) == str(name)]
        if len(of_this_number) != 1:
            raise KeyError(name)
        return of_this_number[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ports)

    def __len__(self) -> int:
        return len(self._ports)

    def find(self, name: str, request: str) -> Port:
        """The port that somebody named for a request.

        Raises:
            InvalidArgument: There is none, or several; the error says which there are.
        """
        try:
            return self[name]
        except KeyError:
            known = ", ".join(self._ports) or "none"
            raise InvalidArgument(
                request, "port", f"is {name!r} where one of these is expected: {known}"
            ) from None
