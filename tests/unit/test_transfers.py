"""A transfer with a rescue: what is heard decides whether the caller is given up or comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.desk import FakeDesk
from support.fakes import AnsweringNetwork, Recorder, ok, settle

from ctportd.calls.acceptance import announcement_of
from ctportd.calls.call import Call
from ctportd.calls.caller import Caller
from ctportd.errors import CallEnded, PromptNotFound, RequestFailed
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire.events import Grunt, Hangup
from ctportd.wire.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.wire.events import Event
    from ctportd.wire.message import Request

BACK = ["ctdial", "ctclear"]


class Far:
    """An exchange that says OK, and what a person presses who is asked."""

    def __init__(self, folder: Path) -> None:
        self.network = AnsweringNetwork("port main:1", 1, Recorder(), self.answer)
        self.network.connect()
        self.desk = FakeDesk(folder, "call-for-you", "from", "5", "call-accept", "unknown-number")
        self.manager = AnsweringNetwork("manager", 0, Recorder(), self.stop)
        self.manager.connect()
        self.call = Call(Port("main", 1, self.network, Manager(self.manager)), self.desk)
        self.call.mark_answered()
        self.call.identify(Caller("555", "Ada"))
        self.key = ""
        self.deaf = False
        self.gone = False
        self.slow = False

    def stop(self, request: Request) -> list[Message]:
        """Stop what is dialled."""
        self.network.say("rly=ctdial arg1=EVENT arg2= arg3=RECORD_STOP arg4=-2")
        return ok(request)

    def answer(self, request: Request) -> list[Message]:
        """What ctserver answers."""
        if request.cmd == "ctgrunton" and self.deaf:
            return [Message(request.cmd, request.src, request.dst, ("ERROR", "unknown-request"))]
        if request.cmd == "ctdial" and self.slow:
            self.slow = False
            return []
        if request.cmd == "ctdial" and self.gone:
            self.call.far_end_gone(event(Hangup))
        return ok(request, self.key) if request.cmd == "ctcollect" else ok(request)

    @property
    def asked(self) -> list[str]:
        """What ctserver was asked, without arguments, prompts left out."""
        return [request.cmd for request in self.network.requests if request.cmd != "ctplay"]

    async def sounds(self, *pauses: float) -> None:
        """Let sounds begin on the line, each after so many seconds."""
        for pause in pauses:
            await asyncio.sleep(pause)
            self.call.take(event(Grunt))
            await settle()


def event(kind: type[Event]) -> Event:
    """An event of port 1."""
    return kind(port=1, message=Message("x"))


@pytest.fixture
async def far(tmp_path: Path) -> Far:
    """The far end of a call that is up."""
    return Far(tmp_path)


@pytest.mark.looptime
async def test_outcomes(far: Far) -> None:
    """Ring-back only, busy tone, and a ctserver that tells of a hang-up, bring the caller back; a voice does not."""
    await far.sounds(0, 0)  # late ones, of an earlier wait
    transfer = asyncio.create_task(far.call.try_transfer("204", within=20))
    await far.sounds(2, 6, 6)
    assert await transfer == "no answer"
    assert far.network.requests[0].args == ("&,204",)
    assert far.asked == ["ctdial", "ctgrunton", "ctgruntoff", *BACK]
    assert far.network.requests[-2].args == ("&",)
    transfer = asyncio.create_task(far.call.try_transfer("204"))
    await far.sounds(2, 1, 1, 1)
    assert await transfer == "busy"
    transfer = asyncio.create_task(far.call.try_transfer("204"))
    await settle()
    far.call.far_end_gone(event(Hangup))
    assert await transfer == "busy"
    assert not far.call.ended
    transfer = asyncio.create_task(far.call.try_transfer("204"))
    await far.sounds(2, 6, 3)
    assert await transfer == "answered"
    assert far.asked[-1] == "cthangup"
    assert far.call.end_reason == "finished"
    assert far.desk.numbers == ["204"] * 4
    assert [step.details["outcome"] for step in far.call.timeline.steps if step.kind == "transfer"] == [
        "no answer",
        "busy",
        "busy",
        "answered",
    ]
    assert not far.call._inbox


@pytest.mark.looptime
@pytest.mark.parametrize(("key", "outcome"), [("1", "answered"), ("2", "declined"), ("", "declined")])
async def test_called_party_screens(far: Far, key: str, outcome: str) -> None:
    """Only key 1 takes the call; else the caller is back, and knows nothing of the keys."""
    far.key = key
    transfer = asyncio.create_task(far.call.try_transfer("204", screen=True))
    await far.sounds(2, 2)
    async with asyncio.timeout(600):
        assert await transfer == outcome
    assert far.asked[-1] == ("cthangup" if key == "1" else "ctclear")
    played = [request.args[0].rpartition("/")[2] for request in far.network.requests if request.cmd == "ctplay"]
    assert played[:6] == ["call-for-you.au", "from.au", "5.au", "5.au", "5.au", "call-accept.au"]


@pytest.mark.looptime
async def test_caller_is_back_after_an_error(far: Far) -> None:
    """A prompt that is missing, a ctserver that hears nothing: the plugin is told, and has the caller."""
    transfer = asyncio.create_task(far.call.try_transfer("204", screen=True, announce=["nowhere"]))
    await far.sounds(2, 2)
    with pytest.raises(PromptNotFound):
        await transfer
    assert far.asked[-2:] == BACK
    far.deaf = True
    with pytest.raises(RequestFailed):
        await far.call.try_transfer("204")
    assert far.asked[-2:] == BACK
    far.call.far_end_gone(event(Hangup))
    assert far.call.end_reason == "hangup"


@pytest.mark.looptime
async def test_caller_has_gone_meanwhile(far: Far) -> None:
    """What tells of it is the flash back: a hang-up from then on is the caller's."""
    transfer = asyncio.create_task(far.call.try_transfer("204", within=5))
    await settle()
    far.gone = True
    with pytest.raises(CallEnded):
        await transfer
    assert far.call.end_reason == "hangup"


