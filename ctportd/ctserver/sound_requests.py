"""Requests about sound: files, recordings and tones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.ctserver.asked import Refused, Served
from ctportd.ctserver.dialtone import DialToneDetector
from ctportd.ctserver.folders import OutsideFolders
from ctportd.ctserver.line import Loop, Playback, Signal
from ctportd.ctserver.port import ALL_KEYS
from ctportd.ctserver.recording import Recording
from ctportd.ctserver.recording_file import FileTaken
from ctportd.ctserver.tones import TONES, loop_of
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from ctportd.ctserver.asked import Asked
    from ctportd.ctserver.sounds import Sound
    from ctportd.ctserver.tones import Cadence


_DIAL_TONE = 10.0  # seconds of line time that ctwaitfordial waits (PROTOCOL.md 4)


async def _sound(asked: Asked) -> Sound:
    """The file that is asked for."""
    mode = asked.text(1, "play").lower()
    if mode not in {"play", "ignore_dtmf"}:
        raise Refused("bad-mode", repr(mode))
    try:
        return await asked.services.sounds.load(asked.text(0))
    except OutsideFolders as error:
        raise Refused("outside-folders", error) from error
    except AudioError as error:
        raise Refused("no-such-sound", error) from error


async def play(asked: Asked) -> tuple[str, ...]:
    """Play a file to its end, or until a key."""
    sound = await _sound(asked)
    asked.off_hook()
    wait, port = asked.wait, asked.port
    if not wait.over:
        playback = Playback(sound, port.line, wait.finish)
        wait.keys = ALL_KEYS if _key_stops(asked) else frozenset()
        wait.on_end = lambda: port.line.stop(playback)
        port.play(playback, key_stops=False)  # the wait sees to it
    await wait.ended()
    return (port.digits,)


async def play_async(asked: Asked) -> tuple[str, ...]:
    """Begin to play a file; a key stops it, unless ``ignore_dtmf`` is given."""
    sound = await _sound(asked)
    asked.off_hook()
    asked.port.play(Playback(sound, asked.port.line, _nobody), key_stops=_key_stops(asked))
    return ()


def _key_stops(asked: Asked) -> bool:
    return asked.text(1, "").lower() != "ignore_dtmf"


async def stop_playing(asked: Asked) -> tuple[str, ...]:
    """Stop what plays; a ``ctplay`` that waits for it ends."""
    asked.port.stop_playing()
    return ()


async def record(asked: Asked) -> tuple[str, ...]:
    """Record until the time is up, an ending key, silence, or an event."""
    name, seconds, silence = asked.text(0), asked.seconds(1, "0"), asked.seconds(3, "0")
    ending = frozenset(asked.text(2, "").upper())
    if not ending <= ALL_KEYS:
        raise Refused("bad-keys", asked.text(2))
    asked.off_hook()
    wait, line = asked.wait, asked.port.line
    recording = _recording(asked, name)
    recording.limit(seconds, silence)

    def stop() -> None:
        line.unlisten(recording)
        line.note("recorded", file=name)

    try:
        await recording.open()
        if not wait.over:
            wait.keys = ending
            wait.on_end = stop
            line.note("recording", file=name)
            line.listen(recording)
        await wait.ended()
    except OutsideFolders as error:
        raise Refused("outside-folders", error) from error
    except AudioError as error:
        raise _not_recorded(error) from error
    finally:
        wait.abandon()  # where the asker is gone: nothing is taken down after this
        await _finish(recording)
    return (asked.port.digits,)


def _recording(asked: Asked, name: str) -> Recording:
    services = asked.services
    try:
        return Recording(name, services.disk, asked.wait.finish, services.recordable.to_record)
    except AudioError as error:
        raise Refused("cannot-record", error) from error


async def _finish(recording: Recording) -> None:
    try:
        await recording.finish()
    except AudioError as error:
        raise _not_recorded(error) from error


def _not_recorded(error: AudioError) -> Refused:
    return Refused("file-exists" if isinstance(error, FileTaken) else "cannot-record", error)


async def start_tone(asked: Asked) -> tuple[str, ...]:
    """Start a tone of the country."""
    name = asked.text(0).lower()
    if name not in TONES:
        raise Refused("no-such-tone", repr(name))
    asked.off_hook()
    cadence: Cadence = getattr(asked.services.country, name)
    port = asked.port

    def over() -> None:
        if port.line.off_hook:  # a tone that ends with the call is no news
            port.notice(Signal("toneend"))

    port.start_tone(Loop(loop_of(cadence), over))
    return ()


async def stop_tone(asked: Asked) -> tuple[str, ...]:
    """Stop it."""
    asked.port.stop_tone()
    return ()


async def wait_for_dial_tone(asked: Asked) -> tuple[str, ...]:
    """Wait for dial tone; when it does not come within 10 s, that is an error."""
    asked.off_hook()
    wait, line = asked.wait, asked.port.line
    detector = DialToneDetector(asked.services.country.dial[0][0], wait.finish)
    limit = line.after(_DIAL_TONE, wait.finish)

    def stop() -> None:
        line.unlisten(detector)
        limit.cancel()

    wait.on_end = stop
    line.listen(detector)
    await wait.ended()
    if not detector.heard:
        raise Refused("no-dial-tone")
    return ()


def _nobody() -> None:
    """Nobody waits for the end of what plays asynchronously."""


SOUND_REQUESTS = {
    "ctwaitfordial": Served(wait_for_dial_tone, blocking=True, on_call=True),
    "ctplay": Served(play, blocking=True, on_call=True),
    "ctplayasync": Served(play_async),
    "ctplay_async": Served(play_async),
    "ctplay_stop": Served(stop_playing),
    "ctrecord": Served(record, blocking=True, on_call=True),
    "ctplaytoneasync": Served(start_tone),
    "ctstoptone": Served(stop_tone),
}
"""What is heard and taken down."""
