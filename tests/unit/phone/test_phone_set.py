"""The set of a station port: rung, lifted, put down, and used again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ctportd.errors import PhoneError
from ctportd.phone.client import Phone

if TYPE_CHECKING:
    from unit.phone.conftest import FakeExchange


async def test_a_set_is_rung_and_answers(exchange: FakeExchange) -> None:
    """Ringing is awaited, lifting answers, and what is heard from then on counts."""
    async with await Phone.attach(exchange.url, 4) as phone:
        line = await exchange.set_line()
        assert line.said[0][1] == {"type": "attach", "port": 4}
        await line.tell("ringing", count=1)
        assert await phone.ringing() == 1
        await phone.offhook()
        await phone.answered()
        await line.hears("offhook")
        await line.frames(3)
        assert len(phone.heard) == 480


async def test_a_set_begins_a_call(exchange: FakeExchange) -> None:
    """Lifted while nothing rings, it may press and flash."""
    async with await Phone.attach(exchange.url, 4) as phone:
        line = await exchange.set_line()
        await phone.offhook()
        await phone.offhook()
        await phone.press("0")
        await phone.flash()
        for kind in ("offhook", "press", "flash"):
            await line.hears(kind)


async def test_a_set_takes_one_call_after_another(exchange: FakeExchange) -> None:
    """It stays attached; each call has its own sound and prompts."""
    async with await Phone.attach(exchange.url, 4) as phone:
        line = await exchange.set_line()
        for _ in range(2):
            await line.tell("ringing", count=1)
            await phone.ringing()
            await phone.offhook()
            await line.hears("offhook")
            await line.play("welcome", 2)
            await line.tell("ended", reason="hangup")
            assert (await phone.ended()).by == "line"
            assert phone.prompts == ["welcome"]
            assert len(phone.heard) == 320
            await phone.hangup()
            await line.hears("hangup")


async def test_a_set_on_hook_does_nothing(exchange: FakeExchange) -> None:
    """Keys and speech need a set that is lifted, and hanging up twice is once."""
    async with await Phone.attach(exchange.url, 4) as phone:
        line = await exchange.set_line()
        with pytest.raises(PhoneError, match="press 1: the set is on hook"):
            await phone.press("1")
        await phone.hangup()
        await phone.offhook()
        await phone.hangup()
        await phone.hangup()
        await line.hears("offhook")
        await line.hears("hangup")
        assert (await phone.ended()).by == "phone"
    await line.gone()
    assert [said["type"] for _, said in line.said] == ["attach", "offhook", "hangup"]


async def test_a_set_waits_for_the_next_ring(exchange: FakeExchange) -> None:
    """The end of one call does not end the wait for another."""
    async with await Phone.attach(exchange.url, 4) as phone:
        line = await exchange.set_line()
        await phone.offhook()
        await phone.hangup()
        ringing = asyncio.create_task(phone.ringing())
        await asyncio.sleep(0)
        assert not ringing.done()
        await line.tell("ringing", count=1)
        assert await ringing == 1


async def test_a_set_notices_that_the_exchange_has_gone(exchange: FakeExchange) -> None:
    """Nobody will ring it any more, after a call or before the first."""
    async with await Phone.attach(exchange.url, 4) as phone:
        line = await exchange.set_line()
        await phone.offhook()
        await phone.hangup()
        await line.close()
        with pytest.raises(PhoneError, match="connection to the exchange"):
            await phone.ringing()


async def test_a_port_that_takes_no_set(exchange: FakeExchange) -> None:
    """The exchange's words are told."""
    async with await Phone.attach(exchange.url, 1) as phone:
        line = await exchange.set_line()
        await line.tell("error", message="port 1 is a trunk")
        with pytest.raises(PhoneError, match="port 1 is a trunk"):
            await phone.ringing()


async def test_a_caller_lifts_nothing(exchange: FakeExchange) -> None:
    """Only a set can be lifted."""
    async with await Phone.dial(exchange.url, 1) as phone:
        with pytest.raises(PhoneError, match="only the set of a station port"):
            await phone.offhook()
