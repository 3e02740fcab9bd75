"""Sound after silence: somebody began to speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.ctserver.level import is_sound

if TYPE_CHECKING:
    from collections.abc import Callable

_SOUND = 5  # frames of sound in a row that are a grunt: 100 ms, longer than a click, shorter than a word
_SILENCE = 25  # frames of silence in a row that part two: half a second, longer than the pauses inside speech


class GruntDetector:
    """A sink that tells where sound begins after silence."""

    def __init__(self, heard: Callable[[], None]) -> None:
        """``heard`` is called once for each time."""
        self._heard = heard
        self._sound = 0
        self._silence = _SILENCE  # at first it is silent
        self._armed = True

    def write(self, frame: bytes) -> None:
        """Listen to 20 ms."""
        if not is_sound(frame):
            self._sound = 0
            self._silence += 1
            self._armed = self._armed or self._silence >= _SILENCE
            return
        self._silence = 0
        self._sound += 1
        if self._armed and self._sound >= _SOUND:
            self._armed = False
            self._heard()
