"""The telephone against a fake exchange: each thing happens at its frame, and an end is told from a beginning."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from ctportd.ctserver import g711
from ctportd.errors import AudioError, InvalidArgument, PhoneError
from ctportd.phone.client import Phone

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from unit.phone.conftest import FakeExchange, FakeLine

    from ctportd.phone.happenings import Happening


async def started(doing: Coroutine[object, object, None]) -> asyncio.Task[None]:
    """A task that has run to its first wait."""
    task = asyncio.create_task(doing)
    await asyncio.sleep(0)
    return task


async def call(exchange: FakeExchange, happenings: list[Happening] | None = None) -> tuple[Phone, FakeLine]:
    """A call that is up, one frame old."""
    listen = (lambda _: None) if happenings is None else happenings.append
    phone = await Phone.dial(exchange.url, 1, listen=listen)
    line = await exchange.line()
    await line.answer()
    await phone.answered()
    return phone, line


async def test_call_carries_the_caller_id(exchange: FakeExchange) -> None:
    """Port, number and name reach the exchange."""
    async with await Phone.dial(exchange.url, 3, number="5550100", name="Ada Lovelace") as phone:
        line = await exchange.line()
        assert line.said == [(0, {"type": "call", "port": 3, "number": "5550100", "name": "Ada Lovelace"})]
        assert phone.speed == 20.0


async def test_one_frame_is_sent_for_each_received(exchange: FakeExchange) -> None:
    """A telephone with nothing to say sends silence, before the answer too."""
    async with await Phone.dial(exchange.url, 1) as phone:
        line = await exchange.line()
        await line.frames(7)
        assert line.voice == [g711.SILENCE] * 7
        assert phone.time == 0.14


async def test_heard_begins_with_the_answer(exchange: FakeExchange) -> None:
    """Ring-back tone is not heard; every sample after it is."""
    async with await Phone.dial(exchange.url, 1) as phone:
        line = await exchange.line()
        await line.frames(3, b"\x10" * 160)
        await line.tell("answered")
        await line.frames(1, b"\x20" * 160)
        await line.frames(1, b"\x30" * 160)
        assert np.array_equal(phone.heard, g711.decode(b"\x20" * 160 + b"\x30" * 160))
        assert phone.heard.dtype == np.int16


async def test_keys_are_100_ms_apart(exchange: FakeExchange) -> None:
    """Five frames lie between two keys, in one press and between two."""
    phone, line = await call(exchange)
    async with phone:

        async def press() -> None:
            await phone.press("1*a")
            await phone.press("#")

        pressing = await started(press())
        await line.frames(20)
        await pressing
        # the first was pressed before the second frame came, the others as they fell due
        assert line.pressed() == [(2, "1"), (6, "*"), (11, "A"), (16, "#")]


async def test_a_key_that_is_none_is_refused_before_anything_is_pressed(exchange: FakeExchange) -> None:
    """The mistake is found first: no key of the string is sent."""
    phone, line = await call(exchange)
    async with phone:
        with pytest.raises(InvalidArgument, match="'12x' where keys out of"):
            await phone.press("12x")
        await line.frames(1)
        assert line.pressed() == []


async def test_wait_counts_frames(exchange: FakeExchange) -> None:
    """What follows a wait happens at its very frame, whatever the clock says."""
    phone, line = await call(exchange)
    async with phone:

        async def wait_and_press() -> None:
            await phone.wait(0.14)
            await phone.press("1")

        waiting = await started(wait_and_press())
        await line.frames(10)
        await waiting
        assert line.pressed() == [(8, "1")]


async def test_say_sends_each_frame_once_in_order(exchange: FakeExchange) -> None:
    """The samples are sent whole, two sayings without a gap, the last frame filled with silence."""
    phone, line = await call(exchange)
    first = np.arange(0, 32000, 100, dtype=np.int16)
    second = np.full(200, -5000, np.int16)
    async with phone:

        async def say() -> None:
            await phone.say(first)
            await phone.say(second)

        saying = await started(say())
        del line.voice[:]
        await line.frames(5)
        await saying
        spoken = g711.encode(first) + g711.encode(second)
        assert b"".join(line.voice) == spoken + b"\xff" * (5 * 160 - len(spoken))


async def test_say_takes_any_file(exchange: FakeExchange, tmp_path: Path) -> None:
    """A stereo file of another rate is mixed and resampled."""
    path = tmp_path / "hello.wav"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    soundfile.write(path, np.stack([tone, tone], axis=1), 22050)
    happenings: list[Happening] = []
    phone, line = await call(exchange, happenings)
    async with phone:
        saying = asyncio.create_task(phone.say(path))
        while not any(type(happening).__name__ == "Say" for happening in happenings):
            await line.frames(1)
        del line.voice[:]
        await line.frames(50)
        await saying
        spoken = g711.decode(b"".join(line.voice)).astype(float)
        loudest = np.argmax(np.abs(np.fft.rfft(spoken))) * 8000 / len(spoken)
        assert abs(loudest - 440) < 2
        assert 0.45 < np.abs(spoken).max() / 32768 < 0.55


async def test_say_refuses_samples_that_are_fractions(exchange: FakeExchange) -> None:
    """Samples from -1 to 1 would be heard as silence."""
    phone, _ = await call(exchange)
    async with phone:
        with pytest.raises(AudioError, match="float64"):
            await phone.say(np.zeros(160))  # type: ignore[arg-type]


async def test_say_that_is_cancelled_is_not_said_on(exchange: FakeExchange) -> None:
    """After the frames that were sent there is silence."""
    phone, line = await call(exchange)
    async with phone:
        saying = await started(phone.say(np.full(1600, 9000, np.int16)))
        await line.frames(2)
        saying.cancel()
        await asyncio.wait([saying])
        del line.voice[:]
        await line.frames(2)
        assert line.voice == [g711.SILENCE] * 2


async def test_until_finds_a_prompt_that_ended_before(exchange: FakeExchange) -> None:
    """A prompt that ended during another step is not missed."""
    phone, line = await call(exchange)
    async with phone:
        await line.play("menu-main")
        await line.play("beep", 2)
        await line.frames(3)
        await phone.until("beep")
        assert phone.prompts == ["menu-main", "beep"]


async def test_until_does_not_find_the_same_prompt_twice(exchange: FakeExchange) -> None:
    """Each until consumes the stream of prompts up to its match."""
    phone, line = await call(exchange)
    async with phone:
        await line.play("beep", 2)
        await line.frames(1)
        await phone.until("beep")
        again = await started(phone.until("beep"))
        await line.frames(3)
        assert not again.done()
        await line.play("beep", 2)
        await line.frames(1)
        await again


async def test_until_consumes_what_stood_before_its_match(exchange: FakeExchange) -> None:
    """A prompt before the one that was found is gone by."""
    phone, line = await call(exchange)
    async with phone:
        await line.play("menu-main")
        await line.play("beep", 1)
        await line.frames(1)
        await phone.until("beep")
        menu = await started(phone.until("menu-main"))
        await line.frames(2)
        assert not menu.done()
        await line.tell("ended", reason="hangup")
        with pytest.raises(
            PhoneError, match="until menu-main: the call is over: the line hung up; heard until then"
        ):
            await menu


async def test_until_does_not_take_a_prompt_that_was_cut_short(exchange: FakeExchange) -> None:
    """What a key interrupted was not played to its end."""
    phone, line = await call(exchange)
    async with phone:
        until = await started(phone.until("menu-main"))
        await line.play("menu-main", complete=False)
        await line.frames(1)
        assert not until.done()
        await line.play("menu-main")
        await line.frames(1)
        await until
        assert [playback.complete for playback in phone.playbacks] == [False, True]
        assert [(playback.began, playback.ended) for playback in phone.playbacks] == [(0.02, 0.12), (0.14, 0.24)]


async def test_a_step_after_until_stands_at_the_prompts_end(exchange: FakeExchange) -> None:
    """The key is pressed before the first frame after the prompt is answered."""
    phone, line = await call(exchange)
    async with phone:

        async def until_and_press() -> None:
            await phone.until("beep")
            await phone.press("5")

        doing = await started(until_and_press())
        await line.play("beep", 4)
        await line.frames(3)
        await doing
        assert line.pressed()[0][0] in {5, 6}  # with the prompt's last frame, or the next one


async def test_until_recording(exchange: FakeExchange) -> None:
    """It is awaited while the line records nothing, and each time anew."""
    phone, line = await call(exchange)
    async with phone:
        for _ in range(2):
            recording = await started(phone.until_recording())
            await line.frames(2)
            assert not recording.done()
            await line.tell("recording", file="/m.wav")
            await line.frames(1)
            await recording
            await line.tell("recorded", file="/m.wav")
            await line.frames(1)


async def test_hangup_ends_the_call(exchange: FakeExchange) -> None:
    """The exchange is told once, and the end is ours."""
    phone, line = await call(exchange)
    async with phone:
        await phone.hangup()
        await phone.hangup()
        await line.hears("hangup")
        end = await phone.ended()
        assert (end.by, end.reason) == ("phone", "hangup")
    assert [said["type"] for _, said in line.said] == ["call", "hangup"]


async def test_leaving_the_block_hangs_up(exchange: FakeExchange) -> None:
    """A test that fails in the middle of a call leaves no call behind."""
    phone, line = await call(exchange)
    with pytest.raises(RuntimeError):
        async with phone:
            raise RuntimeError
    await line.hears("hangup")


@pytest.mark.parametrize("doing", ["press", "say", "wait", "until", "flash"])
async def test_the_far_end_hangs_up_in_the_middle(exchange: FakeExchange, doing: str) -> None:
    """What is awaited raises, and says what it was and why."""
    phone, line = await call(exchange)
    async with phone:
        actions = {
            "press": lambda: phone.press("123"),
            "say": lambda: phone.say(np.zeros(16000, np.int16)),
            "wait": lambda: phone.wait(10),
            "until": lambda: phone.until("beep"),
            "flash": phone.flash,
        }
        if doing == "flash":  # it waits for nothing: it comes after the end
            await line.tell("ended", reason="hangup")
            await phone.ended()
            task = await started(actions[doing]())
        else:
            task = await started(actions[doing]())
            await line.frames(2)
            await line.tell("ended", reason="hangup")
        with pytest.raises(PhoneError, match=f"{doing}.*: the call is over: the line hung up"):
            await task
        assert (await phone.ended()).by == "line"


async def test_what_is_said_before_the_answer_is_refused(exchange: FakeExchange) -> None:
    """Nobody hears a key before the answer."""
    async with await Phone.dial(exchange.url, 1) as phone:
        line = await exchange.line()
        await line.tell("ringing", count=1)
        assert await phone.ringing() == 1
        with pytest.raises(PhoneError, match="press 1: the call is not answered yet"):
            await phone.press("1")


async def test_busy(exchange: FakeExchange) -> None:
    """A port that is in a call does not answer."""
    async with await Phone.dial(exchange.url, 1) as phone:
        line = await exchange.line()
        await line.tell("busy")
        await line.close()
        with pytest.raises(PhoneError, match="the line is busy"):
            await phone.answered()
        assert (await phone.ended()).reason == "busy"


async def test_a_call_that_is_refused(exchange: FakeExchange) -> None:
    """An error before the line rings is the call's end; the exchange's words are told."""
    async with await Phone.dial(exchange.url, 99) as phone:
        line = await exchange.line()
        await line.tell("error", message="there is no port 99")
        with pytest.raises(PhoneError, match="refused the call: there is no port 99"):
            await phone.answered()


async def test_an_error_in_a_call_is_no_end(exchange: FakeExchange) -> None:
    """The connection lives on."""
    happenings: list[Happening] = []
    phone, line = await call(exchange, happenings)
    async with phone:
        await line.tell("error", message="what?")
        await line.frames(1)
        assert phone.end is None
        assert "what?" in str(happenings[-1])


async def test_a_connection_that_is_lost(exchange: FakeExchange) -> None:
    """How the call went on nobody knows: that is an error, not an end."""
    phone, line = await call(exchange)
    async with phone:
        await line.close()
        with pytest.raises(PhoneError, match="lost in the middle"):
            await phone.ended()
        with pytest.raises(PhoneError, match="the connection to the exchange was lost"):
            await phone.press("1")


async def test_ctserver_stops(exchange: FakeExchange) -> None:
    """The exchange says so, and that is the end."""
    phone, line = await call(exchange)
    async with phone:
        await line.tell("ended", reason="closing")
        await line.close()
        end = await phone.ended()
        assert (end.by, end.reason, end.sentence) == ("exchange", "closing", "ctserver stops")


@pytest.mark.parametrize("garbage", ["{", '{"kind":"ringing"}', '{"type":"ringing","count":"x"}'])
async def test_garbage_is_told(exchange: FakeExchange, garbage: str) -> None:
    """What is no signal ends the wait with a sentence that shows it."""
    async with await Phone.dial(exchange.url, 1) as phone:
        line = await exchange.line()
        await line.tell_raw(garbage)
        with pytest.raises(PhoneError, match="does not understand"):
            await phone.answered()


async def test_unknown_signals_mean_nothing(exchange: FakeExchange) -> None:
    """A newer exchange may say more."""
    phone, line = await call(exchange)
    async with phone:
        await line.tell("weather", sky="blue")
        await line.frames(1)
        assert phone.end is None


async def test_gives_up_just_before_the_next_ring(exchange: FakeExchange) -> None:
    """After the last ring it waits as long as the line takes from one to the next, less a little."""
    async with await Phone.dial(exchange.url, 1, rings=2) as phone:
        line = await exchange.line()
        await line.tell("ringing", count=1)
        await line.frames(150)
        await line.tell("ringing", count=2)
        await line.frames(144)  # the ring-back rhythm is 3 s here: 2.88 s of it have passed
        assert phone.end is None
        await line.frames(1)
        await line.hears("hangup")
        with pytest.raises(PhoneError, match="the phone gave up"):
            await phone.answered()
        assert (await phone.ended()).reason == "gave-up"


async def test_never_gives_up_where_it_shall_not(exchange: FakeExchange) -> None:
    """Without a limit of rings it is patient."""
    async with await Phone.dial(exchange.url, 1, rings=None) as phone:
        line = await exchange.line()
        for count in range(1, 30):
            await line.tell("ringing", count=count)
        await line.frames(400)
        assert phone.end is None


async def test_nobody_there() -> None:
    """One clear sentence, with what to do."""
    with pytest.raises(
        PhoneError, match=r"no telephone exchange at ws://127.0.0.1:1/phone .Connection refused.*Start"
    ):
        await Phone.dial("ws://127.0.0.1:1/phone", 1)


@pytest.mark.parametrize("greeting", ['{"type":"ringing"}', "hello", '{"type":"hello","speed":"fast"}'])
async def test_something_else_answers(exchange: FakeExchange, greeting: str) -> None:
    """A server that does not say hello is no exchange."""
    exchange.greeting = greeting
    with pytest.raises(PhoneError, match=r"no exchange of ctportd|does not understand"):
        await Phone.dial(exchange.url, 1)


async def test_a_page_that_is_no_exchange(exchange: FakeExchange) -> None:
    """An HTTP server without a telephone is told from one that is not there."""
    with pytest.raises(PhoneError, match=r"no telephone exchange at .*404"):
        await Phone.dial(exchange.url.replace("/phone", "/other"), 1)


async def test_a_listener_that_fails_fails_the_call(exchange: FakeExchange) -> None:
    """Its error reaches who waits, and is not lost in a task."""

    def listen(happening: Happening) -> None:
        if type(happening).__name__ == "Ring":
            raise BrokenPipeError

    phone = await Phone.dial(exchange.url, 1, listen=listen)
    line = await exchange.line()
    await line.tell("ringing", count=1)
    with pytest.raises(BrokenPipeError):
        await phone.answered()
    await phone.close()
