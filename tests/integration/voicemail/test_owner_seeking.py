"""Going back and forth in a message, by what is really heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.owner import left, logged_in, settings

from ctportd.testing import loudness

if TYPE_CHECKING:
    from ctportd.testing import Line, Samples, Telephone

RATE = 8000
SECONDS = 12

EXACT = 0.04
"""Seconds by which a place may be missed: two frames of voice."""


@pytest.fixture
def noise() -> Samples:
    """A message in which each tenth of a second is like no other, so that any place in it can be found again."""
    return np.random.default_rng(4711).normal(0, 3000, SECONDS * RATE).astype(np.int16)


def heard_between(phone: Telephone, began: float, ended: float | None) -> Samples:
    """What was heard between two moments of the line's time."""
    assert ended is not None
    begin, end = (len(phone.audio) - round((phone.time - moment) * RATE) for moment in (began, ended))
    return phone.audio[begin:end]


def place_of(heard: Samples, message: Samples) -> float:
    """From which second of a message this is: where the two are most alike."""
    sample = heard[:1600].astype(np.float64)
    size = len(message) + len(sample)
    alike = np.fft.irfft(np.fft.rfft(message, size) * np.conj(np.fft.rfft(sample, size)), size)
    return float(alike[: len(message)].argmax()) / RATE


async def test_keys_lead_about_in_a_message(ctportd_line: Line, noise: Samples) -> None:
    """Back and forward by three seconds, pause, restart, skipping past the end: to two frames of voice."""
    house = await ctportd_line({1: ["voicemail:100"]}, settings=settings())
    message = await left(house, noise)
    phone = await logged_in(house)
    await phone.press("1")
    await phone.hear("vm-first")
    await phone.press("2")  # skips the envelope
    await phone.hear_begin(message.uid)
    for wait, keys in ((5.0, "*"), (2.0, "#"), (1.0, "0"), (4.0, "0"), (1.0, "2"), (1.0, "*"), (9.5, "#")):
        await phone.silence(wait)
        await phone.press(keys)
    await phone.hear("vm-to-again")
    played = [playback for playback in phone.playbacks if playback.prompt.startswith(message.uid)]
    sounds = [heard_between(phone, playback.began, playback.ended) for playback in played]
    places = [place_of(sound, noise) for sound in sounds]
    ends = [place + len(sound) / RATE for place, sound in zip(places, sounds, strict=True)]
    wanted = [0.0, ends[0] - 3, ends[1] + 3, ends[2], 0.0, 0.0]
    assert places == pytest.approx(wanted, abs=EXACT), phone.story
    assert [round(len(sound) / RATE) for sound in sounds] == [5, 2, 1, 1, 1, 10]
    paused = heard_between(phone, played[2].ended or 0.0, played[3].began)
    assert (round(len(paused) / RATE), loudness(paused)) == (4, 0.0)
    assert not list((house.daemon.state / "voicemail" / "100" / "drafts").iterdir())
