"""A ctserver that does not answer any more is noticed, though its connection stands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.fakes import AnsweringNetwork, Recorder, ok, settle

from ctportd.links.heartbeat import Heartbeat
from ctportd.links.manager import Manager
from ctportd.wire.message import Message

if TYPE_CHECKING:
    from ctportd.wire.message import Request

pytestmark = pytest.mark.looptime


class Ctserver:
    """Answers as long as it lives.

    Attributes:
        alive: Whether it does.
        asked: How often it was asked.
    """

    def __init__(self) -> None:
        self.alive = True
        self.asked = 0
        self.network = AnsweringNetwork("manager of main", 0, Recorder(), self._answer)
        self.told: list[tuple[float, str]] = []
        self.heartbeat = Heartbeat(Manager(self.network), 10.0, 5.0, self._dead)

    def _answer(self, request: Request) -> list[Message]:
        self.asked += 1
        return ok(request, "9") if self.alive else []

    def _dead(self, reason: str) -> None:
        self.told.append((asyncio.get_running_loop().time(), reason))
        self.network.reset()


async def test_one_that_answers_is_asked_again() -> None:
    """Every interval, and nothing is told of it."""
    server = Ctserver()
    server.network.connect()
    running = asyncio.create_task(server.heartbeat.run())
    await asyncio.sleep(45)
    assert server.asked == 4
    assert server.told == []
    running.cancel()


async def test_one_that_is_silent_is_told_of_once_a_connection() -> None:
    """After the interval and the patience; then it waits for another connection, and asks on it."""
    server = Ctserver()
    server.network.connect()
    began = asyncio.get_running_loop().time()
    server.alive = False
    running = asyncio.create_task(server.heartbeat.run())
    await asyncio.sleep(100)
    ((at, reason),) = server.told
    assert at - began == pytest.approx(15)
    assert reason == "no answer within 5 s"
    server.alive = True
    server.network.connect()
    await asyncio.sleep(25)
    assert server.heartbeat.missed == 1
    assert server.asked == 3
    running.cancel()
    await settle()


@pytest.mark.parametrize("status", ["ERROR", "MAYBE"])
async def test_any_answer_is_a_sign_of_life(status: str) -> None:
    """A ctserver that refuses the question lives."""
    network = AnsweringNetwork(
        "manager of main", 0, Recorder(), lambda request: [Message(request.cmd, -2, -2, (status,))]
    )
    network.connect()
    told: list[str] = []
    running = asyncio.create_task(Heartbeat(Manager(network), 10.0, 5.0, told.append).run())
    await asyncio.sleep(60)
    assert len(network.requests) == 5
    assert told == []
    running.cancel()
