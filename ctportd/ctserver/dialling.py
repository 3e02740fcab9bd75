"""Dialling: keys as tones, pauses and hook flashes, in the line's time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ctportd.ctserver import g711
from ctportd.ctserver.tones import sine

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.line import Line

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
KEYPAD = ("123A", "456B", "789C", "*0#D")
"""Keys by their row (low frequency, Hz) and column (high frequency, Hz): ITU-T Q.23."""

FREQUENCIES = {key: (LOW[row], HIGH[column]) for row, keys in enumerate(KEYPAD) for column, key in enumerate(keys)}
"""The two frequencies of each key."""

_TONE = 0.1  # seconds of a key's tone, and of the gap after it; 40 ms each is the least that counts as a key
_PAUSE = 1.0  # seconds of a comma (PROTOCOL.md 4)
_FLASH = 0.5  # seconds on hook that an exchange takes for a flash, not for a hang-up
_LEVEL = 7000.0  # amplitude of each of the two tones: 10 dB below 0 dBm0


@cache
def key_tone(key: str) -> bytes:
    """A key's tone and the gap after it, as mu-law in whole frames."""
    gap = g711.SILENCE * round(_TONE * g711.FRAMES_A_SECOND)
    return sine(FREQUENCIES[key], _TONE, _LEVEL) + gap


class Dialling:
    """A string of keys on its way to the far end."""

    def __init__(self, line: Line, keys: str, on_end: Callable[[], None]) -> None:
        """``on_end`` is called when the last key is dialled, or something else is sent."""
        self._line = line
        self._steps = iter(keys)
        self._on_end = on_end
        self._codes = b""
        self._at = 0
        self.over = False

    def start(self) -> None:
        """Dial the first key."""
        self._line.say(self)
        self._next_step()

    def stop(self) -> None:
        """Dial no more."""
        if not self.over:
            self.over = True
            self._line.stop(self)

    def _next_step(self) -> None:
        step = next(self._steps, "")
        self._at = 0
        if step == ",":
            self._codes = _silence(_PAUSE)
        elif step == "&":
            self._line.flash()
            self._codes = _silence(_FLASH)
        elif step:
            self._line.dial_key(step)
            self._codes = key_tone(step)
        else:
            self.over = True

    def read(self) -> bytes:
        """The next frame; with a step's last frame the next step begins."""
        frame = self._codes[self._at : self._at + g711.FRAME]
        self._at += g711.FRAME
        if self._at >= len(self._codes):
            self._next_step()
        return frame

    def ended(self, *, complete: bool) -> None:
        """The line let go of it."""
        self.over = self.over or not complete
        self._on_end()


def _silence(seconds: float) -> bytes:
    return g711.SILENCE * round(seconds * g711.FRAMES_A_SECOND)
