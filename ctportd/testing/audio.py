"""Sounds for tests: what a telephone says, and what is in that which it hears. All are 16-bit samples at 8 kHz."""

from __future__ import annotations

import numpy as np

from ctportd.ctserver.g711 import RATE
from ctportd.phone.sound import Samples

__all__ = ["Samples", "frequencies", "loudness", "tone", "voice"]

_LOUD = 8000
_NOTES = (210.0, 470.0, 1130.0, 1940.0)
_SYLLABLE = 0.25  # seconds


def tone(*hertz: float, seconds: float = 1.0) -> Samples:
    """A sound of one or more frequencies."""
    moments = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * frequency * moments) for frequency in hertz]
    return np.asarray(_LOUD * np.sum(waves, axis=0) / len(hertz), np.int16)


def voice(seconds: float) -> Samples:
    """A sound like that of somebody who speaks: syllables, of more than one frequency, with no pause among them."""
    moments = np.arange(round(seconds * RATE)) / RATE
    melody = 1 + 0.15 * np.sin(2 * np.pi * moments / 0.7)
    phases = 2 * np.pi * np.cumsum(melody) / RATE
    waves = sum(np.sin(note * phases) / (number + 1) for number, note in enumerate(_NOTES))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * moments / _SYLLABLE)
    return np.asarray(_LOUD / 2 * swell * waves, np.int16)


def loudness(samples: Samples) -> float:
    """How loud something is: the root of the mean square of its samples. Silence has 0, a loud voice thousands."""
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) if len(samples) else 0.0


def frequencies(samples: Samples, *, least: float = 0.25) -> list[int]:
    """The frequencies in hertz of which a sound is made, rounded to 10, the lowest first; none where it is silent.

    Args:
        samples: The sound, of a tenth of a second at least.
        least: How strong one must be, as a part of the strongest.
    """
    if len(samples) < RATE // 10 or loudness(samples) < 1:
        return []
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    strong = spectrum >= least * spectrum.max()
    peaks = strong[1:-1] & (spectrum[1:-1] >= spectrum[:-2]) & (spectrum[1:-1] >= spectrum[2:])
    return sorted({round(frequency / 10) * 10 for frequency in hertz[1:-1][peaks]})
