"""Which plugin answers, and that the line is always left free."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import AnsweringNetwork, Recorder, ok, settle

from ctportd.calls.caller import Caller
from ctportd.calls.files import Prompts
from ctportd.calls.outgoing import Order
from ctportd.calls.router import HASTE, Router
from ctportd.calls.routing import Routing
from ctportd.calls.verdict import Verdict
from ctportd.clock import Clock
from ctportd.errors import CallEnded, CallRefused, PluginError
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from datetime import datetime
    from pathlib import Path

    from ctportd.calls.call import Call
    from ctportd.records import Step
    from ctportd.wire.message import Request

    Answer = Callable[[Call, str], Awaitable[None]]


class Plugins:
    """Plugins that are functions of the test; remembers what they were told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.over = asyncio.Event()
        self.calls: list[Call] = []
        self.names: dict[str, str] = {}
        self.screened: list[tuple[Caller, str, datetime]] = []
        self.verdict = Verdict()
        self.plugins: dict[str, Answer] = {}

    def begin(self, port: Port, home: Port | None = None) -> None:
        """Have a call on a port."""

    def end(self, port: Port) -> None:
        """Have it no more."""

    def crew_of(self, port: Port) -> Plugins:
        """Those, whatever the port."""
        return self

    def call_started(self, call: Call) -> None:
        """Remember."""
        self.told.append("started")
        self.calls.append(call)

    def call_answered(self, call: Call) -> None:
        """Remember."""
        self.told.append("answered")

    def number_dialled(self, call: Call, number: str) -> None:
        """Remember."""
        self.told.append(f"dialled: {number}")

    def call_ended(self, call: Call) -> None:
        """Remember."""
        self.told.append(f"ended: {call.end_reason}")
        self.over.set()

    def line_trouble(self, port: Port, problem: str) -> None:
        """Remember."""
        self.told.append(f"trouble: {problem}")

    async def screen_caller(self, caller: Caller, port: str, at: datetime) -> Verdict:
        """Think what the test says."""
        self.screened.append((caller, port, at))
        return self.verdict

    async def caller_name(self, number: str, name: str) -> str:
        """Look it up."""
        return self.names.get(number, "") or self.names.get(name, "")

    async def answer_call(self, plugin: str, call: Call, target: str) -> None:
        """Run the plugin's function."""
        if plugin not in self.plugins:
            raise PluginError(plugin, "is not there")
        await self.plugins[plugin](call, target)


class Line:
    """A line of a router, played by the test."""

    def __init__(self, tmp_path: Path, *handlers: str, **routing: Any) -> None:
        (tmp_path / "error.au").touch()
        (tmp_path / "one.au").touch()
        self.plugins = Plugins()
        self.kept: list[tuple[str, list[Step]]] = []
        self.router = Router(Prompts([tmp_path], ".au", tmp_path), self.plugins, self.keep)
        listener = Recorder()
        listener.event = lambda event: self.router.event(self.port, event)  # type: ignore[method-assign]
        self.network = AnsweringNetwork("port 1", 1, listener)
        self.network.connect()
        self.manager = AnsweringNetwork("manager", 0, Recorder())
        self.manager.connect()
        self.port = Port("main", 1, self.network, Manager(self.manager))
        self.router.add_port(self.port, Routing(handlers, **routing), Clock())

    def keep(self, call: str, steps: list[Step]) -> None:
        """Keep what happened on a call."""
        self.kept.append((call, steps))

    @property
    def commands(self) -> list[str]:
        """What ctserver was asked, without arguments."""
        return [request.cmd for request in self.network.requests]

    async def ring_twice(self, cid: str = "rly=cid arg1=cid arg2=555 arg3=Ada") -> None:
        """Ring as an exchange does, and tell who calls."""
        self.network.say("rly=ring arg1=ring arg2=1")
        await settle()
        self.network.say("rly=ring arg1=ring arg2=2")
        await settle()
        self.network.say(cid)
        await settle()

    async def ended(self) -> None:
        """Wait until there is no call on the line."""
        await self.plugins.over.wait()
        self.plugins.over.clear()


async def answer_and_wait(call: Call, _target: str) -> None:
    """A plugin that answers and waits until the caller has gone."""
    await call.answer()
    await call.wait_ended()


