"""Calls that a port hands over with a flash, a number, and hanging up."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from integration.ctserver.conftest import Office, Phone, RawClient

FRAME = 160
SILENT = b"\xff" * FRAME
WORDS = random.Random("words").randbytes(FRAME * 20)


@pytest.fixture
async def office(open_office: Callable[..., AbstractAsyncContextManager[Office]]) -> AsyncIterator[Office]:
    """Two trunk ports, at a speed at which the telephones keep up with each other."""
    async with open_office(speed=20.0) as office:
        yield office


async def asked_for_31(office: Office) -> tuple[RawClient, Phone, Phone]:
    """A caller whose port has flashed and dialled 31, which rings."""
    called = await office.phone()
    await called.tell("subscribe", number="31")
    client, caller = await office.answered()
    assert await client.ask("ctdial", "&31") == ("OK", "")
    await caller.signal("flash")
    await called.signal("ringing")
    return client, caller, called


async def hears(listener: Phone, speaker: Phone) -> None:
    """See that what one says is what the other hears, to the sample."""
    before = len(listener.heard)
    speaker.say(WORDS)
    await listener.until(lambda: len(loud(listener, before)) >= len(WORDS))
    assert loud(listener, before) == WORDS


def loud(phone: Phone, start: int) -> bytes:
    """What was heard since then, without silence."""
    return b"".join(frame for frame in phone.heard[start:] if frame != SILENT)


async def test_blind_transfer(office: Office) -> None:
    """The port hangs up while it rings: the caller hears ring-back, then who answers. The port is free."""
    client, caller, called = await asked_for_31(office)
    assert await client.ask("cthangup") == ("OK",)
    assert (await client.ask("portstatus", dst=1))[2] == "idle"
    start = len(caller.heard)
    await caller.until(lambda: len(loud(caller, start)) > FRAME * 20)
    await called.tell("offhook")
    await called.signal("answered")
    await called.until(lambda: len(called.heard) > 5)
    await caller.until(lambda: caller.heard[-10:] == [SILENT] * 10)
    await hears(caller, called)
    await hears(called, caller)
    await caller.press("5")
    start = len(called.heard)
    await called.until(lambda: len(loud(called, start)) >= 5 * FRAME)
    third = await office.phone()
    await third.call(1)
    await third.signal("ringing")
    await called.tell("hangup")
    assert (await caller.signal("ended"))["reason"] == "hangup"
    await caller.signal("closed")


async def test_announced_transfer(office: Office) -> None:
    """The port speaks with who answers, while the caller hears nothing; then hangs up."""
    client, caller, called = await asked_for_31(office)
    await called.tell("offhook")
    await called.signal("answered")
    held = len(caller.heard)
    assert (await client.ask("ctplaytoneasync", "busy")) == ("OK",)
    await called.until(lambda: len(loud(called, 0)) > 10 * FRAME)
    assert loud(caller, held) == b""
    await client.ask("cthangup")
    await called.until(lambda: called.heard[-10:] == [SILENT] * 10)
    await hears(called, caller)
    await hears(caller, called)
    await caller.tell("hangup")
    assert (await called.signal("ended"))["reason"] == "hangup"


async def test_flash_back(office: Office) -> None:
    """A second flash returns to the caller; who was rung is left in peace."""
    client, caller, called = await asked_for_31(office)
    assert await client.ask("ctdial", "&") == ("OK", "")
    await called.signal("ended")
    await caller.press("7")
    assert await client.event("dtmf") == ("7",)
    assert (await client.ask("portstatus", dst=1))[2] == "connected"
    await client.ask("ctdial", "&999")
    while (await client.ask("portstatus", dst=1))[2] != "failed":
        pass
    await client.ask("cthangup")
    assert (await caller.signal("ended"))["reason"] == "hangup"


async def test_transfer_to_another_port(office: Office) -> None:
    """The other port answers the caller, sees its keys, and hangs up on it."""
    other = await office.client(2)
    client, caller = await office.answered()
    await client.ask("ctdial", "&2")
    await other.event("ring")
    await client.ask("cthangup")
    await other.ask("ctanswer")
    await caller.until(lambda: caller.heard[-10:] == [SILENT] * 10)
    await caller.press("3")
    assert await other.event("dtmf") == ("3",)
    await other.ask("cthangup")
    assert (await caller.signal("ended"))["reason"] == "hangup"


async def test_held_caller_gives_up(office: Office) -> None:
    """The port goes on with who it dialled; nothing is left to hand over."""
    client, caller, called = await asked_for_31(office)
    await caller.tell("hangup")
    await caller.signal("closed")
    await called.tell("offhook")
    await called.signal("answered")
    await called.press("1")
    assert await client.event("dtmf") == ("1",)
    await client.ask("cthangup")
    assert (await called.signal("ended"))["reason"] == "hangup"


async def test_flash_back_to_nobody(office: Office) -> None:
    """Who was held has gone, which the port learns when it returns: that is the hang-up. Who was rung is let go."""
    client, caller, called = await asked_for_31(office)
    await caller.tell("hangup")
    await caller.signal("closed")
    assert await client.ask("ctdial", "&") == ("EVENT", "", "hangup")
    await called.signal("ended")
    assert (await client.ask("portstatus", dst=1))[2] == "ended"
    await client.ask("cthangup")
    assert (await client.ask("portstatus", dst=1))[2] == "idle"


async def test_nobody_takes_the_call(office: Office) -> None:
    """After ten rings the exchange gives up on both."""
    client, caller, called = await asked_for_31(office)
    await client.ask("cthangup")
    assert (await caller.signal("ended"))["reason"] == "hangup"
    await called.signal("ended")
    assert not office.server._directory.ties


async def test_exchange_stops_in_the_middle(office: Office) -> None:
    """Both are told why."""
    client, caller, called = await asked_for_31(office)
    await called.tell("offhook")
    await called.signal("answered")
    await client.ask("cthangup")
    office.server._directory.close()
    assert (await caller.signal("ended"))["reason"] == "closing"
    assert (await called.signal("ended"))["reason"] == "closing"