@pytest.mark.looptime
@pytest.mark.parametrize("slow", [False, True], ids=["while it listens", "while it dials"])
async def test_plugin_loses_patience(far: Far, *, slow: bool) -> None:
    """It has the caller back, and not whoever was dialled."""
    far.slow = slow
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await far.call.try_transfer("204", within=60)
    assert far.asked[-2:] == BACK
    assert not far.call._enquiring


@pytest.mark.looptime
async def test_call_ends_in_the_middle(far: Far) -> None:
    """The daemon stops, say: nothing more is dialled, and the line is put on hook as ever."""
    transfer = asyncio.create_task(far.call.try_transfer("204"))
    await settle()
    far.call.end("stopping")
    with pytest.raises(CallEnded):
        await transfer
    await far.call.release()
    assert far.asked == ["ctdial", "ctgrunton", "ctgruntoff", "cthangup", "ctclear"]


async def test_number_that_may_be_a_pin_is_not_told(far: Far) -> None:
    """In no step, and no plugin, as long as the block lasts that hides keys."""
    far.deaf = True
    with far.call.secret():
        with pytest.raises(RequestFailed):
            await far.call.try_transfer("4711")
        await far.call.transfer("4711")
    numbers = [step.details["number"] for step in far.call.timeline.steps if "number" in step.details]
    assert numbers == ["555", *["?"] * 5]
    assert far.desk.numbers == []


def test_announcement() -> None:
    """A number is said digit by digit; one that cannot be said is an unknown one."""
    assert announcement_of(Caller("5-5")) == ["from", "5", "5"]
    assert announcement_of(Caller("")) == ["from", "unknown-number"]
    assert announcement_of(Caller("§")) == ["from", "unknown-number"]


@pytest.mark.looptime
async def test_what_counts_as_a_number(far: Far) -> None:
    """What is dialled after the last flash, without pauses; a flash alone is none."""
    for dialled in ("&,204", "9,,555", "&", ",", "1&2"):
        await far.call.dial(dialled)
    assert far.desk.numbers == ["204", "9555", "2"]
