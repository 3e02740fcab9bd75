"""What systemd is told of the daemon: the words of sd_notify(3), over whatever carries them."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Self

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

_ADDRESS, _WATCHDOG, _WATCHED = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_MICROSECONDS = 1_000_000

log = structlog.stdlib.get_logger("ctportd")


class Systemd:
    """Tells systemd how the daemon is; whoever else starts it may listen, too.

    Args:
        send: Takes one message; None: nobody is there to be told.
        watchdog: Seconds within which systemd expects a sign of life; 0: it expects none.
        monotonic: The kernel's monotonic clock, in nanoseconds.

    Attributes:
        watchdog: As given.
    """

    def __init__(
        self,
        send: Callable[[str], object] | None = None,
        watchdog: float = 0.0,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._send = send
        self.watchdog = watchdog
        self._monotonic = monotonic
        self._status = ""

    @classmethod
    def of_environment(cls, environment: MutableMapping[str, str] = os.environ) -> Self:
        """As systemd has set the environment, from which it is taken: no program that we start may speak for us."""
        address = environment.get(_ADDRESS)
        within, whom = environment.get(_WATCHDOG, ""), environment.get(_WATCHED, "")
        for name in (_ADDRESS, _WATCHDOG, _WATCHED):
            environment.pop(name, None)
        ours = address and within.isdecimal() and whom in ("", str(os.getpid()))
        return cls(_Speaker(address).tell if address else None, int(within) / _MICROSECONDS if ours else 0.0)

    @property
    def listens(self) -> bool:
        """Whether anybody is told."""
        return self._send is not None

    def ready(self) -> None:
        """The daemon has started, or follows its new configuration."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The configuration is read anew; :meth:`ready` says when that is over, whatever became of it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic() // 1000}")

    def stopping(self, seconds: float) -> None:
        """The daemon begins to stop, and may take so many seconds for it."""
        self._tell(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int(seconds * _MICROSECONDS)}")

    def alive(self) -> None:
        """The daemon is well. If systemd does not hear that for :attr:`watchdog` seconds, it starts the daemon anew."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for people who ask how the service is. The same line is told once."""
        if text != self._status:
            self._status = text
            self._tell(f"STATUS={' '.join(text.split())}")

    def _tell(self, message: str) -> None:
        if self._send is not None:
            self._send(message)


class _Speaker:
    """Sends datagrams to systemd's socket; a name in the abstract namespace is written with an @."""

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def tell(self, message: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
                speaker.setblocking(False)
                speaker.sendto(message.encode(), self._address)
        except OSError as error:  # it is told again
            log.warning("systemd cannot be told how the daemon is", error=error.strerror)
