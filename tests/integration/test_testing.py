"""The fixtures with which plugins are tested (docs/testing.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ctportd.testing import loudness

if TYPE_CHECKING:
    from ctportd.testing import Line

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
    await call.record(daemon.state / "x.wav", limit=60, silence=3)
    await call.play("goodbye")
"""


async def test_calls_are_alike_and_take_no_time(ctportd_line: Line) -> None:
    """A call goes as docs/testing.md has it, twice to the same frame, and many times as fast as in life."""
    began = time.monotonic()
    house = await ctportd_line({1: ["hello"]}, plugins={"hello": HELLO})
    stories = []
    for _ in range(2):
        phone = await house.call(1, number="5550100", name="Ada")
        await phone.hear("hello")
        await phone.silence(3)
        await phone.press("5")
        end = await phone.ended()
        assert phone.heard == ["hello", "5"]
        assert (end.by, end.reason) == ("line", "hangup")
        assert loudness(phone.audio[:8000]) > 100
        stories.append(phone.story)
        await house.idle()
    assert stories[0] == stories[1]
    phone = await house.call()
    await phone.hear_begin("hello")
    await phone.press("7")  # cuts it short
    await phone.hear("7")
    assert [playback.complete for playback in phone.playbacks] == [False, True]
    await phone.ended()
    await phone.silence(300)
    assert time.monotonic() - began < 10
    assert [line["call"] for line in house.log if line["event"] == "call ended"][2:]
