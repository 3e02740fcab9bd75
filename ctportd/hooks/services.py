"""What a plugin may use: of the running daemon, and of an installation whose daemon does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ctportd.calls.files import Prompts
    from ctportd.calls.numbers import Numbers
    from ctportd.calls.outgoing import OutgoingCall
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

    async def call(
        self, port: str, number: str = "", handler: str = "", *, play: Sequence[str] = (), within: float = 45.0
    ) -> OutgoingCall:
        """Make a call, and let a plugin have it when it is answered; returns as soon as it is begun.

        ``await placed.wait_outcome()`` tells what has become of it: ``answered``, ``busy``, ``no answer``, ``no dial
        tone`` or ``failed``.

        Args:
            port: The port's address, such as ``main:1``. On a trunk port the number is dialled; on a station port the
                set is rung, and shows it.
            number: The number; punctuation is left out.
            handler: Who has the call then, such as ``wake_up:100``: for ``answer_call`` it is answered already. Empty:
                it is hung up.
            play: Prompts that are played instead, before it is hung up.
            within: Seconds of the line to wait for an answer.

        Raises:
            InvalidArgument: There is no such port or handler, or the number cannot be dialled.
            PromptNotFound: A prompt is in none of the places.
            CallRefused: No call can be made on this port now: it has one, takes none, or cannot be reached.
        """

    @property
    def clock(self) -> Clock:
        """The line's time."""
