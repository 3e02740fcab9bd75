"""What happens on a connection, told to the router, to the plugins and to the log."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import structlog

from ctportd.links.connection import CLOSED_BY_US
from ctportd.ration import Ration

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.calls.router import Router
    from ctportd.errors import ConnectFailed
    from ctportd.hooks.dispatch import Dispatcher
    from ctportd.links.port import Port
    from ctportd.wire.events import Event
    from ctportd.wire.message import BrokenLine, Message

_TOLD = 20
"""Lines of one kind that are told in a minute, where others can make us tell them: a log must not fill the disk."""

_SHOWN = 200  # characters of a line that means nothing: a log is no dump

log = structlog.stdlib.get_logger("ctportd.links")


_KEYS = re.compile(r"[0-9*#]+", re.ASCII)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


class _Logging:
    """The part that all connections have in common.

    Attributes:
        strays: Lines that meant nothing here.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.strays = 0
        self._log = log.bind(link=name)
        self._nonsense = Ration(_TOLD, clock)

    def connected(self) -> None:
        self._log.info("connected")

    def disconnected(self, reason: str, retry_in: float | None) -> None:
        if reason == CLOSED_BY_US:
            self._log.debug("disconnected", reason=reason)
        else:
            self._log.warning("disconnected", reason=reason, retry_in=_rounded(retry_in))

    def connect_failed(self, error: ConnectFailed, retry_in: float | None) -> None:
        self._log.warning("cannot connect", error=str(error), retry_in=_rounded(retry_in))

    def stray(self, line: Message | BrokenLine) -> None:
        self.strays += 1
        may, left_out = self._nonsense.take()
        if left_out:
            self._log.warning("more lines of nonsense than are logged", left_out=left_out)
        if not may:
            return
        reason = getattr(line, "reason", "a reply that nobody awaits")
        self._log.warning(
            "a line from ctserver means nothing",
            reason=reason,
            line=_without_keys(line)[:_SHOWN],
            strays=self.strays,
        )


def _without_keys(line: Message | BrokenLine) -> str:
    """The line without keys that were pressed: a reply that nobody awaits any more may bring a PIN."""
    raw = line.raw
    for arg in getattr(line, "args", ()):
        if _KEYS.fullmatch(arg):
            raw = raw.replace(f"={arg}", "=?")
    return raw


class ManagerListener(_Logging):
    """Listens to the manager connection."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name, clock)
        self._ration = Ration(_TOLD, clock)

    def event(self, event: Event) -> None:
        """Take a message that a port has sent to the manager: nothing of ours is done with one yet."""
        may, left_out = self._ration.take()
        if left_out:
            self._log.warning("more messages for the manager than are logged", left_out=left_out)
        if may:
            self._log.info("a message for the manager", line=event.raw[:_SHOWN])


class PortListener(_Logging):
    """Listens to a telephone port's connection."""

    def __init__(self, router: Router, dispatcher: Dispatcher, name: str) -> None:
        super().__init__(name)
        self._router = router
        self._dispatcher = dispatcher
        self._port: Port | None = None

    def listen(self, port: Port) -> None:
        """Begin to tell of this port, which needs its connection, and the connection its listener, to exist."""
        self._port = port

    @property
    def port(self) -> Port:
        """The port."""
        if self._port is None:
            raise RuntimeError("an event came before the listener was told its port")
        return self._port

    def connected(self) -> None:
        """Tell that the connection stands."""
        super().connected()
        self._router.connected(self.port)
        self._dispatcher.port_connected(self.port)

    def disconnected(self, reason: str, retry_in: float | None) -> None:
        """Tell that it is gone: a call on the port is over."""
        super().disconnected(reason, retry_in)
        self._router.lost(self.port)
        self._dispatcher.port_disconnected(self.port, reason)

    def connect_failed(self, error: ConnectFailed, retry_in: float | None) -> None:
        """Tell that it could not be made."""
        super().connect_failed(error, retry_in)
        self._router.lost(self.port)
        self._dispatcher.port_connect_failed(self.port, error, retry_in)

    async def idle(self) -> None:
        """Wait until there is no call on the port."""
        await self._router.wait_idle(self.port)

    def event(self, event: Event) -> None:
        """Tell of an event: the call first, since it is the one that waits."""
        self._router.event(self.port, event)
        self._dispatcher.port_event(self.port, event)