@pytest.mark.looptime
async def test_caller_id_comes_by_itself(tmp_path: Path) -> None:
    """After the first ring the port listens, after the second it reads, and the plugin is asked with both known."""
    line = Line(tmp_path, "one")
    seen: list[Caller] = []

    async def look(call: Call, _target: str) -> None:
        seen.append(call.caller)

    line.plugins.plugins["one"] = look
    line.network.say("rly=ring arg1=ring arg2=1")
    await settle()
    assert line.commands == ["ctlistenforcid"]
    line.network.say("rly=ring arg1=ring arg2=2")
    await settle()
    assert line.commands == ["ctlistenforcid", "ctreadcid"]
    assert line.plugins.told == []
    line.network.say("rly=cid arg1=cid arg2=555 arg3=Ada arg4=Lovelace")
    await settle()
    assert seen == [Caller("555", "Ada Lovelace")]
    assert line.plugins.told == ["started"]
    await line.ended()


@pytest.mark.looptime
async def test_steps_of_a_call_are_kept_when_it_is_over(tmp_path: Path) -> None:
    """Who was asked and what became of it, hand-overs within; what is noted later is kept, too."""
    line = Line(tmp_path, "passes", "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        await call.hand_over("two:x")
        call.note("done", kind="well")

    async def nothing(_call: Call, _target: str) -> None:
        """Let it pass, or come back at once."""

    line.plugins.plugins = {"passes": nothing, "one": one, "two": nothing}
    await line.ring_twice()
    await line.ended()
    (call,) = line.plugins.calls
    ((kept, steps),) = line.kept
    assert kept == call.id
    assert [(step.kind, step.details) for step in steps] == [
        ("ring", {"count": 1}),
        ("ring", {"count": 2}),
        ("caller", {"number": "555", "name": "Ada"}),
        ("verdict", {"kind": "screened"}),
        ("offered", {"handler": "passes"}),
        ("passed", {"handler": "passes"}),
        ("offered", {"handler": "one"}),
        ("answered", {}),
        ("handed over", {"handler": "two:x"}),
        ("came back", {"handler": "two:x"}),
        ("done", {"kind": "well"}),
        ("ended", {"reason": "finished"}),
    ]
    call.note("mail", to="ada")
    assert [(step.kind, step.after) for step in line.kept[1][1]] == [("mail", None)]


@pytest.mark.looptime
async def test_no_caller_id_is_waited_for_three_seconds(tmp_path: Path) -> None:
    """A line that sends no caller ID is answered all the same."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    line.network.say("rly=ring", "rly=ring")
    await asyncio.sleep(2.9)
    assert "ctanswer" not in line.commands
    await asyncio.sleep(0.2)
    assert "ctanswer" in line.commands
    line.network.say("rly=hangup")
    await line.ended()


@pytest.mark.looptime
async def test_caller_id_can_be_off(tmp_path: Path) -> None:
    """Without caller ID the call is offered at the first ring."""
    line = Line(tmp_path, "one", caller_id=False)
    line.plugins.plugins["one"] = answer_and_wait
    line.network.say("rly=ring")
    await settle()
    assert line.commands == ["ctanswer"]
    line.network.say("rly=hangup")
    await line.ended()


@pytest.mark.looptime
async def test_plugin_knows_the_name_better(tmp_path: Path) -> None:
    """A name from a plugin goes before the exchange's."""
    line = Line(tmp_path, "one")
    line.plugins.names["555"] = "Countess of Lovelace"
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    assert line.plugins.calls[0].caller == Caller("555", "Countess of Lovelace")
    assert line.plugins.screened[0][0].number == "555"
    line.network.say("rly=hangup")
    await line.ended()


@pytest.mark.looptime
async def test_verdict_is_there_before_anybody_is_told(tmp_path: Path) -> None:
    """Whoever sees the call knows what is thought of its caller: of the number and name that came, on this port."""
    line = Line(tmp_path, "one")
    line.plugins.verdict = Verdict("blocked", "reject", "list: 555", "screening")
    seen: list[Verdict] = []
    line.plugins.call_started = lambda call: seen.append(call.verdict)  # type: ignore[method-assign]
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    assert seen == [line.plugins.verdict]
    ((caller, port, at),) = line.plugins.screened
    assert (caller.number, port, at.tzinfo) == ("555", "main:1", UTC)
    line.network.say("rly=hangup")
    await line.ended()


@pytest.mark.looptime
async def test_first_that_wants_it_has_the_call(tmp_path: Path) -> None:
    """Handlers are asked in order; whoever returns without answering has let the call pass; nobody comes after."""
    line = Line(tmp_path, "shy", "keen:100", "late")
    asked: list[tuple[str, str]] = []

    async def shy(_call: Call, target: str) -> None:
        asked.append(("shy", target))

    async def keen(call: Call, target: str) -> None:
        asked.append(("keen", target))
        await call.answer()

    async def late(_call: Call, target: str) -> None:
        asked.append(("late", target))

    line.plugins.plugins |= {"shy": shy, "keen": keen, "late": late}
    await line.ring_twice()
    await line.ended()
    assert asked == [("shy", ""), ("keen", "100")]
    assert line.commands[-3:] == ["ctanswer", "cthangup", "ctclear"]
    assert line.plugins.told == ["started", "answered", "ended: finished"]


@pytest.mark.looptime
async def test_caller_who_hangs_up_ends_the_plugin(tmp_path: Path) -> None:
    """CallEnded comes out of what the plugin awaits, its finally runs, and the line goes on hook."""
    line = Line(tmp_path, "one")
    cleaned: list[str] = []

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        try:
            await call.play("one")
        except CallEnded as ended:
            cleaned.append(ended.reason)
            raise

    def hang_up_in_play(request: Request) -> list[Message]:
        if request.cmd == "ctplay":
            return [Message("ctplay", 0, 0, ("EVENT", "", "hangup"))]
        return ok(request)

    line.plugins.plugins["one"] = one
    line.network.answer = hang_up_in_play
    await line.ring_twice()
    await line.ended()
    assert cleaned == ["hangup"]
    assert line.commands[-2:] == ["cthangup", "ctclear"]
    assert line.plugins.told == ["started", "answered", "ended: hangup"]


@pytest.mark.looptime
async def test_caller_who_gives_up_after_one_ring(tmp_path: Path) -> None:
    """Rings that stop are a call that began and ended, and the line is free for the next one."""
    line = Line(tmp_path, "one", ring_timeout=8.0)
    line.plugins.plugins["one"] = answer_and_wait
    line.network.say("rly=ring arg1=ring arg2=1")
    await line.ended()
    assert line.plugins.told == ["started", "ended: rings stopped"]
    assert "ctanswer" not in line.commands
    await line.ring_twice()
    assert "ctanswer" in line.commands
    line.network.say("rly=hangup")
    await line.ended()


@pytest.mark.looptime
async def test_call_that_nobody_wants_rings_on(tmp_path: Path) -> None:
    """Without a taker the call is offered once, rings on, and is over when the rings stop."""
    line = Line(tmp_path, "shy")
    offers = []

    async def shy(_call: Call, _target: str) -> None:
        offers.append(1)

    line.plugins.plugins["shy"] = shy
    await line.ring_twice()
    for _ in range(3):
        await asyncio.sleep(6)
        line.network.say("rly=ring arg1=ring")
    await line.ended()
    assert offers == [1]
    assert line.plugins.told == ["started", "ended: rings stopped"]
    assert line.plugins.calls[0].rings == 5


@pytest.mark.looptime
async def test_plugin_that_fails_before_answering_lets_the_call_pass(tmp_path: Path) -> None:
    """Its fault is not the caller's: the next one answers."""
    line = Line(tmp_path, "broken", "missing", "one")

    async def broken(_call: Call, _target: str) -> None:
        raise ZeroDivisionError

    line.plugins.plugins |= {"broken": broken, "one": answer_and_wait}
    await line.ring_twice()
    assert "ctanswer" in line.commands
    line.network.say("rly=hangup")
    await line.ended()
    assert line.plugins.told[-1] == "ended: hangup"


@pytest.mark.looptime
async def test_plugin_that_fails_on_the_line_apologises(tmp_path: Path) -> None:
    """Where nobody else wants the call, the caller hears that something went wrong, and the line goes on hook."""
    line = Line(tmp_path, "broken", "passes")

    async def broken(call: Call, _target: str) -> None:
        await call.answer()
        raise ZeroDivisionError

    async def passes(_call: Call, _target: str) -> None:
        """Let the call pass."""

    line.plugins.plugins |= {"broken": broken, "passes": passes}
    await line.ring_twice()
    await line.ended()
    played = [request.args for request in line.network.requests if request.cmd == "ctplay"]
    assert played == [(str(tmp_path / "error.au"), "ignore_dtmf")]
    assert line.commands[-2:] == ["cthangup", "ctclear"]
    assert line.plugins.told[-1] == "ended: failed"


@pytest.mark.looptime
@pytest.mark.parametrize("fault", [ZeroDivisionError(), PluginError("broken", "is not well"), None])
async def test_call_of_a_plugin_that_fails_goes_to_the_next(tmp_path: Path, fault: Exception | None) -> None:
    """The caller is still there: the next handler goes on with a call that is answered already, without an apology."""
    line = Line(tmp_path, "broken", "one")

    async def broken(call: Call, _target: str) -> None:
        await call.answer()
        if fault:
            raise fault
        line.network.answer = lambda request: (
            [Message(request.cmd, args=("ERROR", "cannot-record"))] if request.cmd == "ctrecord" else ok(request)
        )
        await call.record("/var/x.wav")

    line.plugins.plugins |= {"broken": broken, "one": answer_and_wait}
    await line.ring_twice()
    assert line.commands.count("ctanswer") == 1
    assert "ctplay" not in line.commands
    line.network.say("rly=hangup")
    await line.ended()
    assert line.plugins.told == ["started", "answered", "ended: hangup"]


@pytest.mark.looptime
async def test_call_that_is_passed_on_goes_to_the_next(tmp_path: Path) -> None:
    """A handler that has answered may let the next one go on; where there is none, the caller hears an apology."""

    async def look_and_pass(call: Call, _target: str) -> None:
        await call.answer()
        call.pass_on()

    line = Line(tmp_path, "one", "two", "three")
    line.plugins.plugins |= {"one": look_and_pass, "two": look_and_pass, "three": answer_and_wait}
    await line.ring_twice()
    assert line.commands.count("ctanswer") == 1
    assert line.plugins.calls[0].taken
    line.network.say("rly=hangup")
    await line.ended()
    line.plugins.plugins["three"] = look_and_pass
    await line.ring_twice()
    await line.ended()
    assert line.network.requests[-3].args[0].endswith("error.au")
    assert line.plugins.told[-1] == "ended: failed"


@pytest.mark.looptime
async def test_call_that_goes_on_for_too_long_is_ended(tmp_path: Path) -> None:
    """A line is not taken for ever: the limit counts from the answer, and the plugin is told as of any end."""
    line = Line(tmp_path, "one", call_limit=3600.0)
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    began = asyncio.get_running_loop().time()
    await line.ended()
    assert asyncio.get_running_loop().time() - began == pytest.approx(3600, abs=0.1)
    assert line.plugins.told[-1] == "ended: too long"
    assert line.commands[-2:] == ["cthangup", "ctclear"]


@pytest.mark.looptime
async def test_next_call_has_the_whole_limit(tmp_path: Path) -> None:
    """The limit of a call that is over says nothing of the next one."""
    line = Line(tmp_path, "one", call_limit=3600.0)
    line.plugins.plugins["one"] = answer_and_wait
    for _ in range(2):
        await line.ring_twice()
        await asyncio.sleep(3000)
        line.network.say("rly=hangup")
        await line.ended()
    assert line.plugins.told.count("ended: hangup") == 2


@pytest.mark.looptime
async def test_draining_waits_for_calls_and_takes_none(tmp_path: Path) -> None:
    """Calls under way come to their own ends; who rings meanwhile is not answered."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    began = asyncio.get_running_loop().time()
    draining = asyncio.create_task(line.router.drain(30.0, asyncio.Event()))
    await asyncio.sleep(10)
    assert not draining.done()
    line.network.say("rly=hangup")
    await draining
    assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.1)
    assert line.plugins.told[-1] == "ended: hangup"
    await line.ring_twice()
    assert line.router.calls == []


@pytest.mark.looptime
async def test_call_that_rings_when_its_port_leaves_rings_on(tmp_path: Path) -> None:
    """It is under way: who answers at the fourth ring answers it; the next caller is not answered."""
    line = Line(tmp_path, "patient")

    async def patient(call: Call, _target: str) -> None:
        await call.wait_rings(4)
        await answer_and_wait(call, "")

    line.plugins.plugins["patient"] = patient
    await line.ring_twice()
    leaving = asyncio.create_task(line.router.see_off(line.port, 60.0, 1.0))
    for _ in range(2):
        await asyncio.sleep(6)
        line.network.say("rly=ring arg1=ring")
    await asyncio.sleep(1)
    (call,) = line.router.calls
    assert call.answered
    line.network.say("rly=hangup")
    await leaving
    await line.ring_twice()
    assert line.router.calls == []


async def test_port_that_is_gone_has_no_call(tmp_path: Path) -> None:
    """Who holds it still is told so; a call cannot be made on it either."""
    line = Line(tmp_path)
    line.router.remove_port(line.port)
    assert line.router.call_on(line.port) is None
    with pytest.raises(CallRefused, match="has no call"):
        await line.router.hang_up(line.port)
    with pytest.raises(CallRefused, match="ctportd status"):
        line.router.place(line.port, Order("555"))


@pytest.mark.looptime
async def test_draining_ends_when_the_time_is_up(tmp_path: Path) -> None:
    """A call that goes on is not touched by draining: what comes after ends it."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    await line.router.drain(30.0, asyncio.Event())
    (call,) = line.router.calls
    assert not call.ended
    await line.router.stop(5.0, asyncio.Event())
    assert line.plugins.told[-1] == "ended: stopping"


@pytest.mark.looptime
async def test_hurry_cuts_every_wait(tmp_path: Path) -> None:
    """Who stops it twice waits for no call, and a moment only for plugins; the line goes on hook all the same."""
    line = Line(tmp_path, "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        await asyncio.sleep(3600)

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    hurry = asyncio.Event()
    began = asyncio.get_running_loop().time()
    asyncio.get_running_loop().call_later(1, hurry.set)
    await line.router.drain(30.0, hurry)
    await line.router.stop(5.0, hurry)
    assert asyncio.get_running_loop().time() - began == pytest.approx(1 + HASTE, abs=0.1)
    assert line.commands[-2:] == ["cthangup", "ctclear"]


@pytest.mark.looptime
async def test_lost_connection_ends_the_call(tmp_path: Path) -> None:
    """A call whose connection is lost is over, and the port takes calls again after it."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    line.network.transport.lose()
    line.router.lost(line.port)
    await line.ended()
    assert line.plugins.told[-1] == "ended: disconnected"
    line.network.connect()
    await line.ring_twice()
    assert line.router.call_on(line.port) is not None
    line.network.say("rly=loopdrop")
    await line.ended()
    assert line.plugins.told[-1] == "ended: loopdrop"


@pytest.mark.looptime
async def test_request_cut_by_a_lost_connection(tmp_path: Path) -> None:
    """A plugin that waits for a reply when the connection goes hears Disconnected, and the call is over."""
    line = Line(tmp_path, "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        line.network.answer = lambda _request: []
        await call.play("one")

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    await asyncio.sleep(1)
    line.network.transport.lose()
    await line.ended()
    assert line.plugins.told[-1] == "ended: disconnected"


@pytest.mark.looptime
async def test_next_caller_may_be_quick(tmp_path: Path) -> None:
    """A ring that comes while the last call is being put down begins the next one."""
    line = Line(tmp_path, "one")
    release = asyncio.Event()

    async def slow_to_leave(call: Call, _target: str) -> None:
        await call.answer()
        await call.wait_ended()
        await release.wait()

    line.plugins.plugins["one"] = slow_to_leave
    await line.ring_twice()
    line.network.say("rly=hangup")
    await settle()
    line.network.say("rly=ring arg1=ring arg2=1")
    release.set()
    await settle()
    call = line.router.call_on(line.port)
    assert call is not None
    assert call.rings == 1
    assert not call.ended
    await line.ended()


@pytest.mark.looptime
async def test_set_that_is_picked_up_is_a_call(tmp_path: Path) -> None:
    """On a station port a call begins when the set is lifted: it needs no answer and has no caller ID."""
    line = Line(tmp_path, "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        await call.play("one")

    line.plugins.plugins["one"] = one
    line.network.say("rly=pickup arg1=pickup")
    await line.ended()
    assert line.commands[0] == "ctplay"
    assert line.plugins.told == ["started", "answered", "ended: finished"]


@pytest.mark.looptime
async def test_hand_over_comes_back(tmp_path: Path) -> None:
    """A plugin that hands the call over goes on when the other is done."""
    line = Line(tmp_path, "attendant")
    steps: list[str] = []

    async def attendant(call: Call, _target: str) -> None:
        await call.answer()
        await call.hand_over("voicemail:100")
        steps.append("back")

    async def voicemail(_call: Call, target: str) -> None:
        steps.append(target)

    line.plugins.plugins |= {"attendant": attendant, "voicemail": voicemail}
    await line.ring_twice()
    await line.ended()
    assert steps == ["100", "back"]


@pytest.mark.looptime
async def test_stopping_ends_calls_politely(tmp_path: Path) -> None:
    """The plugin gets CallEnded and its finally; what blocks the port is stopped at once; no call begins after."""
    line = Line(tmp_path, "one")
    kept: list[str] = []

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        line.network.answer = lambda request: [] if request.cmd == "ctrecord" else ok(request)
        recording = await call.record("/var/x.wav")
        kept.append(recording.ended_by)
        await call.play("one")

    def stop_recording(request: Request) -> list[Message]:
        line.network.say("rly=ctrecord arg1=EVENT arg2= arg3=RECORD_STOP arg4=-2")
        return ok(request)

    line.plugins.plugins["one"] = one
    line.manager.answer = stop_recording
    await line.ring_twice()
    await line.router.stop(5.0, asyncio.Event())
    assert kept == ["RECORD_STOP"]
    assert line.commands[-2:] == ["cthangup", "ctclear"]
    assert line.plugins.told[-1] == "ended: stopping"
    line.network.say("rly=ring")
    await settle()
    assert line.router.calls == []


@pytest.mark.looptime
async def test_stopping_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A plugin that does not heed the end is cancelled after the time, and the line still goes on hook."""
    line = Line(tmp_path, "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        await asyncio.sleep(3600)

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    began = asyncio.get_running_loop().time()
    await line.router.stop(5.0, asyncio.Event())
    assert asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.1)
    assert line.commands[-2:] == ["cthangup", "ctclear"]


@pytest.mark.looptime
async def test_plugin_that_hangs_frees_its_line_in_the_end(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """A plugin that waits for something else than its call is cancelled some time after the caller has gone."""
    line = Line(tmp_path, "one", end_timeout=10.0)

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        await asyncio.sleep(1e6)

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    began = asyncio.get_running_loop().time()
    line.network.say("rly=hangup")
    await line.ended()
    assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.1)
    assert line.commands[-2:] == ["cthangup", "ctclear"]
    assert "does not come to an end" in str(log_lines)


@pytest.mark.looptime
async def test_ring_of_a_caller_who_gave_up_long_ago_begins_no_call(tmp_path: Path) -> None:
    """What rang while a plugin was slow to leave its last call has been over for long when it does."""
    line = Line(tmp_path, "one", end_timeout=60.0)

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        await call.wait_ended()
        await asyncio.sleep(30)

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    line.network.say("rly=hangup")
    await settle()
    line.network.say("rly=ring arg1=ring arg2=1")
    await line.ended()
    await settle()
    assert line.router.calls == []


@pytest.mark.looptime
async def test_hang_up_that_fails_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """A plugin returns, and ctserver refuses to hang up: the call is over as failed, and the next one is taken."""
    line = Line(tmp_path, "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()

    def refuse(request: Request) -> list[Message]:
        return [Message(request.cmd, 0, 0, ("ERROR",))] if request.cmd == "cthangup" else ok(request)

    line.plugins.plugins["one"] = one
    line.network.answer = refuse
    await line.ring_twice()
    await line.ended()
    assert line.plugins.told[-2:] == ["ended: failed", "trouble: stuck"]
    await line.ring_twice()
    await line.ended()
    assert line.plugins.told.count("started") == 2


@pytest.mark.looptime
async def test_hang_up_without_a_call_puts_the_line_on_hook(tmp_path: Path) -> None:
    """A line that somebody else has taken off hook, or that we could not reach, is freed when its far end goes."""
    line = Line(tmp_path, "one")
    line.network.say("rly=loopdrop arg1=loopdrop")
    await settle()
    assert line.commands == ["cthangup"]


@pytest.mark.looptime
async def test_line_that_could_not_be_put_down_is_put_down_later(tmp_path: Path) -> None:
    """A connection that is lost in a call leaves the line off hook: it goes on hook when the connection is back."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    line.network.transport.lose()
    line.router.lost(line.port)
    await line.ended()
    assert line.commands[-1] == "ctanswer"
    line.network.connect()
    line.router.connected(line.port)
    await settle()
    assert line.commands[-1] == "cthangup"
    line.router.connected(line.port)
    await settle()
    assert line.commands.count("cthangup") == 1


async def test_plugin_that_loops_on_an_ended_call_holds_up_nobody(tmp_path: Path) -> None:
    """Who swallows CallEnded and asks again is cancelled in the end; meanwhile the others go on."""
    line = Line(tmp_path, "one", end_timeout=0.05)

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        while True:
            try:
                await call.collect(1, 5)
            except CallEnded:
                continue

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    line.network.say("rly=hangup")
    await asyncio.wait_for(line.ended(), 10)
    assert line.commands[-2:] == ["cthangup", "ctclear"]


# -- a line that cannot be put on hook at once


def failing_once(how: str) -> Callable[[Request], list[Message]]:
    """A ctserver that refuses to hang up once, or says nothing to it."""
    left = [how]

    def answer(request: Request) -> list[Message]:
        if request.cmd == "cthangup" and left:
            left.pop()
            return [Message("cthangup", args=("ERROR", "busy"))] if how == "refuses" else []
        return ok(request)

    return answer


@pytest.mark.looptime
@pytest.mark.parametrize("how", ["refuses", "is silent"])
async def test_line_that_ctserver_fails_to_put_down_is_put_down_later(tmp_path: Path, how: str) -> None:
    """A port that is left off hook takes no call for ever; one word of ctserver's must not be enough for that."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    line.network.answer = failing_once(how)
    line.network.say("rly=hangup")
    await line.ended()
    await asyncio.sleep(3600)
    assert line.commands.count("cthangup") == 2
    assert not any("trouble" in told for told in line.plugins.told)  # refused once: it was free a moment later


@pytest.mark.looptime
async def test_line_that_is_stuck_is_told_of(tmp_path: Path, log_lines: list[dict[str, Any]]) -> None:
    """Once, when ctserver has refused twice to put it on hook, and again when it has done so."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice()
    line.network.answer = lambda request: (
        [Message("cthangup", args=("ERROR", "busy"))] if request.cmd == "cthangup" else ok(request)
    )
    line.network.say("rly=hangup")
    await line.ended()
    await asyncio.sleep(60)
    assert line.router.trouble_of(line.port) == "stuck"
    line.network.answer = ok
    await asyncio.sleep(60)
    assert line.router.trouble_of(line.port) == ""
    assert [told for told in line.plugins.told if "trouble" in told] == ["trouble: stuck", "trouble: "]
    assert [(each["log_level"], each["problem"]) for each in log_lines if "problem" in each] == [
        ("error", "stuck"),
        ("warning", "stuck"),
    ]


@pytest.mark.looptime
async def test_line_without_ctserver_is_told_of(tmp_path: Path) -> None:
    """When there was none for a minute, however often it was tried; one that is back sooner is no trouble."""
    line = Line(tmp_path, "one")
    line.router.lost(line.port)
    await asyncio.sleep(59)
    line.router.connected(line.port)
    await asyncio.sleep(120)
    assert line.plugins.told == []
    for _ in range(10):
        line.router.lost(line.port)
        await asyncio.sleep(30)
    assert line.plugins.told == ["trouble: disconnected"]
    line.router.connected(line.port)
    assert line.plugins.told == ["trouble: disconnected", "trouble: "]
    await line.router.drain(0, asyncio.Event())
    line.router.lost(line.port)  # by ourselves
    await asyncio.sleep(120)
    assert len(line.plugins.told) == 2


@pytest.mark.looptime
async def test_port_that_takes_no_hang_up_is_connected_anew(tmp_path: Path) -> None:
    """A plugin that has sent hundreds of requests ahead leaves no place for a hang-up: the connection goes."""
    line = Line(tmp_path, "flood")
    asked: list[asyncio.Task[object]] = []

    async def flood(call: Call, _target: str) -> None:
        await call.answer()
        line.network.answer = lambda request: [] if request.cmd == "ctplay" else ok(request)
        asked.extend(asyncio.create_task(line.port.play("/x.au")) for _ in range(300))
        await call.wait_ended()

    line.plugins.plugins["flood"] = flood
    await line.ring_twice()
    line.network.say("rly=hangup")
    await line.ended()
    await asyncio.sleep(60)
    assert line.network.transport.aborted
    line.network.connect()
    line.router.connected(line.port)
    await settle()
    assert line.commands[-1] == "cthangup"
    await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.looptime
async def test_connection_that_comes_back_while_the_line_is_freed(tmp_path: Path) -> None:
    """The line was off hook when the connection broke: it is put down when there is one again, whenever that is."""
    line = Line(tmp_path, "one")

    async def one(call: Call, _target: str) -> None:
        await call.answer()
        line.network.answer = lambda request: [] if request.cmd == "ctplay" else ok(request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await call.play("one")
        await call.wait_ended()

    line.plugins.plugins["one"] = one
    await line.ring_twice()
    await asyncio.sleep(2)
    line.manager.answer = lambda _request: []  # which release() waits for
    line.network.answer = lambda _request: []
    line.network.say("rly=hangup")
    await asyncio.sleep(1)
    line.network.transport.lose()
    await settle()
    line.network.connect()
    line.network.answer = ok
    line.router.connected(line.port)
    before = line.commands.count("cthangup")
    await line.ended()
    await asyncio.sleep(60)
    assert line.commands.count("cthangup") > before


@pytest.mark.looptime
async def test_set_that_is_lifted_while_the_last_call_is_put_in_order(tmp_path: Path) -> None:
    """It is the next call; one that is put down again meanwhile is none."""
    line = Line(tmp_path, "slow")
    begun: list[str] = []

    async def slow(call: Call, _target: str) -> None:
        begun.append(call.id)
        await call.answer()
        try:
            await call.wait_ended()
        finally:
            await asyncio.sleep(2)

    line.plugins.plugins["slow"] = slow
    for words in (["pickup"], ["hangup", "pickup"], ["hangup", "pickup", "hangup"]):
        for word in words:
            line.network.say(f"rly={word} arg1={word}")
            await settle()
        await asyncio.sleep(10)
    assert len(begun) == 2
    assert line.router.calls == []


@pytest.mark.looptime
async def test_hang_ups_without_a_call_are_one_thing_to_do(tmp_path: Path) -> None:
    """A ctserver that goes on and on about it makes no tasks, and no lines in the log, without end."""
    line = Line(tmp_path, "one")
    line.network.say(*["rly=hangup arg1=hangup"] * 1000)
    await settle()
    assert line.commands.count("cthangup") == 1


@pytest.mark.looptime
async def test_caller_of_any_length_is_cut(tmp_path: Path) -> None:
    """What an exchange says of a caller has the length that a database takes, everywhere."""
    line = Line(tmp_path, "one")
    line.plugins.plugins["one"] = answer_and_wait
    await line.ring_twice(f"rly=cid arg1=cid arg2={'5' * 3000} arg3={'A' * 3000}")
    assert line.plugins.calls[0].caller == Caller("5" * 64, "A" * 128)
    line.network.say("rly=hangup")
    await line.ended()


@pytest.mark.looptime
@pytest.mark.parametrize("counts", [True, False])
async def test_first_ring_of_the_next_caller_is_the_next_call(tmp_path: Path, *, counts: bool) -> None:
    """Where ctserver counts the rings of a call, a first one while it rings is somebody else's."""
    line = Line(tmp_path, "one", "two")
    line.plugins.plugins |= {"one": answer_and_wait}
    if counts:
        await line.ring_twice()
        line.network.say("rly=hangup")
        await line.ended()
    line.network.say("rly=ring arg1=ring arg2=1")
    await asyncio.sleep(2)
    line.network.say("rly=ring arg1=ring arg2=1")
    await asyncio.sleep(1)
    line.network.say("rly=ring arg1=ring arg2=2" if counts else "rly=ring arg1=ring arg2=1")
    await settle()
    line.network.say("rly=cid arg1=cid arg2=777")
    await settle()
    call = line.plugins.calls[-1]
    assert (call.caller.number, call.answered) == ("777", True)
    assert line.plugins.told.count("ended: rings stopped") == int(counts)
    line.plugins.over.clear()
    line.network.say("rly=hangup")
    await line.ended()
