"""Make the spoken prompts that ship with ctportd.

Every row of ``prompts.tsv`` (a name, a tab, what is spoken) becomes NAME.au beside it: 8 kHz mono G.711
mu-law, spoken by flite. A text in square brackets is a sound made here instead of words. With the same flite and
libraries the same text gives the same bytes, so a second run changes no file.
"""

import argparse
import functools
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Samples: TypeAlias = npt.NDArray[np.float64]

FOLDER = Path(__file__).resolve().parents[1] / "ctportd" / "prompts"
RATE = 8000

# A little slower than flite's own pace: nobody can see who speaks, or ask to hear it again.
STRETCH = 1.1

# How a telephone set colours a voice, roughly. The voice has a boom at its pitch, which a real line does not
# carry: it would be measured as loudness and never heard.
COLOUR_HZ = (60, 100, 150, 200, 300, 1000, 3400)
COLOUR_DB = (-40, -24, -14, -9, -3, 0, 5)

# The voice's s has all its sound between 6 and 7.5 kHz, so that at 8 kHz "six" would be "ick". That band is
# moved down by 3.3 kHz, to the top of a telephone's, at a level where s is some 15 dB below the vowels.
HISS_HZ = (4800, 5200, 7400, 7600)
HISS_GAIN = (0.0, 0.4, 0.4, 0.0)
HISS_SHIFT_HZ = 3300

# G.711 puts the largest mu-law sine, whose RMS is 3.01 dB below full scale, at +3.17 dBm0.
FULL_SCALE_DBM0 = 3.17 + 3.01
SPEECH_DBM0 = -16.0
TONE_DBM0 = -13.0
LOUDEST_PEAK = 0.9

# Speech begins and ends where a sample passes -53 dBFS: 3 dB above the loudest noise that the voice leaves in
# a pause, and below the th of "ninth" and of "thousand", its faintest sounds at an end.
SILENCE = 10 ** (-53 / 20)
LEAD_SECONDS = 0.03
TRAIL_SECONDS = 0.06
EDGE_SECONDS = 0.01

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 30.0

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class PromptError(Exception):
    """A prompt cannot be made; the text says which and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make all prompts, or those named, and print what changed; return the exit status."""
    options = parse_arguments(arguments)
    try:
        texts = read_texts(options.folder / "prompts.tsv")
        names = choose(texts, options.only)
        made = [write_prompt(options.folder / f"{name}.au", texts[name], options.voice) for name in names]
    except (PromptError, OSError) as error:
        print(f"make_prompts: {error}", file=sys.stderr)
        return 1
    print(f"prompts made in {options.folder}: {len(made)}, new or changed: {sum(made)}")
    return 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make the spoken prompts of a folder from its prompts.tsv.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="make these prompts and no others")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where prompts.tsv is and the .au files go (%(default)s)"
    )
    parser.add_argument("--voice", default="slt", help="flite's voice (%(default)s), or a voice's file")
    return parser.parse_args(arguments)


def read_texts(path: Path) -> dict[str, str]:
    """Read the text of each prompt, by name.

    Raises:
        PromptError: a row is not a name, a tab and a text, or its name is there twice.
    """
    texts: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, text = line.partition("\t")
        if not NAME.fullmatch(name) or not text.strip():
            raise PromptError(f"{path}:{number}: expected a name, a tab and a text, found {line!r}")
        if name in texts:
            raise PromptError(f"{path}:{number}: {name} is there twice")
        texts[name] = text.strip()
    return texts


def choose(texts: dict[str, str], only: list[str] | None) -> list[str]:
    """Return the names to make: all of them, or those asked for.

    Raises:
        PromptError: a name that was asked for has no row.
    """
    if only is None:
        return list(texts)
    if unknown := sorted(set(only) - set(texts)):
        raise PromptError(f"no row in prompts.tsv for {', '.join(unknown)}")
    return list(dict.fromkeys(only))


def write_prompt(path: Path, text: str, voice: str) -> bool:
    """Make one prompt and write it unless the file is the same already; return whether it was written.

    Raises:
        PromptError: the prompt cannot be made, or is not what a telephone port plays.
    """
    if text.startswith("["):
        if text not in SOUNDS:
            raise PromptError(f"{path.stem}: no sound is called {text}, only {', '.join(SOUNDS)}")
        samples = SOUNDS[text]()
    else:
        samples = trim(level(speak(text, voice)))
    content = encode(samples)
    check(path.stem, content)
    if path.exists() and path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True


