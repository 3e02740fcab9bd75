"""G.711 mu-law, against its definition, over all there is."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ctportd.ctserver import g711
from ctportd.ctserver.level import is_sound

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32768, 32768).astype(np.int16)


def test_every_code_comes_back() -> None:
    """Decoding and encoding gives the code again; but for -0, which becomes +0."""
    assert g711.encode(g711.decode(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")


def test_every_sample_is_coded_as_the_nearest_allows() -> None:
    """No code is further from a sample than half a step of its segment, up to the clipping point."""
    decoded = g711.decode(g711.encode(ALL_SAMPLES)).astype(np.int32)
    error = np.abs(decoded - ALL_SAMPLES)
    step = np.maximum(8, (np.abs(ALL_SAMPLES.astype(np.int32)) + 132) // 16)
    within = np.abs(ALL_SAMPLES.astype(np.int32)) <= 32635
    assert (error[within] <= step[within]).all()


def test_louder_is_never_coded_softer() -> None:
    """Encoding keeps the order of samples."""
    assert (np.diff(g711.decode(g711.encode(ALL_SAMPLES)).astype(np.int32)) >= 0).all()


@pytest.mark.parametrize(
    ("code", "sample"), [(0xFF, 0), (0x7F, 0), (0x80, 32124), (0x00, -32124), (0xFE, 8), (0xEF, 132), (0xF0, 120)]
)
def test_values_of_the_recommendation(code: int, sample: int) -> None:
    """Ends and corners of the table."""
    assert g711.decode(bytes([code])).tolist() == [sample]


def test_tables_are_libsndfiles(tmp_path: object) -> None:
    """What another decoder makes of every code is what ours makes of it."""
    path = f"{tmp_path}/all.au"
    header = b"".join(number.to_bytes(4, "big") for number in (24, 256, 1, 8000, 1))
    with open(path, "wb") as file:  # noqa: PTH123  the fixture's type says nothing of paths
        file.write(b".snd" + header + ALL_CODES)
    theirs, _ = soundfile.read(path, dtype="int16")
    assert theirs.tolist() == g711.decode(ALL_CODES).tolist()


@given(st.binary(max_size=1000))
def test_whole_frames(codes: bytes) -> None:
    """Less than a frame of silence is added, to make the last frame whole."""
    whole = g711.whole_frames(codes)
    assert len(whole) % 160 == 0
    assert whole.startswith(codes)
    assert whole[len(codes) :] == b"\xff" * (len(whole) - len(codes))
    assert len(whole) - len(codes) < 160


def noise(decibels: float) -> bytes:
    """A frame of noise at a level below full scale."""
    samples = np.random.default_rng(1).normal(0, 32768 * 10 ** (decibels / 20), 160)
    return g711.encode(np.clip(samples, -32768, 32767).astype(np.int16))


@pytest.mark.parametrize(
    ("decibels", "heard"), [(-90, False), (-60, False), (-46, False), (-34, True), (-12, True)]
)
def test_level_tells_sound_from_the_noise_of_a_line(decibels: float, heard: bool) -> None:  # noqa: FBT001  a table
    """40 dB below full scale lies between them."""
    assert is_sound(noise(decibels)) is heard


def test_click_is_no_sound() -> None:
    """A few loud samples are not speech."""
    assert not is_sound(b"\x80" * 8 + b"\xff" * 152)
    assert is_sound(b"\x80" * 12 + b"\xff" * 148)
