"""What people build of a call's requests: asking, menus, review, bridges, timers, messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.desk import FakeDesk
from support.fakes import AnsweringNetwork, Recorder, ok, settle

from ctportd.calls import recordings
from ctportd.calls.call import Call
from ctportd.errors import CallEnded
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire.events import TimerExpired, UserMessage
from ctportd.wire.message import Message, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ctportd.wire.events import Event

NAMES = ("question", "invalid-key", "no-key", "beep", "vm-review", "40", "2")


class Far:
    """The far end of a port's connection: answers each request, and collects keys from a list."""

    def __init__(self) -> None:
        self.network = AnsweringNetwork("port main:1", 1, Recorder(), self.answer)
        self.network.connect()
        self.keys: list[str] = []
        self.on: dict[str, Callable[[Request], list[Message]]] = {}

    def answer(self, request: Request) -> list[Message]:
        """What ctserver answers."""
        if request.cmd in self.on:
            return self.on[request.cmd](request)
        if request.cmd == "ctcollect":
            return ok(request, self.keys.pop(0) if self.keys else "")
        return ok(request)

    @property
    def played(self) -> list[str]:
        """The prompts that were played, and requests of other kinds by their names."""
        return [
            request.args[0].rpartition("/")[2].removesuffix(".au") if request.cmd == "ctplay" else request.cmd
            for request in self.network.requests
        ]


@pytest.fixture
async def far() -> Far:
    """The far end."""
    return Far()


@pytest.fixture
async def call(far: Far, tmp_path: Path) -> Call:
    """A call on port 1."""
    manager = AnsweringNetwork("manager", 0, Recorder())
    manager.connect()
    return Call(Port("main", 1, far.network, Manager(manager)), FakeDesk(tmp_path, *NAMES))


def event(kind: type[Event], **fields: object) -> Event:
    """An event of port 1."""
    return kind(port=1, message=Message("x"), **fields)


async def fail_in(block: AbstractAsyncContextManager[None], before: Callable[[], None] = lambda: None) -> None:
    """Leave a block by an exception."""
    async with block:
        before()
        raise ZeroDivisionError


async def test_speaking_plays_prompts(call: Call, far: Far) -> None:
    """Numbers are played as their prompts."""
    await call.say_number(42)
    assert far.played == ["40", "2"]


async def test_asking_again(call: Call, far: Far) -> None:
    """No answer and a wrong one are each told, and the question comes again."""
    far.keys = ["", "9", "1234"]
    assert await call.ask("question", digits=4, accept=lambda answer: len(answer) == 4) == "1234"
    assert far.played == [
        *("question", "ctcollect", "no-key"),
        *("question", "ctcollect", "invalid-key"),
        *("question", "ctcollect"),
    ]
    assert far.network.requests[1].args == ("4", "6", "3")


async def test_asking_gives_up(call: Call, far: Far) -> None:
    """After the last try the answer is empty."""
    assert await call.ask("question", digits=1, tries=2) == ""
    assert far.played.count("question") == 2


async def test_menu_takes_its_keys_only(call: Call, far: Far) -> None:
    """A key that is none of the menu's is told, one that is chosen is returned."""
    far.keys = ["7", "*"]
    assert await call.menu("question", keys="12*") == "*"
    assert far.played[2] == "invalid-key"


@pytest.mark.parametrize(
    ("keys", "number", "left"),
    [
        ("12#3", "12", "3"),
        ("12", "12", ""),
        ("1*2#", "*", "2#"),
        ("", "", ""),
        ("#", "", ""),
        ("123456", "123", ""),
        ("1234#5", "123", "5"),
    ],
)
async def test_keying_in_a_number(call: Call, far: Far, keys: str, number: str, left: str) -> None:
    """To pound, or to silence; a star cancels; no more digits than count, and none of them left for what comes next."""
    far.keys = list(keys)
    assert await call.keyed_in(3, wait=6, cancel="*") == number
    assert "".join(far.keys) == left
    assert far.network.requests[0].args == ("1", "6", "0")


