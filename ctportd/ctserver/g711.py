"""G.711 mu-law: 8-bit voice on telephone lines, to and from 16-bit samples.

The standard library's audioop did this until Python 3.13. Here both ways are tables, made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 8000
"""Samples in a second."""

FRAME = 160
"""Samples, and bytes, in a frame: 20 ms."""

FRAMES_A_SECOND = RATE // FRAME

SILENCE = b"\xff" * FRAME
"""A frame of nothing: 0xFF is +0."""

_BIAS = 33  # G.711 in its 14-bit form: the bias that makes every segment twice as long as the one before
_CLIP = 8158  # the largest magnitude of that form


def _decode_table() -> NDArray[np.int16]:
    """The sample of each of the 256 codes. Codes are sent inverted; the 14-bit value fills 16 bits."""
    code = ~np.arange(256, dtype=np.uint8)
    segment = (code >> 4).astype(np.int32) & 7
    magnitude = ((((code.astype(np.int32) & 15) * 2 + _BIAS) << segment) - _BIAS) * 4
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    """The code of each 16-bit sample, found at the sample's own bits as an unsigned number."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    # the two lowest bits are dropped from the magnitude, so that both signs round alike
    magnitude = np.minimum(np.abs(sample) >> 2, _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 15)
    return np.asarray(~np.where(sample < 0, code | 0x80, code) & 0xFF, np.uint8)


DECODE = _decode_table()
"""Sample (int16) by code."""

_ENCODE = _encode_table()


def encode(samples: NDArray[np.int16]) -> bytes:
    """16-bit samples as mu-law, a byte each."""
    return _ENCODE[samples.view(np.uint16)].tobytes()


def decode(codes: bytes) -> NDArray[np.int16]:
    """Mu-law bytes as 16-bit samples."""
    return DECODE[np.frombuffer(codes, np.uint8)]


def whole_frames(codes: bytes) -> bytes:
    """The voice with silence after it, so that its last frame is a whole one."""
    missing = -len(codes) % FRAME
    return codes + SILENCE[:missing] if missing else codes
