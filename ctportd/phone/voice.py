"""What the telephone says: frames that wait for their turn, and silence between."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from ctportd.ctserver.g711 import SILENCE

if TYPE_CHECKING:
    from collections.abc import Iterable


class Voice:
    """The frames that are to be sent.

    Attributes:
        turn: Held by who speaks.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._frames: deque[bytes] = deque()

    @property
    def is_silent(self) -> bool:
        """Whether all that was given has been taken."""
        return not self._frames

    def give(self, frames: Iterable[bytes]) -> None:
        """Add what is to be said."""
        self._frames.extend(frames)

    def take(self) -> bytes:
        """The next frame to send; silence where there is nothing to say."""
        return self._frames.popleft() if self._frames else SILENCE

    def fall_silent(self) -> None:
        """Forget what has not been said."""
        self._frames.clear()
