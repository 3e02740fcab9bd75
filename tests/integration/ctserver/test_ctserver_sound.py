"""What is played is heard, what is said is recorded: to the sample."""

from __future__ import annotations

import itertools
import random
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from ctportd.ctserver import g711

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from integration.ctserver.conftest import Office

    SoundOf = Callable[[str, int], tuple[Path, bytes]]

FRAME = 160
SILENT = b"\xff" * FRAME


def spectrum(codes: bytes) -> list[int]:
    """The frequencies in Hz that stand out of some voice."""
    samples = g711.decode(codes).astype(np.float64)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    loud = np.flatnonzero(power > power.max() / 4)
    peaks = [place for place in loud if power[place] == power[max(0, place - 3) : place + 4].max()]
    return [round(place * 8000 / len(samples)) for place in peaks]


def recorded(path: Path) -> bytes:
    """The mu-law of a recording."""
    if path.suffix == ".wav":
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
            return g711.encode(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    data = path.read_bytes()
    assert data[:4] == b".snd"
    assert int.from_bytes(data[8:12], "big") == len(data) - 24
    return data[24:]


def list_parts(folder: Path) -> list[Path]:
    """Recordings that are not whole."""
    return list(folder.glob("*.part"))


async def test_file_is_heard_to_the_sample(office: Office, sound_of: SoundOf) -> None:
    """Every byte of a mu-law file comes out of the telephone, between `playing` and `played`."""
    path, codes = sound_of("welcome.au", 60)
    client, phone = await office.answered()
    assert await client.ask("ctplay", path) == ("OK", "")
    assert await phone.signal("playing") == {"type": "playing", "prompt": "welcome", "file": str(path)}
    assert await phone.signal("played") == {"type": "played", "prompt": "welcome", "complete": True}
    assert phone.between("playing", "played") == codes


async def test_files_sent_ahead_follow_at_once(
    open_office: Callable[..., AbstractAsyncContextManager[Office]], sound_of: SoundOf
) -> None:
    """`play 1 2` is two requests at once; at the pace of a real line no pause stands between them."""
    one, two = sound_of("1.au", 10), sound_of("2.au", 10)
    async with open_office(speed=1.0) as office:
        client, phone = await office.answered()
        client.send("ctplay", one[0])
        client.send("ctplay", two[0])
        assert await client.reply("ctplay") == ("OK", "")
        assert await client.reply("ctplay") == ("OK", "")
        await phone.until(lambda: phone.kinds.count("played") == 2)
    heard = b"".join(phone.heard[phone.at("playing") :])
    assert heard.startswith((one[1] + two[1], one[1] + SILENT + two[1]))  # a frame's pause on a busy machine


@pytest.mark.parametrize(
    ("name", "rate", "channels"), [("a.wav", 44100, 2), ("b.flac", 16000, 1), ("c.au", 8000, 2)]
)
async def test_other_files_are_resampled(
    office: Office, tmp_path: Path, name: str, rate: int, channels: int
) -> None:
    """A tone of 1 kHz stays one, whatever the file's rate and channels."""
    at = np.arange(rate) / rate
    samples = np.repeat((0.5 * np.sin(2 * np.pi * 1000 * at))[:, None], channels, axis=1)
    soundfile.write(tmp_path / name, samples, rate)
    client, phone = await office.answered()
    assert await client.ask("ctplay", tmp_path / name) == ("OK", "")
    await phone.signal("played")
    heard = phone.between("playing", "played")
    assert len(heard) == 8000
    assert spectrum(heard) == [1000]
    assert abs(int(np.abs(g711.decode(heard).astype(int)).max()) - 16384) < 700


async def test_key_ends_playing(office: Office, sound_of: SoundOf) -> None:
    """First the key, then the reply; what was played is no longer than that."""
    path, codes = sound_of("long.au", 500)
    client, phone = await office.answered()
    phone.keys_when["playing"] = "7"
    client.send("ctplay", path)
    assert await client.event("dtmf") == ("7",)
    assert await client.reply("ctplay") == ("OK", "7")
    assert (await phone.signal("played"))["complete"] is False
    assert codes.startswith(phone.between("playing", "played"))
    assert await client.ask("ctplay", sound_of("short.au", 5)[0]) == ("OK", "7")
    assert await client.ask("ctclear") == ("OK",)
    assert await client.ask("ctsleep", "0.1") == ("OK", "")


async def test_keys_may_be_ignored(office: Office, sound_of: SoundOf) -> None:
    """With ignore_dtmf a key is told and kept, and the file goes on."""
    path, codes = sound_of("long.au", 50)
    client, phone = await office.answered()
    phone.keys_when["playing"] = "7"
    assert await client.ask("ctplay", path, "ignore_dtmf") == ("OK", "7")
    await phone.signal("played")
    assert phone.between("playing", "played") == codes


async def test_asynchronous_playing_is_stopped(office: Office, sound_of: SoundOf) -> None:
    """It goes on while the port serves other requests, until it is stopped."""
    path, _ = sound_of("music.au", 5000)
    client, phone = await office.answered()
    assert await client.ask("ctplayasync", path, "ignore_dtmf") == ("OK",)
    assert await client.ask("ctsleep", 1) == ("OK", "")
    assert await client.ask("ctplay_stop") == ("OK",)
    assert (await phone.signal("played"))["complete"] is False
    assert 40 <= phone.at("played") - phone.at("playing") <= 100


@pytest.mark.parametrize("name", ["message.wav", "message.au"])
async def test_recording_is_what_was_said(office: Office, tmp_path: Path, name: str) -> None:
    """Sample for sample, from the first word to the ending key."""
    said = random.Random(name).randbytes(100 * FRAME).replace(b"\x7f", b"\xff")  # .wav has no negative nought
    client, phone = await office.answered()
    client.send("ctrecord", tmp_path / name, 60, "#", 0)
    assert await phone.signal("recording") == {"type": "recording", "file": str(tmp_path / name)}
    phone.say(said)
    await phone.until(lambda: not phone.outbox)
    await phone.press("1#")
    assert await client.reply("ctrecord") == ("OK", "1#")
    await phone.signal("recorded")
    voice = recorded(tmp_path / name)
    assert voice.strip(b"\xff") == said.strip(b"\xff")
    assert soundfile.info(tmp_path / name).frames == len(voice)
    assert list_parts(tmp_path) == []


async def test_recording_has_its_length(office: Office, tmp_path: Path) -> None:
    """Three seconds are 24000 samples, no more and no fewer."""
    client, _ = await office.answered()
    assert await client.ask("ctrecord", tmp_path / "x.wav", 3, "", 0) == ("OK", "")
    assert len(recorded(tmp_path / "x.wav")) == 24000


async def test_silence_ends_a_recording(office: Office, tmp_path: Path) -> None:
    """Two seconds of it after what was said; and from the beginning where nobody speaks."""
    client, phone = await office.answered()
    tone = g711.encode((8000 * np.sin(np.arange(16000) * 0.5)).astype(np.int16))
    client.send("ctrecord", tmp_path / "x.wav", 0, "", 2)
    await phone.signal("recording")
    phone.say(tone)
    assert await client.reply("ctrecord") == ("OK", "")
    voice = recorded(tmp_path / "x.wav")
    assert len(voice.strip(b"\xff")) >= 15990
    assert len(voice) - len(voice.rstrip(b"\xff")) in range(15990, 16161)
    assert await client.ask("ctrecord", tmp_path / "y.wav", 0, "", 2) == ("OK", "")
    assert len(recorded(tmp_path / "y.wav")) == 16000


async def test_message_of_another_port_ends_a_recording(office: Office, tmp_path: Path) -> None:
    """This is how a recording is stopped from outside."""
    client, phone = await office.answered()
    manager = await office.client(0)
    client.send("ctrecord", tmp_path / "x.au", 0, "", 0)
    await phone.signal("recording")
    assert await manager.ask("ctsendevent", "RECORD_STOP", "now", dst=0) == ("OK",)
    assert await client.reply("ctrecord") == ("EVENT", "", "RECORD_STOP", "-2", "now")
    recorded(tmp_path / "x.au")


async def test_recording_survives_a_hangup(office: Office, tmp_path: Path) -> None:
    """What was said before is there, and the file is whole when the reply comes."""
    client, phone = await office.answered()
    client.send("ctrecord", tmp_path / "x.wav", 0, "", 0)
    await phone.signal("recording")
    phone.say(b"\x20" * FRAME * 30)
    await phone.until(lambda: not phone.outbox)
    await phone.tell("hangup")
    assert await client.reply("ctrecord") == ("EVENT", "", "hangup")
    assert recorded(tmp_path / "x.wav").strip(b"\xff") == b"\x20" * FRAME * 30


async def test_recording_is_kept_when_its_client_leaves(office: Office, tmp_path: Path) -> None:
    """Nobody gets the reply, but the caller's words are not lost."""
    client, phone = await office.answered()
    client.send("ctrecord", tmp_path / "x.wav", 0, "", 0)
    await phone.signal("recording")
    phone.say(b"\x20" * FRAME * 30)
    await phone.until(lambda: not phone.outbox)
    await client.close()
    await phone.signal("ended")
    await phone.signal("closed")
    assert recorded(tmp_path / "x.wav").strip(b"\xff") == b"\x20" * FRAME * 30


async def test_silent_telephone_is_recorded_as_silence(office: Office, tmp_path: Path) -> None:
    """One that sends nothing at all is not waited for longer than a second."""
    client, phone = await office.answered()
    phone.mute = True
    assert await client.ask("ctrecord", tmp_path / "x.au", 3, "", 0) == ("OK", "")
    assert recorded(tmp_path / "x.au") == b"\xff" * 24000


@pytest.mark.parametrize(
    ("tone", "hertz"),
    [("dial", [350, 440]), ("ringback", [440, 480]), ("busy", [480, 620]), ("dialx", [350, 440])],
)
async def test_tone_is_heard(office: Office, tone: str, hertz: list[int]) -> None:
    """The country's tones have its frequencies."""
    client, phone = await office.answered()
    start = len(phone.heard)
    assert await client.ask("ctplaytoneasync", tone) == ("OK",)
    await phone.until(lambda: len(phone.heard) > start + 60)
    loud = [frame for frame in phone.heard[start:] if frame != SILENT]
    burst = b"".join(loud[1:6])
    whole = b"".join(loud[1:26]) if tone != "dialx" else burst
    found = spectrum(whole)
    assert len(found) == 2 or tone == "dialx"
    assert all(any(abs(peak - wanted) <= 20 for wanted in hertz) for peak in found)
    client.send("ctstoptone")
    assert await client.event("toneend") == ()
    assert await client.reply("ctstoptone") == ("OK",)


@pytest.mark.parametrize(("tone", "sound", "rest"), [("busy", 25, 25), ("ringback", 100, 200), ("dialx", 5, 5)])
async def test_tone_has_its_cadence(office: Office, tone: str, sound: int, rest: int) -> None:
    """Sound and rest follow each other as the country's exchange has them, to the frame of 20 ms."""
    client, phone = await office.answered()
    start = len(phone.heard)
    assert await client.ask("ctplaytoneasync", tone) == ("OK",)
    await phone.until(lambda: len(phone.heard) > start + 3 * (sound + rest))
    runs = [
        (loud, len(list(frames)))
        for loud, frames in itertools.groupby(phone.heard[start:], key=lambda frame: frame != SILENT)
    ]
    first = runs.index((True, sound))
    assert runs[first : first + 4] == [(True, sound), (False, rest)] * 2


async def test_dialled_keys_are_heard_as_tones(office: Office) -> None:
    """Each key as its two frequencies for 100 ms, a comma as a second of silence, & as a flash."""
    client, phone = await office.answered()
    start = len(phone.heard)
    assert await client.ask("ctdial", "1,9&") == ("OK", "")
    await phone.signal("flash")
    await phone.until(lambda: len(phone.heard) > phone.at("flash") + 5)
    loud = [place for place in range(start, len(phone.heard)) if phone.heard[place] != SILENT]
    first, second = loud[:5], loud[5:]
    assert second[0] - first[-1] == 1 + 5 + 50
    for places, hertz in ((first, (697, 1209)), (second, (852, 1477))):
        found = spectrum(b"".join(phone.heard[place] for place in places))
        assert [round(peak, -1) for peak in found] == [round(wanted, -1) for wanted in hertz]
