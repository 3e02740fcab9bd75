"""One request as its handler sees it, and how its arguments are read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from ctportd.errors import ServerError

if TYPE_CHECKING:
    from ctportd.ctserver.line import Signal
    from ctportd.ctserver.port import Port
    from ctportd.ctserver.services import Services
    from ctportd.ctserver.wait import Wait

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?\Z")
_WHOLE = re.compile(r"[0-9]{1,9}\Z")


class Refused(ServerError):  # noqa: N818  named after what happened, as in ctportd.errors
    """A request that cannot be served; the reply is ``ERROR`` and the reason, one word.

    Attributes:
        reason: The word.
    """

    def __init__(self, reason: str, detail: object = "") -> None:
        """``detail`` is for the log."""
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Asked:
    """A request on its way through its handler.

    Attributes:
        cmd: Its name.
        args: Its arguments.
        port: The port that is asked.
        sender: The handle that asks.
        services: What all ports share.
        afterwards: Events that follow the reply.
        late: Events that the asker alone is told after the reply: they were to travel in it, and could not.
    """

    def __init__(self, cmd: str, args: tuple[str, ...], port: Port, sender: int, services: Services) -> None:
        self.cmd = cmd
        self.args = args
        self.port = port
        self.sender = sender
        self.services = services
        self._wait: Wait | None = None
        self.afterwards: list[Signal] = []
        self.late: list[Signal] = []

    @property
    def wait(self) -> Wait:
        """What a blocking request waits on."""
        if self._wait is None:
            raise ServerError(f"{self.cmd} is no blocking request")
        return self._wait

    @wait.setter
    def wait(self, wait: Wait) -> None:
        self._wait = wait

    @property
    def ending_key(self) -> str:
        """The key that ended the request; empty where none did."""
        return "" if self._wait is None else self._wait.key

    def text(self, place: int, default: str | None = None) -> str:
        """The argument at this place, counted from 0.

        Raises:
            Refused: It is missing or empty, and there is no default.
        """
        value = self.args[place] if place < len(self.args) else ""
        if value:
            return value
        if default is None:
            raise Refused("missing-argument", place + 1)
        return default

    def seconds(self, place: int, default: str | None = None) -> float:
        """Seconds, which may have decimals.

        Raises:
            Refused: It is missing, or no such number.
        """
        value = self.text(place, default)
        if not _SECONDS.match(value):
            raise Refused("bad-seconds", repr(value))
        return float(value)

    def whole(self, place: int, default: str | None = None, least: int = 1) -> int:
        """A whole number.

        Raises:
            Refused: It is missing, no number, or too small.
        """
        value = self.text(place, default)
        if not _WHOLE.match(value) or int(value) < least:
            raise Refused("bad-number", repr(value))
        return int(value)

    def off_hook(self) -> None:
        """See that the port has taken the line.

        Raises:
            Refused: It is on hook.
        """
        if not self.port.line.off_hook:
            raise Refused("on-hook")


Handler = Callable[[Asked], Awaitable[tuple[str, ...]]]
"""Serves a request; returns what its reply says after ``OK``."""


class Served(msgspec.Struct, frozen=True):
    """How a request is served.

    Attributes:
        handler: By whom.
        blocking: The port takes no other blocking request until its reply.
        on_call: It makes no sense when the far end is gone: it ends at once with ``hangup``.
    """

    handler: Handler
    blocking: bool = False
    on_call: bool = False
