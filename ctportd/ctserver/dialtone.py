"""Dial tone, told from the other tones of the network by its frequencies and by not pausing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ctportd.ctserver import g711
from ctportd.ctserver.level import is_sound

if TYPE_CHECKING:
    from collections.abc import Callable

_STEADY = 55
"""Frames in a row, 1.1 s: no country's busy or ring-back tone sounds so long in its dial tone's frequencies."""

_SHARE = 0.75  # of a frame's power lies in them


class DialToneDetector:
    """A sink that waits for dial tone.

    Attributes:
        heard: It was there.
    """

    def __init__(self, hertz: tuple[int, ...], on_heard: Callable[[], None]) -> None:
        """``hertz``: its frequencies."""
        at = np.arange(g711.FRAME)
        self._waves = np.exp(-2j * np.pi * np.outer(at, np.array(hertz)) / g711.RATE)
        self._on_heard = on_heard
        self._frames = 0
        self.heard = False

    def write(self, frame: bytes) -> None:
        """Listen to 20 ms."""
        self._frames = self._frames + 1 if is_sound(frame) and self._is_tone(frame) else 0
        if self._frames == _STEADY:
            self.heard = True
            self._on_heard()

    def _is_tone(self, frame: bytes) -> bool:
        samples = g711.decode(frame).astype(np.float64)
        power = float((np.abs(samples @ self._waves) ** 2).sum())
        return power >= _SHARE * float((samples**2).sum()) * g711.FRAME / 2
