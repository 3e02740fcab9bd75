"""Ring-back, busy tone and a voice are told apart by when they begin."""

from __future__ import annotations

import random

import pytest

from ctportd.calls.progress import ANSWERED, BUSY, CallProgress


def verdict(*onsets: float) -> str:
    """What is made of sounds that begin at these seconds; the first verdict stands."""
    progress = CallProgress()
    for at in onsets:
        told = progress.heard(at)
        if told:
            return told
    return ""


def beat(period: float, count: int, start: float = 0.0, jitter: float = 0.02) -> list[float]:
    """A tone's onsets, as exactly as events of 20 ms tell them."""
    dice = random.Random(7)
    return [start + n * period + dice.uniform(0, jitter) for n in range(count)]


@pytest.mark.parametrize("period", [6.0, 5.0, 3.0], ids=["us", "de", "uk, au, jp"])
def test_ring_back_settles_nothing(period: float) -> None:
    """It may ring for minutes, in every country."""
    assert verdict(*beat(period, 20)) == ""


@pytest.mark.parametrize("period", [6.0, 5.0, 3.0])
@pytest.mark.parametrize("rings", [2, 3, 5])
def test_voice_after_ring_back_is_an_answer(period: float, rings: int) -> None:
    """A sound that is off the beat is a voice."""
    rung = beat(period, rings)
    assert verdict(*rung, rung[-1] + 2.1, rung[-1] + 4.6) == ANSWERED


@pytest.mark.parametrize("period", [1.0, 0.96, 0.75])
def test_quick_even_beat_is_busy(period: float) -> None:
    """Busy tone is known after four beats."""
    assert verdict(*beat(period, 3)) == ""
    assert verdict(*beat(period, 4)) == BUSY


@pytest.mark.parametrize("late", [0.1, 0.2, 0.4])
def test_listening_begins_in_the_middle_of_a_tone(late: float) -> None:
    """The first sound is heard late, and so its period is too short: that is no voice."""
    assert verdict(late, *beat(1.0, 4, 1.0)) == BUSY
    assert verdict(4 * late, *beat(6.0, 9, 6.0)) == ""


def test_ring_back_and_then_busy() -> None:
    """An exchange that gives up sends busy tone after the rings."""
    rung = beat(6.0, 4)
    assert verdict(*rung, *beat(1.0, 4, rung[-1] + 6.0)) == BUSY


@pytest.mark.parametrize(
    "onsets", [(0, 1.3, 2.1), (0, 0.8, 3.0), (0, 2.4, 3.9, 5.0), (0, 9.5)], ids=["quick", "pause", "slow", "late"]
)
def test_voice_at_once_is_an_answer(onsets: tuple[float, ...]) -> None:
    """Whoever answers before the first ring-back is heard by speaking as people do."""
    assert verdict(*onsets) == ANSWERED


def test_one_sound_settles_nothing() -> None:
    """One sound may be anything."""
    assert verdict(3.0) == ""


@pytest.mark.parametrize(
    ("onsets", "silent"), [((), None), ((1,), 11), ((1, 7), 16), ((1, 7, 13), 22), ((1, 2), 12)]
)
def test_silence_after_rings(onsets: tuple[float, ...], silent: float | None) -> None:
    """Whoever lifts and says nothing ends the ringing: that is known when the next ring is overdue."""
    progress = CallProgress()
    for at in onsets:
        progress.heard(at)
    assert progress.silent_at == silent
