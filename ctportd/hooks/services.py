"""What a plugin may use: of the running daemon, and of an installation whose daemon does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ctportd.calls.files import Prompts
    from ctportd.calls.numbers import Numbers
    from ctportd.clock import Clock
    from ctportd.hooks.inquiry import Explanation, Inquiry
    from ctportd.links.ports import Ports
    from ctportd.mail.service import Mail
    from ctportd.messages.service import Messages
    from ctportd.pins.guard import PinGuard
    from ctportd.store import Store


class Site(Protocol):
    """An installation as it is configured, whether its daemon runs or not."""

    @property
    def store(self) -> Store:
        """The database; every use may raise StoreError, as where there is none yet."""

    @property
    def numbers(self) -> Numbers:
        """Reads telephone numbers, whatever is missing in those from nearby."""

    @property
    def prompts(self) -> Prompts:
        """Finds files to play."""

    @property
    def state(self) -> Path:
        """The folder for what must survive; a plugin's own files go into a folder with its name in it."""

    @property
    def handlers(self) -> Mapping[str, Sequence[str]]:
        """The handlers of each port, by its address."""

    @property
    def mails(self) -> bool:
        """Whether there is a mail server to send letters to."""

    def check_handler(self, handler: str) -> str:
        """What is wrong with a handler such as ``voicemail:100``; empty where nothing is."""

    async def explain(self, handler: str, inquiry: Inquiry) -> Explanation:
        """What a handler would do with such a call."""


class Daemon(Site, Protocol):
    """The running daemon, as its plugins see it."""

    @property
    def ports(self) -> Ports:
        """Every telephone port, as ``ports["main:2"]``, or ``ports[2]`` where only one ctserver has it."""

    @property
    def messages(self) -> Messages:
        """Takes voice messages, so that no crash loses one."""

    @property
    def mail(self) -> Mail:
        """Sends letters, so that no crash loses one."""

    @property
    def pins(self) -> PinGuard:
        """Checks PINs, and locks out who guesses."""

    @property
    def clock(self) -> Clock:
        """The line's time."""
