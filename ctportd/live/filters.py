"""What a reader wants to see."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

import msgspec

from ctportd.errors import InvalidArgument
from ctportd.live.events import KEY, LOST, MASKED, TYPES
from ctportd.nearest import no_such

if TYPE_CHECKING:
    from ctportd.live.events import LiveEvent

Level = Literal["debug", "info", "warning", "error", "critical"]

_LEVELS = ("debug", "info", "warning", "error", "critical")


class EventFilter(msgspec.Struct, frozen=True):
    """Which events are meant: all those for which everything that is given holds.

    Attributes:
        port: Those of this port: its address, or its number.
        call: Those of the call whose id begins so.
        type: Those of these types, with commas between them; ``*`` stands for anything, as in ``call_*``.
        keys: Which key was pressed is told, unless it may be one of a PIN.
    """

    port: str = ""
    call: str = ""
    type: str = ""
    keys: bool = False

    @property
    def types(self) -> list[str]:
        """The types, or patterns of them."""
        return [word.strip() for word in self.type.split(",") if word.strip()]

    def check(self) -> None:
        """Raise InvalidArgument for a type that there is not."""
        for wanted in self.types:
            if not any(fnmatchcase(name, wanted) for name in TYPES):
                raise InvalidArgument("events", "type", f"will not do: {no_such('type', wanted, TYPES)}")

    def seen(self, event: LiveEvent) -> LiveEvent | None:
        """An event as who asks may see it; None: it is not meant."""
        if event.type == LOST:
            return event
        types = self.types
        if types and not any(fnmatchcase(event.type, wanted) for wanted in types):
            return None
        if not _of_port(event.port, self.port) or not event.call.startswith(self.call):
            return None
        if event.type == KEY and not self.keys:
            return msgspec.structs.replace(event, details={"key": MASKED})
        return event


class LogLine(msgspec.Struct, frozen=True):
    """What a line of the log can be chosen by."""

    timestamp: str = ""
    level: str = ""
    event: str = ""
    port: str = ""
    call: str = ""
    plugin: str = ""


class LineFilter(msgspec.Struct, frozen=True):
    """Which lines of the log are meant: all those for which everything that is given holds.

    Attributes:
        level: Those of this level and above.
        port: Those of this port: its address, or its number.
        call: Those of the call whose id begins so.
        plugin: Those of this plugin.
    """

    level: Level = "debug"
    port: str = ""
    call: str = ""
    plugin: str = ""

    def takes(self, line: bytes) -> bool:
        """Whether a line is meant; one that cannot be read is, where nothing is chosen."""
        if self == _ALL:
            return True
        try:
            read = msgspec.json.decode(line, type=LogLine, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return (
            read.level in _LEVELS[_LEVELS.index(self.level) :]
            and _of_port(read.port, self.port)
            and read.call.startswith(self.call)
            and self.plugin in ("", read.plugin)
        )


_ALL = LineFilter()


def _of_port(address: str, wanted: str) -> bool:
    return wanted in ("", address) or address.rpartition(":")[2] == wanted
