"""The telephone on our own ctserver: what is said is recorded to the sample, what is played is heard likewise."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from ctportd.ctserver import g711
from ctportd.errors import PhoneError
from ctportd.phone.client import Phone
from ctportd.phone.command import ANSWERED, NOT_ANSWERED, run_phone

if TYPE_CHECKING:
    from pathlib import Path

    from integration.phone.conftest import CtServer, Driver

    from ctportd.phone.sound import Samples


def noise(path: Path, seconds: float, seed: int) -> Samples:
    """Write a file of noise, every frame unlike any other; its samples as a line carries them."""
    samples = np.random.default_rng(seed).integers(-8000, 8000, round(seconds * 8000), np.int16)
    carried = g711.decode(g711.encode(samples))
    soundfile.write(path, carried, 8000, subtype="PCM_16")
    return carried


def stands_in(part: Samples, whole: Samples) -> bool:
    """Whether the samples occur in the others, without a gap or a change."""
    return g711.encode(part) in g711.encode(np.ascontiguousarray(whole))


async def answer(driver: Driver) -> None:
    """Take the call that rings."""
    await driver.event("ring")
    assert await driver.ask("ctanswer") == ("OK",)


async def test_a_message_is_left(ctserver: CtServer, tmp_path: Path) -> None:
    """Greeting, key, beep, message, key: each reaches the other side whole and in its place."""
    greeting = noise(tmp_path / "greeting.wav", 3, 1)
    noise(tmp_path / "beep.wav", 0.4, 2)
    message = noise(tmp_path / "message.wav", 2.5, 3)
    driver = await ctserver.driver(1)

    async def record() -> None:
        await answer(driver)
        assert (await driver.ask("ctplay", tmp_path / "greeting.wav"))[0] == "OK"
        assert await driver.ask("ctcollect", 1, 10) == ("OK", "1")
        await driver.ask("ctplay", tmp_path / "beep.wav")
        await driver.ask("ctrecord", tmp_path / "recorded.wav", 30, "#", 0)
        await driver.ask("cthangup")

    recording = asyncio.create_task(record())
    async with await Phone.dial(ctserver.url, 1, number="5550100", name="Ada Lovelace") as phone:
        await phone.until("greeting")
        await phone.press("1")
        await phone.until("beep")
        await phone.until_recording()
        await phone.say(tmp_path / "message.wav")
        await phone.press("#")
        end = await phone.ended()
    await recording
    assert (end.by, end.reason) == ("line", "hangup")
    assert phone.prompts == ["greeting", "beep"]
    assert stands_in(greeting, phone.heard)
    recorded, rate = soundfile.read(tmp_path / "recorded.wav", dtype="int16")
    assert rate == 8000
    assert stands_in(message, recorded)


async def test_caller_id_and_keys(ctserver: CtServer) -> None:
    """The port learns who calls, and each key that is pressed, in order."""
    driver = await ctserver.driver(2)
    await driver.ask("ctlistenforcid")
    async with await Phone.dial(ctserver.url, 2, number="5550100", name="Ada Lovelace") as phone:
        while await driver.event("ring") != ("2",):  # caller ID stands between the first ring and the second
            pass
        await driver.ask("ctreadcid")
        assert await driver.event("cid") == ("5550100", "Ada", "Lovelace")
        assert await driver.ask("ctanswer") == ("OK",)
        await phone.answered()
        await phone.press("123*#D")
        assert [(await driver.event("dtmf"))[0] for _ in range(6)] == list("123*#D")
        await phone.flash()
        await driver.event("flash")
        await phone.hangup()
        await driver.event("hangup")


async def test_a_key_cuts_a_prompt_short(ctserver: CtServer, tmp_path: Path) -> None:
    """The phone tells a prompt that was interrupted from one that was not."""
    noise(tmp_path / "menu.wav", 30, 4)
    driver = await ctserver.driver(1)
    async with await Phone.dial(ctserver.url, 1) as phone:
        await answer(driver)
        playing = asyncio.create_task(driver.ask("ctplay", tmp_path / "menu.wav"))
        await phone.answered()
        while not phone.prompts:
            await phone.wait(0.02)
        await phone.wait(1)
        await phone.press("2")
        assert (await playing)[:2] == ("OK", "2")
        until = asyncio.create_task(phone.until("menu"))
        await phone.wait(1)
        assert not until.done()
        await driver.ask("cthangup")
        with pytest.raises(
            PhoneError, match="until menu: the call is over: the line hung up; heard until then: menu"
        ):
            await until
    assert [playback.complete for playback in phone.playbacks] == [False]


async def test_busy_and_no_such_port(ctserver: CtServer) -> None:
    """A second caller is turned away, and so is one who calls nobody."""
    driver = await ctserver.driver(1)
    async with await Phone.dial(ctserver.url, 1) as first:
        await answer(driver)
        await first.answered()
        async with await Phone.dial(ctserver.url, 1) as second:
            with pytest.raises(PhoneError, match="the line is busy"):
                await second.answered()
        async with await Phone.dial(ctserver.url, 9) as lost:
            with pytest.raises(PhoneError, match=r"refused the call: .*9"):
                await lost.answered()
        assert first.end is None


async def test_ctserver_stops_in_the_middle(ctserver: CtServer) -> None:
    """The phone is told, and does not wait for ever."""
    driver = await ctserver.driver(1)
    async with await Phone.dial(ctserver.url, 1) as phone:
        await answer(driver)
        await phone.answered()
        ctserver.process.terminate()
        assert (await phone.ended()).reason == "closing"


async def test_ctserver_is_killed_in_the_middle(ctserver: CtServer) -> None:
    """A connection that is cut is told from a call that ends."""
    driver = await ctserver.driver(1)
    async with await Phone.dial(ctserver.url, 1) as phone:
        await answer(driver)
        await phone.answered()
        ctserver.process.kill()
        with pytest.raises(PhoneError, match="lost in the middle"):
            await phone.ended()


async def test_the_command_gives_up(ctserver: CtServer, capsys: pytest.CaptureFixture[str]) -> None:
    """With nobody to answer, the phone rings as often as it was told, and no more."""
    assert await run_phone(ctserver.url, 1, rings=2, as_json=True, steps=["until", "beep"]) == NOT_ANSWERED
    happened = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["event"] for entry in happened] == ["calling", "ring", "ring", "ended"]
    assert happened[2]["t"] == pytest.approx(6.0, abs=0.1)
    assert happened[3]["reason"] == "gave-up"
    assert happened[3]["t"] == pytest.approx(11.9, abs=0.1)


async def test_the_command_follows_its_steps(
    ctserver: CtServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All at once, as on the command line; what was heard is saved to the sample."""
    beep = noise(tmp_path / "beep.wav", 0.4, 5)
    noise(tmp_path / "hello.wav", 1, 6)
    driver = await ctserver.driver(1)

    async def play() -> None:
        await answer(driver)
        await driver.ask("ctplay", tmp_path / "beep.wav")
        assert await driver.event("dtmf") == ("7",)
        await driver.event("hangup")
        await driver.ask("cthangup")

    playing = asyncio.create_task(play())
    heard = tmp_path / "heard.wav"
    words = [
        "until",
        "beep",
        "say",
        str(tmp_path / "hello.wav"),
        "wait",
        "0.5",
        "press",
        "7",
        "wait",
        "1",
        "hangup",
    ]
    assert await run_phone(ctserver.url, 1, steps=words, save=heard) == ANSWERED
    await playing
    saved, _ = soundfile.read(heard, dtype="int16")
    assert stands_in(beep, saved)
    verbs = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert verbs == ["calling", "ring", "answered", "hear", "say", "press", "ended"]
