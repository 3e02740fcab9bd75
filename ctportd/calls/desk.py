"""What a call needs of whoever keeps its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.calls.files import Prompts
    from ctportd.clock import Clock


class Desk(Protocol):
    """The line that a call is on, and through it the other lines."""

    @property
    def clock(self) -> Clock:
        """The line's time."""

    @property
    def prompts(self) -> Prompts:
        """Finds files to play."""

    def answered(self) -> None:
        """Told when the call is answered."""

    def ended(self) -> None:
        """Told when the call is over."""

    def dialled(self, number: str) -> None:
        """Told when a number was dialled on the line."""

    def dial_tone(self, *, heard: bool) -> None:
        """Told whether the exchange gave dial tone when it was waited for."""

    def take(self, address: str, kind: str) -> Call | None:
        """Take another port for this call: a call on it begins, and ends with this one at the latest.

        Args:
            address: The port's, such as ``main:3``; its number alone will do where only one ctserver has it.
            kind: ``station`` or ``trunk``, whichever it must be.

        Returns:
            The call on that port. None: it is in a call already.

        Raises:
            InvalidArgument: There is no such port, it is of another kind, or it cannot be connected with this one.
            Disconnected: Ctserver cannot be reached for it.
        """

    async def hand_over(self, handler: str) -> None:
        """Let another plugin have the call until it is done with it."""