@pytest.mark.parametrize(
    ("keys", "records", "plays"),
    [
        (["1"], 1, 0),
        (["3", "1"], 2, 0),
        (["2", "2", "1"], 1, 2),
        (["2", "3", "1"], 2, 1),
        (["", "", ""], 1, 0),
    ],
)
async def test_recording_is_reviewed(
    call: Call, far: Far, tmp_path: Path, keys: list[str], records: int, plays: int
) -> None:
    """1 keeps, 2 plays, 3 records again; who presses nothing keeps it."""
    (tmp_path / "x.wav").touch()
    far.keys = keys
    recording = await call.record_reviewed(tmp_path / "x.wav")
    assert recording.path == tmp_path / "x.wav"
    assert far.played.count("ctrecord") == records
    assert far.played.count("x.wav") == plays
    assert far.played.count("beep") == records


async def test_speaking_again_makes_room_for_itself(
    call: Call, far: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctserver writes over nothing: the take before is gone when the next one begins, and no sooner."""
    discarded: list[tuple[Path, str]] = []

    async def discard(path: Path) -> None:
        discarded.append((path, " ".join(far.played[-2:])))

    monkeypatch.setattr(recordings, "discard", discard)
    far.keys = ["3", "3", "1"]
    await call.record_reviewed(tmp_path / "x.wav")
    assert far.played.count("ctrecord") == 3
    assert discarded == [(tmp_path / "x.wav", "ctcollect beep")] * 2


async def test_hanging_up_in_the_recording_keeps_it(call: Call, far: Far, tmp_path: Path) -> None:
    """A caller who hangs up while speaking is not asked whether to keep it."""

    def hang_up(request: Request) -> list[Message]:
        call.end("hangup")
        return [Message(request.cmd, 0, 0, ("EVENT", "", "hangup"))]

    far.on["ctrecord"] = hang_up
    recording = await call.record_reviewed(tmp_path / "x.wav")
    assert recording.ended_by == "hangup"
    assert "vm-review" not in far.played


async def test_bridge_ends_with_its_block(call: Call, far: Far) -> None:
    """Ports are connected as long as the block lasts, also when it is left by an exception."""
    with pytest.raises(ZeroDivisionError):
        await fail_in(call.bridged(3))
    assert far.network.requests == [Request("ctbridge", 0, 0, ("3",)), Request("ctunbridge", 0, 0, ("3",))]


async def test_bridge_is_undone_when_the_call_is_over(call: Call, far: Far) -> None:
    """A caller who hangs up leaves no bridge behind."""

    async def hang_up_in_it() -> None:
        async with call.bridged(3):
            call.end("hangup")
            await call.pause(1)

    with pytest.raises(CallEnded):
        await hang_up_in_it()
    assert far.played[-1] == "ctunbridge"


async def test_undoing_what_is_gone_is_no_fault(call: Call, far: Far) -> None:
    """Where the connection is lost there is nothing to undo: what is raised is why the block was left."""
    with pytest.raises(ZeroDivisionError):
        await fail_in(call.in_conference(2), before=far.network.transport.lose)


async def test_conference_ends_with_its_block(call: Call, far: Far) -> None:
    """The conference is joined and left."""
    async with call.in_conference(2):
        pass
    assert far.played == ["ctjoinconference", "ctleaveconference"]


async def test_timer_tells_and_is_stopped(call: Call, far: Far) -> None:
    """The timer's event is got in the block, and the timer is stopped after it."""
    async with call.timer(5):
        call.take(event(TimerExpired))
        assert isinstance(await call.next_event(TimerExpired), TimerExpired)
    assert [request.args for request in far.network.requests] == [("5",), ()]


async def test_messages_between_calls(call: Call, far: Far) -> None:
    """A message goes to another port by its number, and one that comes is got in its turn."""
    await call.send(3, "HELLO", "you")
    assert far.network.requests[0] == Request("ctsendevent", 0, 2, ("HELLO", "you"))
    waiting = asyncio.create_task(call.next_event(UserMessage))
    await settle()
    call.take(event(TimerExpired))
    call.take(event(UserMessage, text="HI", sender=2))
    got = await waiting
    assert isinstance(got, UserMessage)
    assert (got.text, got.sender) == ("HI", 2)
    assert isinstance(await call.next_event(), TimerExpired)


@pytest.mark.looptime
async def test_waiting_for_an_event_has_an_end(call: Call) -> None:
    """Nothing within the time is None; the end of the call is CallEnded."""
    began = asyncio.get_running_loop().time()
    assert await call.next_event(within=3) is None
    assert asyncio.get_running_loop().time() - began == pytest.approx(3)
    waiting = asyncio.create_task(call.next_event())
    await settle()
    call.end("hangup")
    with pytest.raises(CallEnded):
        await waiting
