"""Keys in the voice: found over the range of levels, twists and lengths; speech is none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ctportd
from ctportd.ctserver import g711
from ctportd.ctserver.dialling import FREQUENCIES, key_tone
from ctportd.ctserver.dtmf import KeyDetector
from ctportd.ctserver.sounds import read_sound
from ctportd.ctserver.tones import COUNTRIES, loop_of, sine

ZERO_DBM = 22_300.0  # amplitude of a sine of 0 dBm0 in 16-bit samples: 3.17 dB below the largest of mu-law
PROMPTS = sorted((Path(ctportd.__file__).parent / "prompts").glob("*.au"))


def keys_in(codes: bytes) -> str:
    """The keys that are found in some voice."""
    found: list[str] = []
    detector = KeyDetector(found.append)
    whole = g711.whole_frames(codes)
    for at in range(0, len(whole), 160):
        detector.write(whole[at : at + 160])
    return "".join(found)


def tone(
    key: str,
    seconds: float,
    low_dbm: float,
    high_dbm: float,
    *,
    off: float = 0.0,
    lead: int = 0,
    noise: float = 0.0,
) -> bytes:
    """A key's tone between silences; ``off`` is by which part its frequencies are wrong."""
    at = np.arange(round(seconds * 8000)) / 8000
    low, high = FREQUENCIES[key]
    sound = ZERO_DBM * 10 ** (low_dbm / 20) * np.sin(2 * math.pi * low * (1 + off) * at)
    sound += ZERO_DBM * 10 ** (high_dbm / 20) * np.sin(2 * math.pi * high * (1 + off) * at + 1)
    whole = np.concatenate((np.zeros(lead), sound, np.zeros(800)))
    whole += np.random.default_rng(lead).normal(0, noise, len(whole)) if noise else 0
    return g711.encode(np.clip(np.round(whole), -32768, 32767).astype(np.int16))


def test_all_keys_as_we_dial_them() -> None:
    """Each is found once, the same one twice where it was pressed twice."""
    dialled = "0123456789*#ABCD00115"
    assert keys_in(b"".join(key_tone(key) for key in dialled)) == dialled


@settings(max_examples=400, deadline=None)
@given(
    key=st.sampled_from(sorted(FREQUENCIES)),
    level=st.floats(0, 1),
    twist=st.floats(-3.5, 7.5),
    off=st.floats(-0.015, 0.015),
    lead=st.integers(0, 400),
)
def test_key_is_found_over_its_whole_range(key: str, level: float, twist: float, off: float, lead: int) -> None:
    """40 ms from -25 to -3 dBm, anywhere among the blocks, with either tone the louder, and not quite in tune."""
    softer = -25 + level * (22 - abs(twist))  # the louder one is at -3 dBm at most
    low, high = softer + max(0.0, -twist), softer + max(0.0, twist)
    assert keys_in(tone(key, 0.040, low, high, off=off, lead=lead)) == key


@pytest.mark.parametrize("lead", [0, 30, 60, 90, 120])
@pytest.mark.parametrize("key", sorted(FREQUENCIES))
def test_key_among_the_noise_of_a_line(key: str, lead: int) -> None:
    """Noise 20 dB below the tones does not hide them, and adds none."""
    assert keys_in(tone(key, 0.100, -15, -13, lead=lead, noise=ZERO_DBM * 10 ** (-35 / 20))) == key


@pytest.mark.parametrize("key", ["1", "5", "D"])
@pytest.mark.parametrize(
    ("what", "codes"),
    [
        ("too short", {"seconds": 0.012, "low_dbm": -10, "high_dbm": -10}),
        ("too soft", {"seconds": 0.1, "low_dbm": -36, "high_dbm": -36}),
        ("high tone far too loud", {"seconds": 0.1, "low_dbm": -22, "high_dbm": -8}),
        ("low tone far too loud", {"seconds": 0.1, "low_dbm": -8, "high_dbm": -16}),
        ("out of tune", {"seconds": 0.1, "low_dbm": -10, "high_dbm": -10, "off": 0.06}),
    ],
)
def test_what_is_no_key(key: str, what: str, codes: dict[str, Any]) -> None:
    """Beyond the limits of Q.24 nothing is found."""
    assert keys_in(tone(key, **codes)) == ""


def test_held_key_is_one_key() -> None:
    """However long; a drop-out of 10 ms does not make it two."""
    held = tone("7", 2.0, -10, -10)[:16000]
    assert keys_in(held) == "7"
    assert keys_in(held[:4000] + b"\xff" * 80 + held[4000:]) == "7"


@pytest.mark.parametrize("prompt", PROMPTS, ids=[path.stem for path in PROMPTS])
def test_speech_is_no_key(prompt: Path) -> None:
    """Not one of all the prompts talks a key off."""
    assert keys_in(read_sound(str(prompt)).codes) == ""


@pytest.mark.parametrize("pace", [0.85, 1.15, 1.3])
def test_minutes_of_speech_hold_no_key(pace: float) -> None:
    """All prompts in a row, by a deeper, a higher and a still higher voice, louder too: nine minutes, and not a key."""
    spoken = np.concatenate([g711.decode(read_sound(str(prompt)).codes) for prompt in PROMPTS]).astype(np.float64)
    at = np.arange(0, spoken.size - 1, pace)
    voice = np.clip(np.interp(at, np.arange(spoken.size), spoken) * 1.6, -32768, 32767).astype(np.int16)
    assert voice.size / 8000 > 150
    assert keys_in(g711.encode(voice)) == ""


def test_tones_of_the_network_are_no_keys() -> None:
    """Nor is noise, at any level, nor a single tone."""
    for country in COUNTRIES.values():
        for cadence in (country.dial, country.dialx, country.busy, country.ringback):
            assert keys_in(loop_of(cadence)) == ""
    for hertz in (*range(300, 3400, 7), 697, 1209):
        assert keys_in(sine((hertz,), 0.1, 10_000)) == ""
    noise = np.random.default_rng(3).normal(0, 5000, 80_000)
    assert keys_in(g711.encode(np.clip(noise, -32768, 32767).astype(np.int16))) == ""
