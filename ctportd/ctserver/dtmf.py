"""Keys in the voice itself: DTMF told from speech, after ITU-T Q.23 and Q.24.

The voice is cut into blocks. In each, the power at the eight frequencies is measured; two blocks in a row
that hold the same key are that key pressed, and two without any are its end. So a key of 40 ms is found
wherever it lies, since two whole blocks fit into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ctportd.ctserver import g711
from ctportd.ctserver.dialling import HIGH, KEYPAD, LOW
from ctportd.ctserver.level import is_sound

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 102
"""Samples in a block, 12.75 ms: short enough for two in 40 ms, long enough to part the frequencies (78 Hz)."""

_SOFTEST = 790.0
"""Amplitude of each tone in 16-bit samples: 29 dB below 0 dBm0, so that -25 dBm is found with some to spare."""

_SHARE = (
    0.68  # of a block's power lies in the two tones, where they are 1.5 % out of tune; speech spreads it wider
)
# Q.24 has 8 dB and 4 dB; a little more makes up for what one tone adds to the other's block.
_FORWARD_TWIST = 10.0  # power of the high tone over that of the low: 10 dB
_REVERSE_TWIST = 4.0  # and the other way round: 6 dB
_ALONE = 6.3  # power of a tone over every other of its group: 8 dB

_WAVES = np.exp(-2j * np.pi * np.outer(np.arange(_BLOCK), np.array(LOW + HIGH)) / g711.RATE)
_POWER_OF_AMPLITUDE = (_BLOCK / 2) ** 2  # what a tone of amplitude 1 gives at its own frequency


class KeyDetector:
    """A sink that finds keys in what it is given."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        """``pressed`` is called with each key as soon as it is certain."""
        self._pressed = pressed
        self._rest = np.empty(0, np.int16)
        self._last = ""  # what the block before held
        self._key = ""  # what is being held down
        self._misses = 0

    def write(self, frame: bytes) -> None:
        """Look at 20 ms of mu-law."""
        if not is_sound(frame):
            # most of a call is silence: two blocks without a key, at no cost
            if self._key or self._last:
                self._reset()
            return
        samples = np.concatenate((self._rest, g711.decode(frame)))
        whole = len(samples) // _BLOCK * _BLOCK
        self._rest = samples[whole:]
        for key in _keys_of(samples[:whole].reshape(-1, _BLOCK).astype(np.float64)):
            self._block(key)

    def _reset(self) -> None:
        self._rest = np.empty(0, np.int16)
        self._last = self._key = ""
        self._misses = 0

    def _block(self, key: str) -> None:
        if key and key == self._last and key != self._key:
            self._key = key
            self._pressed(key)
        self._misses = 0 if key == self._key else self._misses + 1
        if self._misses >= 2:
            self._key = ""
        self._last = key


def _keys_of(blocks: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[str]:
    """The key in each block, or nothing."""
    powers = np.abs(blocks @ _WAVES) ** 2
    totals = (blocks**2).sum(axis=1)
    return [_key_of(power, float(total)) for power, total in zip(powers, totals, strict=True)]


def _key_of(power: np.ndarray[tuple[int, ...], np.dtype[np.float64]], total: float) -> str:
    """The key in a block with these powers at the eight frequencies, and this sum of squares."""
    low, high = power[:4], power[4:]
    row, column = int(low.argmax()), int(high.argmax())
    strongest_low, strongest_high = float(low[row]), float(high[column])
    if min(strongest_low, strongest_high) < _SOFTEST**2 * _POWER_OF_AMPLITUDE:
        return ""
    if strongest_high > strongest_low * _FORWARD_TWIST or strongest_low > strongest_high * _REVERSE_TWIST:
        return ""
    if _runner_up(low) * _ALONE > strongest_low or _runner_up(high) * _ALONE > strongest_high:
        return ""
    # a pure tone's power at its frequency is its sum of squares times half the block
    if strongest_low + strongest_high < _SHARE * total * _BLOCK / 2:
        return ""
    return KEYPAD[row][column]


def _runner_up(powers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.partition(powers, -2)[-2])
