"""The daemon is told to stop while people speak."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.system import Finished, StartSystem, System

    from ctportd.testing import Line

LONG = {"daemon": {"drain_timeout": 60.0}}
RECORDED = 5 * 16_000  # bytes: five seconds of 16-bit samples
UNTIL_HANG_UP = {"voicemail": {"silence": 0, "longest": 600}}


async def call_under_way(system: System, *steps: str) -> asyncio.Task[Finished]:
    """A caller who has heard the beep, does these steps then, and has been recorded for some seconds of the line."""
    phone = asyncio.create_task(system.phone(1, "--number", "5550100", "until", "beep", *steps))
    await system.until(
        lambda: any(part.stat().st_size > RECORDED for part in system.state.glob("voicemail/*/incoming/*.part"))
    )
    return phone


async def test_calls_under_way_come_to_their_ends(ctportd_line: Line) -> None:
    """A daemon that stops takes no new calls, and waits for the caller's own hang-up; the message is kept whole."""
    house = await ctportd_line(
        {1: ["voicemail"], 2: ["voicemail"]}, settings=UNTIL_HANG_UP, daemon={"drain_timeout": 600}
    )
    phone = await house.call(1, number="5550100")
    await phone.hear("beep")
    await phone.silence(20)
    stopping = asyncio.create_task(house.stop())
    await phone.silence(1)
    assert (await house.status()).state == "draining"
    late = await house.call(2, rings=2)
    assert (await late.ended()).reason == "gave-up"  # nobody answers
    await phone.silence(220)
    assert not stopping.done()
    await phone.hang_up()
    await stopping
    assert [call.end_reason for call in await house.calls()] == ["hangup"]
    (message,) = await house.messages()
    assert message.seconds > 240


async def test_told_twice_it_stops_at_once(start_system: StartSystem) -> None:
    """The second SIGTERM ends the call politely, and what was recorded is kept."""
    system = await start_system(["voicemail"], plugins=UNTIL_HANG_UP, changes=LONG)
    phone = await call_under_way(system, "wait", "600")
    assert system.process is not None
    system.process.send_signal(signal.SIGTERM)
    await system.wait_output("tell me once more to end them at once")
    began = time.monotonic()
    assert await system.stop() == 0
    assert time.monotonic() - began < 10
    await phone
    assert [call.end_reason for call in await system.calls()] == ["stopping"]
    assert len(await system.messages()) == 1
    await system.start()


async def test_command_says_what_it_waits_for(start_system: StartSystem) -> None:
    """``stop`` tells of the call and of the way out, which ``stop --now`` then is."""
    system = await start_system(["voicemail"], plugins=UNTIL_HANG_UP, changes=LONG)
    phone = await call_under_way(system, "wait", "600")
    patient = asyncio.create_task(system.run("stop"))
    await system.wait_output("stopping ")
    assert not patient.done()
    now = await system.run("stop", "--now")
    assert (now.status, now.out, now.err) == (0, "ctportd: stopped\n", "")
    stopped = await patient
    assert (stopped.status, stopped.out) == (0, "ctportd: stopped\n")
    assert stopped.err == (
        "ctportd: waiting for 1 call to end, up to 65 s; `ctportd stop --now` ends them at once\n"
    )
    await phone
    await system.start()
