"""A voice of each caller's own: a pure tone, so that a recording tells whom it is of and how long they spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import soundfile

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.phone.sound import Samples

UNPLAYABLE = (soundfile.LibsndfileError, OSError)
"""What a file raises that cannot be played."""

RATE = 8000
_FRAME = 160

_LOWEST = 500  # Hz
_STEP = 25  # Hz from one tone to the next: told apart with ease in a second of sound
_TONES = 112  # the highest is 3275 Hz, within a telephone's band
_STRIDE = 37  # no common factor with the number of tones: calls near in time are far apart in pitch

_LOUD = 6000  # a pure tone is no key: those are two at once
_SOUND = 1000.0  # root mean square of a frame that holds the tone: 4200; of one that holds silence: 0
_BAND = 12.0  # Hz on both sides that count as the tone


class Heard(msgspec.Struct, frozen=True):
    """What is in a recording.

    Attributes:
        seconds: How long it is.
        voiced: How many of these hold sound.
        own: The part of the sound's power that is the caller's own tone, from 0 to 1; 1.0 where there is none.
    """

    seconds: float
    voiced: float
    own: float


def pitch(number: int) -> int:
    """The tone of a call, in Hz."""
    return _LOWEST + _STEP * (number * _STRIDE % _TONES)


def voice(number: int, seconds: float) -> Samples:
    """So many seconds of a call's tone."""
    time = np.arange(round(seconds * RATE / _FRAME) * _FRAME) / RATE
    return np.round(_LOUD * np.sin(2 * np.pi * pitch(number) * time)).astype(np.int16)


def listen(path: Path, number: int) -> Heard:
    """What a recording of a call holds.

    Raises:
        UNPLAYABLE: It cannot be played.
    """
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE, f"{path} is recorded at {rate} Hz"
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    voiced = frames[np.sqrt(np.mean(frames**2, axis=1)) > _SOUND] if len(frames) else frames
    return Heard(len(samples) / RATE, len(voiced) * _FRAME / RATE, _own_part(voiced.ravel(), pitch(number)))


def _own_part(sound: np.ndarray[tuple[int, ...], np.dtype[np.float64]], hertz: int) -> float:
    if len(sound) == 0:
        return 1.0
    power = np.abs(np.fft.rfft(sound)) ** 2
    near = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE) - hertz) <= max(_BAND, 4 * RATE / len(sound))
    return float(power[near].sum() / power.sum())
