"""The prompts that ship: every one is there, and every one can be played to a caller as it is."""

import string
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Samples: TypeAlias = npt.NDArray[np.float64]

FOLDER = Path(__file__).resolve().parents[2] / "ctportd" / "prompts"
RATE = 8000

# Sounds, not speech.
SOUNDS = {"beep", "silence-1s", "cid-sit", "cid-busy"}

NUMBERS = {
    *map(str, range(20)),
    *map(str, range(20, 100, 10)),
    *("hundred", "thousand", "million", "billion", "and", "minus", "point"),
}
ORDINALS = {
    *(f"{day}th" for day in range(1, 31) if day not in {1, 2, 3, 21, 22, 23}),
    *("1st", "2nd", "3rd", "21st", "22nd", "23rd", "31st"),
}
MONTHS = {
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
}
DAYS = {
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("today", "yesterday", "tomorrow"),
}
TIMES = {"am", "pm", "oclock", "oh", "noon", "midnight", "at"}
LENGTHS = {f"{unit}{ending}" for unit in ("second", "minute", "hour", "day") for ending in ("", "s")}
MONEY = {
    *("dollar", "dollars", "cent", "cents", "euro", "euros"),
    *("pound-sterling", "pounds-sterling", "penny", "pence"),
}
KEYS = {*map(str, range(10)), "star", "pound", *string.ascii_lowercase}
VOICEMAIL = {
    *("vm-intro", "vm-thanks", "vm-too-short", "vm-full", "vm-unavailable", "vm-review"),
    *("vm-you-have", "vm-no-messages", "vm-new", "vm-old", "vm-message", "vm-messages"),
    *("vm-first", "vm-next", "vm-last", "vm-from", "vm-received", "vm-deleted", "vm-undeleted", "vm-saved"),
    *("vm-mailbox", "vm-enter-pin", "vm-wrong-pin", "vm-locked", "vm-record-greeting", "vm-record-name"),
}
ATTENDANT = {
    *("menu-main", "menu-hours", "menu-enter-extension", "transferring", "busy", "no-answer", "closed"),
    *("hello", "welcome", "goodbye", "thank-you", "please-wait", "one-moment", "sorry", "yes", "no"),
    *("invalid-key", "no-key", "try-again", "error"),
    *("from", "to", "for", "press", "or", "is", "number", "extension", "unknown-number", "private-number"),
}


def read_texts() -> dict[str, str]:
    """Read prompts.tsv, and make sure that no row hides another."""
    lines = (FOLDER / "prompts.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    texts = dict(rows)
    assert len(texts) == len(rows), "a name has two rows"
    return texts


TEXTS = read_texts()
SPOKEN = sorted(set(TEXTS) - SOUNDS)


@pytest.fixture(scope="module")
def prompts() -> dict[str, Samples]:
    """Every prompt's samples, by name."""
    return {path.stem: soundfile.read(path, dtype="float64")[0] for path in FOLDER.glob("*.au")}


def test_every_row_has_its_file_and_every_file_its_row() -> None:
    """The folder holds what prompts.tsv lists, no more and no less."""
    assert {path.stem for path in FOLDER.glob("*.au")} == set(TEXTS)


def test_every_file_is_what_a_telephone_port_plays() -> None:
    """All prompts are .au files of 8 kHz mono mu-law, from a tenth of a second to half a minute."""
    wrong = {}
    for path in FOLDER.glob("*.au"):
        info = soundfile.info(path)
        form = (info.format, info.subtype, info.samplerate, info.channels)
        if form != ("AU", "ULAW", RATE, 1) or not 0.1 <= info.duration <= 30:
            wrong[path.name] = (*form, info.duration)
    assert wrong == {}


def test_nothing_is_clipped(prompts: dict[str, Samples]) -> None:
    """No prompt comes near the largest value that mu-law has."""
    assert [name for name, samples in prompts.items() if np.abs(samples).max() > 0.95] == []


def test_speech_is_equally_loud(prompts: dict[str, Samples]) -> None:
    """No spoken prompt is silent, or louder or softer than the others: each speaks at -16 dBm0."""
    wrong = {}
    for name in SPOKEN:
        samples = prompts[name]
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
        powers = np.mean(frames**2, axis=1)
        level = 10 * np.log10(np.mean(powers[powers > powers.max() / 100]) + 1e-12) + 6.18
        if abs(level + 16) > 1.5:
            wrong[name] = level
    assert wrong == {}


def test_no_long_silence_at_either_end(prompts: dict[str, Samples]) -> None:
    """Spoken prompts string together: none has more than 150 ms of silence before or after its words."""
    wrong = {}
    for name in SPOKEN:
        heard = np.flatnonzero(np.abs(prompts[name]) > 10 ** (-50 / 20))
        before, after = heard[0] / RATE, (len(prompts[name]) - 1 - heard[-1]) / RATE
        if max(before, after) > 0.15:
            wrong[name] = (before, after)
    assert wrong == {}


def test_no_prompt_starts_or_ends_with_a_click(prompts: dict[str, Samples]) -> None:
    """The first and the last sample of each prompt are as good as zero."""
    assert [name for name, samples in prompts.items() if max(abs(samples[0]), abs(samples[-1])) > 0.001] == []


def test_every_text_has_the_time_to_be_spoken(prompts: dict[str, Samples]) -> None:
    """No prompt has lost part of its text: each lasts at least a second for 20 characters."""
    assert [name for name in SPOKEN if len(prompts[name]) / RATE < len(TEXTS[name]) / 20] == []


def test_beep_is_a_tone_of_1000_hz(prompts: dict[str, Samples]) -> None:
    """The beep is 400 ms of 1000 Hz at -13 dBm0, and hardly anything else is in it."""
    beep = prompts["beep"]
    power = np.abs(np.fft.rfft(beep)) ** 2
    frequencies = np.fft.rfftfreq(len(beep), 1 / RATE)
    assert len(beep) == 0.4 * RATE
    assert frequencies[power.argmax()] == 1000
    assert power[np.abs(frequencies - 1000) < 50].sum() > 0.99 * power.sum()
    assert 10 * np.log10(np.mean(beep**2)) + 6.18 == pytest.approx(-13, abs=0.5)


def test_silence_is_one_second_of_nothing(prompts: dict[str, Samples]) -> None:
    """The silence is digital silence, one second of it."""
    assert len(prompts["silence-1s"]) == RATE
    assert not prompts["silence-1s"].any()


@pytest.mark.parametrize(
    "needed",
    [
        pytest.param(NUMBERS, id="numbers"),
        pytest.param(ORDINALS | MONTHS | DAYS, id="dates"),
        pytest.param(TIMES | LENGTHS, id="times"),
        pytest.param(MONEY, id="money"),
        pytest.param(KEYS, id="keys and letters"),
        pytest.param(VOICEMAIL, id="voicemail"),
        pytest.param(ATTENDANT, id="attendant"),
        pytest.param(SOUNDS, id="sounds"),
    ],
)
def test_the_vocabulary_is_complete(needed: set[str]) -> None:
    """Every word that the daemon and its plugins put sentences together from has a prompt."""
    assert needed - set(TEXTS) == set()


def test_the_prompts_stay_small() -> None:
    """All prompts together take less than 6 MB."""
    assert sum(path.stat().st_size for path in FOLDER.glob("*.au")) < 6_000_000
