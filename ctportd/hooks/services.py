"""What a plugin may use of the running daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.calls.files import Prompts
    from ctportd.clock import Clock
    from ctportd.links.ports import Ports
    from ctportd.messages.service import Messages
    from ctportd.pins.guard import PinGuard
    from ctportd.store import Store


class Daemon(Protocol):
    """The running daemon, as its plugins see it."""

    @property
    def ports(self) -> Ports:
        """Every telephone port, as ``ports["main:2"]``, or ``ports[2]`` where only one ctserver has it."""

    @property
    def store(self) -> Store:
        """The database of calls and messages."""

    @property
    def messages(self) -> Messages:
        """Takes voice messages, so that no crash loses one."""

    @property
    def pins(self) -> PinGuard:
        """Checks PINs, and locks out who guesses."""

    @property
    def prompts(self) -> Prompts:
        """Finds files to play."""

    @property
    def clock(self) -> Clock:
        """The line's time."""

    @property
    def state(self) -> Path:
        """The folder for what must survive; a plugin's own files go into a folder with its name in it."""
