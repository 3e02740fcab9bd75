"""Any sequence of requests, right and wrong: each gets its one reply, and the server lives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctportd.ctserver.client import PORT_REQUESTS
from ctportd.wire.events import is_reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from integration.ctserver.conftest import Office, RawClient

NUDGE = "NUDGE"

arguments = st.one_of(
    st.sampled_from(
        ["", "0", "1", "2", "3", "busy", "dial", "x.wav", "y.au", "z.mp9", "#", "ignore_dtmf", "hangup"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters=" \n\r\0"), max_size=6),
)
commands = st.sampled_from([*PORT_REQUESTS, "serversion", "rolllog", "nonsense", "ctplay\x01", "CTPLAY"])
requests = st.tuples(commands, st.lists(arguments, max_size=5))
happenings = st.sampled_from(["call", "press", "hangup", "flash", "lost", "manager hangs up", "nothing"])


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without a folder are the test's own."""
    monkeypatch.chdir(tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(requests, min_size=1, max_size=12), world=st.lists(happenings, max_size=6))
async def test_each_request_gets_one_reply(
    open_office: Callable[..., AbstractAsyncContextManager[Office]],
    tmp_path: Path,
    asked: list[tuple[str, list[str]]],
    world: list[str],
) -> None:
    """Whatever telephones and other clients do meanwhile. What waits for ever is cut short by messages."""
    async with open_office() as office, asyncio.timeout(30):
        client, manager = await office.client(), await office.client(0)
        meanwhile = [asyncio.create_task(stir(office, manager, world)), asyncio.create_task(nudge(manager))]
        for cmd, args in asked:
            client.send(cmd, *args)
        client.send("serversion", dst=-2)
        while len(replies(client)) <= len(asked):
            await manager.ask("ctclear", dst=0)
        for task in meanwhile:
            task.cancel()
        await asyncio.gather(*meanwhile, return_exceptions=True)
        assert replies(client) == [*(cmd for cmd, _ in asked), "serversion"]
        assert "internal-error" not in " ".join(client.said)
        fresh = await office.client(2)
        assert await fresh.ask("ctclear") == ("OK",)
    assert not parts_in(tmp_path)


def parts_in(folder: Path) -> list[Path]:
    """Recordings that were left unfinished."""
    return list(folder.glob("*.part"))


def replies(client: RawClient) -> list[str]:
    """The requests that were answered, in order of their replies."""
    return [
        message.rly for message in client.messages if is_reply(message, message.rly) and message.status in STATUS
    ]


STATUS = {"OK", "ERROR", "EVENT"}


async def nudge(manager: RawClient) -> None:
    """Cut short what would wait for ever."""
    while True:
        await asyncio.sleep(0.01)
        manager.send("ctsendevent", NUDGE, dst=0)


async def stir(office: Office, manager: RawClient, world: list[str]) -> None:
    """Telephones come, press keys, and go."""
    phone = await office.phone()
    for happening in world:
        match happening:
            case "call":
                phone = await office.phone()
                await phone.call(1, "1", "A B")
            case "press":
                await phone.press("5")
            case "lost":
                await phone.socket.close()
                phone = await office.phone()
            case "manager hangs up":
                manager.send("cthangup", dst=0)
            case "nothing":
                await asyncio.sleep(0.005)
            case _:
                await phone.tell(happening)
