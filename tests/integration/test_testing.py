"""The fixtures with which plugins are tested (docs/testing.md)."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import structlog

from ctportd.ctserver.g711 import decode, encode
from ctportd.testing import frequencies, loudness, tone

if TYPE_CHECKING:
    from ctportd.testing import House, Line, Samples, Telephone

HELLO = """
from ctportd import hookimpl


@hookimpl
async def answer_call(call):
    await call.answer()
    await call.play("hello")
    key = await call.collect(1, first=5)
    await call.play(key or "goodbye")
"""

RECORDER = """
from ctportd import hookimpl


@hookimpl
async def answer_call(call, daemon):
    await call.answer()
    await call.play("beep")
    await call.record(daemon.state / f"{call.id}.wav", limit=60, silence=3)
    await call.play("goodbye")
"""

MEMORY = """
import asyncio

from ctportd import hookimpl

minutes = []


async def tell_time(daemon):
    while True:
        minutes.append(daemon.clock.now().isoformat(timespec="minutes"))
        await daemon.clock.sleep(60)


@hookimpl
def daemon_started(daemon):
    asyncio.create_task(tell_time(daemon))


@hookimpl
async def answer_call(call, daemon):
    calls = await daemon.store.get("memory", "calls", int) or 0
    await daemon.store.put("memory", "calls", calls + 1)
    await call.answer()
    await call.say_number(calls)
"""


async def test_calls_are_alike_and_take_no_time(ctportd_line: Line) -> None:
    """The same call comes out the same, to the frame; minutes of the line are a moment."""
    began = time.monotonic()
    house = await ctportd_line({1: ["hello"]}, plugins={"hello": HELLO})
    stories = []
    for _ in range(2):
        phone = await house.call(1, number="5550100", name="Ada")
        await phone.ringing(2)
        await phone.hear("hello")
        await phone.silence(3)
        await phone.press("5")
        end = await phone.ended()
        assert phone.heard == ["hello", "5"]
        assert (end.by, end.reason) == ("line", "hangup")
        assert loudness(phone.audio[:6000]) > 100
        stories.append(phone.story)
        await house.idle()
    assert stories[0] == stories[1]
    phone = await house.call()
    await phone.hear_begin("hello")
    await phone.press("7")  # which cuts it short
    await phone.hear("7")
    assert [playback.complete for playback in phone.playbacks] == [False, True]
    await phone.ended()
    await phone.silence(600)
    assert time.monotonic() - began < 10
    assert len([line for line in house.log if line["event"] == "call ended" and line["port"] == "main:1"]) == 3


async def test_no_sample_is_lost(ctportd_line: Line) -> None:
    """What is said as soon as the beep was heard is recorded from its first sample on, on four lines at once."""
    house = await ctportd_line({number: ["recorder"] for number in range(1, 5)}, plugins={"recorder": RECORDER})
    said = tone(440, 1000, seconds=2.5)

    async def speak(phone: Telephone) -> None:
        await phone.hear("beep")
        await phone.recorded()
        await phone.say(said)
        await phone.hear("goodbye")

    for _ in range(3):
        await asyncio.gather(*[speak(await house.call(port)) for port in range(1, 5)])
        await house.idle()
    recordings = await asyncio.to_thread(_recordings, house)
    assert len(recordings) == 12
    whole = np.concatenate([decode(encode(said)), np.zeros(3 * 8000, np.int16)])
    for recorded in recordings:
        assert np.array_equal(recorded, whole)
        assert frequencies(recorded[:20000]) == [440, 1000]


def _recordings(house: House) -> list[Samples]:
    return [soundfile.read(path, dtype="int16")[0] for path in Path(house.daemon.state).glob("*.wav")]


CONNECTS = """
from ctportd import hookimpl


@hookimpl
async def answer_call(call, daemon, target):
    if target == "desk":
        await daemon.ports[2].start_ring()
        await daemon.ports[2].send_cid(call.caller.number)
        await call.wait_rings(4)
    else:
        await call.answer()
        await call.transfer(target)
"""


async def test_telephones_of_every_kind(ctportd_line: Line) -> None:
    """The set of a station port rings and is lifted; a telephone with a number is dialled, and hears who called."""
    handlers = {1: ["connects:desk"], 2: ["hello"], 3: ["connects:204"]}
    plugins = [{"hello": HELLO}, {"connects": CONNECTS}]
    house = await ctportd_line(handlers, plugins=plugins, stations=[2])
    desk, mobile = await house.attach(2), await house.subscribe("204")
    await house.call(1, number="5550100")
    await desk.ringing()
    assert (await desk.shown()).number == "5550100"
    await desk.lift()
    await desk.hear("hello")
    await desk.press("4")
    await desk.hear("4")
    await desk.ended()
    caller = await house.call(3)
    await mobile.ringing(2)
    await mobile.lift()
    said = asyncio.create_task(caller.say(tone(350, 440, seconds=2)))
    await mobile.hear_tone(350, 440)
    await said
    await mobile.hang_up()
    assert (await caller.ended()).by == "line"


async def test_houses_are_apart_and_leave_nothing(ctportd_line: Line) -> None:
    """Two at once have a plugin, a state and a date each; a daemon that is started again knows what is on disk."""
    tasks, signals = asyncio.all_tasks(), [signal.getsignal(number) for number in signal.valid_signals()]
    processors = list(structlog.get_config()["processors"])
    first, second = [await ctportd_line({1: ["memory"]}, plugins={"memory": MEMORY}) for _ in range(2)]
    second.clock.set("2031-12-25 10:00+01:00")
    for house, number in ((first, "0"), (second, "0"), (first, "1")):
        await (await house.call()).hear(number)
    await first.restart()
    await (await first.call()).hear("2")
    await second.until(lambda: len(second.plugin("memory").minutes) == 3, within=180)
    assert second.plugin("memory").minutes[1:] == ["2031-12-25T09:00+00:00", "2031-12-25T09:01+00:00"]
    assert not first.plugin("memory").minutes[0].startswith("2031")
    assert first.plugin("memory") is not second.plugin("memory")
    await second.close()
    await first.close()
    assert asyncio.all_tasks() == tasks
    assert [signal.getsignal(number) for number in signal.valid_signals()] == signals
    assert structlog.get_config()["processors"] == processors
    assert not [name for name in sys.modules if name.startswith("ctportd_plugins_")]
