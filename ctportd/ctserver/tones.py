"""The tones of a country's network, and its ringing cadence, as loops of mu-law.

Frequencies and cadences are those of ITU-T E.180 Supplement 2.
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate

import msgspec
import numpy as np

from ctportd.ctserver import g711
from ctportd.errors import ServerError

_LEVEL = 3500.0
"""Amplitude of each frequency of a tone, in 16-bit samples: 16 dB below 0 dBm0, as exchanges send it."""

Cadence = tuple[tuple[tuple[int, ...], float], ...]
"""What sounds, in Hz (nothing: silence), and for how many seconds; then from the beginning."""


class Country(msgspec.Struct, frozen=True):
    """The tones of one country.

    Attributes:
        dial: Dial tone.
        dialx: Dial tone with a stutter, which says that messages wait.
        busy: Busy tone.
        ringback: What the caller hears while it rings.
        ring: Seconds of ringing and of rest, in turn: how the bell goes.
    """

    dial: Cadence
    dialx: Cadence
    busy: Cadence
    ringback: Cadence
    ring: tuple[float, ...]

    @property
    def ring_period(self) -> float:
        """Seconds from one ring to the next."""
        return sum(self.ring)

    @property
    def ring_seconds(self) -> float:
        """Seconds from the beginning of a ring to its end, with the short rests inside it."""
        return sum(self.ring[:-1])


def _steady(*hertz: int) -> Cadence:
    return ((hertz, 1.0),)  # frequencies are whole Hz: a loop of one second has no seam


def _bursts(hertz: tuple[int, ...], *seconds: float) -> Cadence:
    """Sound and rest in turn."""
    return tuple((() if place % 2 else hertz, length) for place, length in enumerate(seconds))


_US_DIAL, _US_BUSY, _US_RING = (350, 440), (480, 620), (2.0, 4.0)
_UK_RING = (0.4, 0.2, 0.4, 2.0)

COUNTRIES = {
    "us": Country(
        dial=_steady(*_US_DIAL),
        dialx=_bursts(_US_DIAL, 0.1, 0.1),
        busy=_bursts(_US_BUSY, 0.5, 0.5),
        ringback=_bursts((440, 480), *_US_RING),
        ring=_US_RING,
    ),
    "uk": Country(
        dial=_steady(350, 440),
        dialx=(((350, 440), 0.75), ((440,), 0.75)),
        busy=_bursts((400,), 0.375, 0.375),
        ringback=_bursts((400, 450), *_UK_RING),
        ring=_UK_RING,
    ),
    "de": Country(
        dial=_steady(425),
        dialx=_steady(400, 425),
        busy=_bursts((425,), 0.48, 0.48),
        ringback=_bursts((425,), 1.0, 4.0),
        ring=(1.0, 4.0),
    ),
    "au": Country(
        dial=_steady(413, 438),
        dialx=_bursts((413, 438), 0.1, 0.04),
        busy=_bursts((425,), 0.375, 0.375),
        ringback=_bursts((413, 438), *_UK_RING),
        ring=_UK_RING,
    ),
    "jp": Country(
        dial=_steady(400),
        dialx=_bursts((400,), 0.25, 0.25),
        busy=_bursts((400,), 0.5, 0.5),
        ringback=_bursts((384, 416), 1.0, 2.0),
        ring=(1.0, 2.0),
    ),
}
"""Every country whose tones are known."""

TONES = ("busy", "dialx", "dial", "ringback")
"""The tones that a client may ask for."""


def country_of(name: str) -> Country:
    """The tones of a country.

    Raises:
        ServerError: It is none that is known.
    """
    try:
        return COUNTRIES[name.lower()]
    except KeyError:
        raise ServerError(f"country {name!r} is none of {', '.join(COUNTRIES)}") from None


def sine(hertz: tuple[int, ...], seconds: float, amplitude: float = _LEVEL) -> bytes:
    """Frequencies sounding together, each with this amplitude (16-bit samples), as mu-law."""
    at = np.arange(round(seconds * g711.RATE)) / g711.RATE
    sound = np.zeros_like(at)
    for frequency in hertz:
        sound += amplitude * np.sin(2 * np.pi * frequency * at)
    return g711.encode(np.clip(np.round(sound), -32768, 32767).astype(np.int16))


@cache
def loop_of(cadence: Cadence) -> bytes:
    """One turn of a cadence as mu-law; its length need not be whole frames."""
    edges = [0, *(round(end * g711.RATE) for end in accumulate(length for _, length in cadence))]
    parts = zip(cadence, edges, edges[1:], strict=False)
    return b"".join(sine(hertz, (end - start) / g711.RATE) for (hertz, _), start, end in parts)