@functools.cache
def find_flite(voice: str) -> str:
    """Return the path of flite, which must have the voice: asked for one that it lacks, it takes another.

    Raises:
        PromptError: there is no flite, or it lacks the voice.
    """
    flite = shutil.which("flite")
    if flite is None:
        raise PromptError("flite is not installed: apt-get install flite")
    listed = subprocess.run([flite, "-lv"], capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    voices = listed.stdout.partition(":")[2].split()
    if voice not in voices and not Path(voice).is_file():
        raise PromptError(f"flite has no voice {voice}, only {', '.join(voices)}")
    return flite


def speak(text: str, voice: str) -> Samples:
    """Have flite speak the text, and return it as a telephone carries it.

    Raises:
        PromptError: flite is missing, or did not speak.
    """
    flite = find_flite(voice)
    with tempfile.TemporaryDirectory(prefix="ctportd-prompts-") as folder:
        spoken = Path(folder) / "spoken.wav"
        how = ["-voice", voice, "--setf", f"duration_stretch={STRETCH}"]
        command = [flite, *how, "-t", text, "-o", str(spoken)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
        if done.returncode or not spoken.exists():
            raise PromptError(f"flite did not speak {text!r}: {done.stderr.strip() or done.returncode}")
        samples, rate = soundfile.read(spoken, dtype="float64")
    if not samples.any():
        raise PromptError(f"flite spoke nothing but silence for {text!r}")
    return np.asarray(soxr.resample(colour(samples, rate), rate, RATE, quality="HQ"), dtype=np.float64)


def colour(samples: Samples, rate: int) -> Samples:
    """Shift the balance of low and high to that of a voice on a telephone, and keep the s audible."""
    size = len(samples) + rate  # room for the filters to ring out instead of wrapping round
    spectrum, frequencies = np.fft.rfft(samples, size), np.fft.rfftfreq(size, 1 / rate)
    voice = np.fft.irfft(spectrum * 10 ** (np.interp(frequencies, COLOUR_HZ, COLOUR_DB) / 20), size)
    hiss = np.fft.irfft(spectrum * np.interp(frequencies, HISS_HZ, HISS_GAIN), size)
    # The product has the band twice, moved down and moved up; resampling removes the second.
    hiss *= 2 * np.cos(2 * np.pi * HISS_SHIFT_HZ * np.arange(size) / rate)
    coloured: Samples = (voice + hiss)[: len(samples)]
    return coloured


def level(samples: Samples) -> Samples:
    """Bring speech to the level of all the others, or as near as its peaks allow."""
    gain = 10 ** ((SPEECH_DBM0 - active_dbm0(samples)) / 20)
    return samples * min(gain, LOUDEST_PEAK / float(np.abs(samples).max()))


def active_dbm0(samples: Samples) -> float:
    """Measure how loud the speech is while it lasts, pauses left out.

    Of frames of 20 ms, those that are within 20 dB of the loudest are speech.
    """
    frame = RATE // 50
    padded = np.pad(samples, (0, -len(samples) % frame))
    powers = np.mean(padded.reshape(-1, frame) ** 2, axis=1)
    active = float(np.mean(powers[powers >= powers.max() / 100]))
    return 10 * float(np.log10(active)) + FULL_SCALE_DBM0


def trim(samples: Samples) -> Samples:
    """Leave a breath of silence at either end, so that prompts string together like one sentence."""
    lead, trail = round(LEAD_SECONDS * RATE), round(TRAIL_SECONDS * RATE)
    heard = np.flatnonzero(np.abs(samples) > SILENCE)
    padded = np.pad(samples, (lead, trail))
    return soften_edges(padded[heard[0] : heard[-1] + 1 + lead + trail])


def soften_edges(samples: Samples) -> Samples:
    """Fade both ends in and out along a raised cosine, so that neither clicks."""
    count = round(EDGE_SECONDS * RATE)
    rise = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    shape = np.ones(len(samples))
    shape[:count], shape[-count:] = rise, rise[::-1]
    return samples * shape


def beep(hertz: float, seconds: float) -> Samples:
    """Make a tone of so many seconds."""
    amplitude = 10 ** ((TONE_DBM0 - FULL_SCALE_DBM0) / 20) * np.sqrt(2)
    return soften_edges(amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE))


def tone() -> Samples:
    """Make the beep: 400 ms of 1000 Hz."""
    return beep(1000, 0.4)


def not_in_service() -> Samples:
    """Make the three tones that tell machines of a number that is not in service (ITU-T E.180: 950, 1400, 1800 Hz).

    The lengths and the exact pitches are those that North American exchanges use for a vacant code.
    """
    tones = ((985.2, 0.380), (1370.6, 0.274), (1776.7, 0.380))
    return np.concatenate([beep(hertz, seconds) for hertz, seconds in tones])


def busy() -> Samples:
    """Make three seconds of busy tone as in North America: 480 and 620 Hz, half a second on, half a second off."""
    beat = (beep(480, 0.5) + beep(620, 0.5)) / 2
    return np.tile(np.concatenate([beat, np.zeros(RATE // 2)]), 3)


def silence() -> Samples:
    """Make one second in which nothing is heard."""
    return np.zeros(RATE)


SOUNDS: dict[str, Callable[[], Samples]] = {
    "[tone]": tone,
    "[silence]": silence,
    "[not in service]": not_in_service,
    "[busy]": busy,
}


def encode(samples: Samples) -> bytes:
    """Return the samples as an .au file."""
    content = io.BytesIO()
    soundfile.write(content, samples, RATE, format="AU", subtype="ULAW")
    return content.getvalue()


def check(name: str, content: bytes) -> None:
    """Read a prompt back.

    Raises:
        PromptError: it is not 8000 Hz mono mu-law of a sensible length.
    """
    with soundfile.SoundFile(io.BytesIO(content)) as sound:
        form = (sound.format, sound.subtype, sound.samplerate, sound.channels)
        seconds = sound.frames / sound.samplerate
    if form != ("AU", "ULAW", RATE, 1):
        raise PromptError(f"{name}: read back as {form}, not as 8000 Hz mono mu-law")
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise PromptError(f"{name}: lasts {seconds:.2f} s, not {SHORTEST_SECONDS} to {LONGEST_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
