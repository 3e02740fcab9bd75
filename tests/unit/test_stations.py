"""A call takes other ports for itself: whatever happens, both lines are left free, and plugins see one call."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from support.fakes import AnsweringNetwork, Recorder, ok, settle

from ctportd.calls.called import Called
from ctportd.calls.files import Prompts
from ctportd.calls.listening import listen_for_dial_tone
from ctportd.calls.router import Router
from ctportd.calls.routing import Routing
from ctportd.calls.verdict import Verdict
from ctportd.clock import Clock
from ctportd.errors import InvalidArgument, PluginError
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from ctportd.calls.call import Call
    from ctportd.calls.caller import Caller
    from ctportd.records import Step
    from ctportd.wire.message import Request

PROMPTS = ("error", "call-for-you", "call-accept", "from", "unknown-number", "5", "hello")


class Plugins:
    """One plugin, which is a function of the test; remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.calls: list[Call] = []
        self.outcomes: list[str] = []
        self.answer: Callable[[Call], Awaitable[str]]

    def begin(self, port: Port, home: Port | None = None) -> None:
        """Have a call on a port."""

    def end(self, port: Port) -> None:
        """Have it no more."""

    def crew_of(self, port: Port) -> Plugins:
        """Those, whatever the port."""
        return self

    def call_started(self, call: Call) -> None:
        """Remember."""
        self.told.append(f"{call.port.number} started")
        self.calls.append(call)

    def call_answered(self, call: Call) -> None:
        """Remember."""
        self.told.append(f"{call.port.number} answered")

    def number_dialled(self, call: Call, number: str) -> None:
        """Remember."""
        self.told.append(f"{call.port.number} dialled {number}")

    def call_ended(self, call: Call) -> None:
        """Remember."""
        self.told.append(f"{call.port.number} ended: {call.end_reason}")

    def line_trouble(self, port: Port, problem: str) -> None:
        """Remember."""
        self.told.append(f"{port.number} trouble: {problem}")

    async def screen_caller(self, caller: Caller, port: str, at: datetime) -> Verdict:
        """Judge nobody."""
        return Verdict()

    async def caller_name(self, number: str, name: str) -> str:
        """Know nobody."""
        return ""

    async def answer_call(self, plugin: str, call: Call, target: str) -> None:
        """Run the test's function."""
        self.outcomes.append(await self.answer(call))


class Office:
    """Trunk ports 1 and 2, and station ports 3 and 4; port 9 is of another ctserver."""

    def __init__(self, folder: Path) -> None:
        for name in PROMPTS:
            (folder / f"{name}.au").touch()
        self.plugins = Plugins()
        self.steps: dict[str, list[Step]] = {}
        self.router = Router(Prompts([folder], ".au", folder), self.plugins, self.keep)
        self.manager = AnsweringNetwork("manager", 0, Recorder(), self.stop)
        self.manager.connect()
        self.networks: dict[int, AnsweringNetwork] = {}
        for number, kind in ((1, "trunk"), (2, "trunk"), (3, "station"), (4, "station"), (9, "station")):
            self._add(number, kind)
        self.refused: dict[str, str] = {}
        self.blocking: set[str] = set()
        self.waiting: dict[int | None, list[Request]] = {}
        self.keys = ""

    def keep(self, call: str, steps: list[Step]) -> None:
        """Keep what happened on a call."""
        self.steps.setdefault(call, []).extend(steps)

    def _add(self, number: int, kind: str) -> None:
        listener = Recorder()
        listener.event = lambda event: self.router.event(port, event)  # type: ignore[method-assign]
        network = AnsweringNetwork(f"port {number}", number, listener, self.answer)
        network.connect()
        server = "other" if number == 9 else "main"
        port = Port(server, number, network, Manager(self.manager), kind=kind)
        self.networks[number] = network
        self.router.add_port(port, Routing(["one"], caller_id=False), Clock())

    def answer(self, request: Request) -> list[Message]:
        """What ctserver answers."""
        if request.cmd in self.refused:
            return [Message(request.cmd, request.src, request.dst, ("ERROR", self.refused[request.cmd]))]
        if request.cmd in self.blocking or self.waiting.get(request.src):
            self.waiting.setdefault(request.src, []).append(request)
            return []
        if request.cmd == "ctcollect":
            key, self.keys = self.keys[:1], self.keys[1:]
            return ok(request, key)
        return ok(request)

    def stop(self, request: Request) -> list[Message]:
        """The manager stops what blocks a port; what waits behind it has its turn."""
        assert request.dst is not None
        network = self.networks[request.dst + 1]
        for place, waiting in enumerate(self.waiting.pop(request.dst, [])):
            network.say(f"rly={waiting.cmd} arg1=" + ("OK" if place else "EVENT arg2= arg3=RECORD_STOP arg4=-2"))
        return ok(request)

    async def say(self, port: int, event: str) -> None:
        """Have an event happen on a port."""
        self.networks[port].say(f"rly={event} arg1={event}")
        await settle()

    async def ring(self, answer: Callable[[Call], Awaitable[str]]) -> Call:
        """Call port 1, where the plugin does this."""
        self.plugins.answer = answer
        await self.say(1, "ring")
        return self.plugins.calls[-1]

    def asked(self, port: int) -> list[str]:
        """What ctserver was asked on a port."""
        return [request.cmd for request in self.networks[port].requests]

    def call_on(self, number: int) -> Call | None:
        """The call on a port."""
        ports = [port for port in self.router._lines if port.number == number]
        return self.router.call_on(ports[0])

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until something has happened for which files are looked for, in a thread."""
        for _ in range(2000):
            if happened():
                return
            await asyncio.to_thread(time.sleep, 0.001)
        raise AssertionError({port: self.asked(port) for port in self.networks})

    async def free(self) -> None:
        """Wait until all lines are free, and see that they are on hook."""
        async with asyncio.timeout(30):
            for port in self.router._lines:
                await self.router.wait_idle(port)
        for number, network in self.networks.items():
            hook = [request.cmd for request in network.requests if request.cmd in ("ctanswer", "cthangup")]
            assert hook[-1:] != ["ctanswer"], number
            after = "".join(f"{cmd} " for cmd in self.asked(number)).rpartition("ctstartringasync ")
            assert not after[1] or {"ctstopring", "cthangup"} & set(after[2].split()), number


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """The office."""
    return Office(tmp_path)


async def answered_and_held(call: Call) -> str:
    """A plugin that answers, and waits until the caller has gone."""
    await call.answer()
    await call.wait_ended()
    return "over"


async def answered_and_rung(call: Call) -> str:
    """A plugin that answers, and rings the set on port 3."""
    await call.answer()
    return await call.ring_station("main:3", within=20)


@pytest.mark.looptime
async def test_set_answers_and_is_put_down(office: Office) -> None:
    """The caller hears ring-back until then; plugins are told of the caller's call only; the call goes on."""

    async def one(call: Call) -> str:
        call.language = "de"
        outcome = await answered_and_rung(call)
        await call.play("hello")
        return outcome

    await office.ring(one)
    assert office.asked(1) == ["ctanswer", "ctplaytoneasync"]
    assert office.asked(3) == ["ctstartringasync"]
    await asyncio.sleep(3)
    assert office.asked(3) == ["ctstartringasync", "ctsendcid"]
    leg = office.call_on(3)
    assert leg is not None
    assert (leg.outgoing, leg.answered, leg.language) == (True, False, "de")
    await office.say(3, "pickup")
    assert leg.answered
    assert office.asked(1)[2:] == ["ctstoptone", "ctbridge"]
    await office.say(3, "hangup")
    await office.until(lambda: bool(office.plugins.outcomes))
    assert office.plugins.outcomes == ["answered"]
    await office.free()
    assert office.asked(1)[4:] == ["ctunbridge", "ctclear", "ctplay", "cthangup", "ctclear"]
    assert office.asked(3)[2:] == ["cthangup", "ctclear"]
    assert office.plugins.told == ["1 started", "1 answered", "1 ended: finished"]


@pytest.mark.looptime
@pytest.mark.parametrize("bridged", [False, True])
async def test_caller_hangs_up(office: Office, *, bridged: bool) -> None:
    """While it rings, or in the talk: the set is left alone at once."""
    await office.ring(answered_and_rung)
    if bridged:
        await office.say(3, "pickup")
    await office.say(1, "hangup")
    await office.free()
    assert office.plugins.outcomes == []
    assert office.asked(3)[1:] == (["cthangup", "ctclear"] if bridged else ["ctstopring"])
    assert office.plugins.told[-1] == "1 ended: hangup"


@pytest.mark.looptime
async def test_nobody_lifts_the_set(office: Office) -> None:
    """It is rung for as long as was asked; a set that is lifted just after that begins a call of its own."""

    async def one(call: Call) -> str:
        outcome = await call.ring_station("3", within=20) if call.port.number == 1 else ""
        await call.wait_ended()
        return outcome

    office.blocking.add("ctstopring")
    await office.ring(one)
    assert office.asked(1) == []  # not answered: the exchange rings back
    for _ in range(4):
        await asyncio.sleep(5.2)
        await office.say(1, "ring")
    assert office.asked(3) == ["ctstartringasync", "ctsendcid", "ctstopring"]
    await office.say(3, "pickup")
    office.stop(office.networks[3].requests[-1])
    await settle()
    assert office.plugins.told == ["1 started", "3 started", "3 answered"]
    await asyncio.sleep(10)
    assert office.plugins.told[-1] == "1 ended: rings stopped"
    assert office.plugins.calls[-1].port.number == 3
    await office.say(3, "hangup")
    await office.free()


@pytest.mark.looptime
async def test_set_is_rung_again(office: Office) -> None:
    """It is free at once; whoever lifts it when its time is up, while the caller still hears ring-back, dials."""

    async def one(call: Call) -> str:
        if call.port.number == 3:
            await call.wait_ended()
        await call.answer()
        return f"{await call.ring_station('3', within=5)}, {await call.ring_station('3', within=5)}"

    await office.ring(one)
    await asyncio.sleep(6)
    office.blocking.add("ctstoptone")
    await asyncio.sleep(5)
    await office.say(3, "pickup")
    assert "3 started" in office.plugins.told
    office.stop(office.networks[1].requests[-1])
    await settle()
    assert office.plugins.outcomes == ["no answer, no answer"]
    await office.say(3, "hangup")
    await office.free()


@pytest.mark.looptime
async def test_set_that_is_taken_is_busy(office: Office) -> None:
    """By a call of its own, by another caller, or off hook without our knowing."""

    async def one(call: Call) -> str:
        if call.port.number != 1:
            await call.wait_ended()
        return await call.ring_station("main:3", within=20)

    office.plugins.answer = one
    await office.say(3, "pickup")
    await office.ring(one)
    assert office.plugins.outcomes == ["busy"]
    await office.say(3, "hangup")
    await office.free()
    office.refused["ctstartringasync"] = "off-hook"
    await office.ring(one)
    await office.free()
    assert office.plugins.outcomes == ["busy", "busy"]


@pytest.mark.looptime
async def test_port_that_is_lost_while_it_rings(office: Office) -> None:
    """The caller is told that nobody answers; the set is seen to when the connection is back."""
    await office.ring(answered_and_rung)
    office.router.lost(next(port for port in office.router._lines if port.number == 3))
    office.networks[3].transport.lose()
    await settle()
    assert office.plugins.outcomes == ["no answer"]
    await settle()
    office.plugins.outcomes.clear()
    await office.ring(answered_and_rung)
    assert office.plugins.outcomes == ["no answer"]  # not connected
    await asyncio.sleep(0)
    assert office.call_on(3) is None
    await office.say(1, "hangup")


@pytest.mark.looptime
@pytest.mark.parametrize(("keys", "outcome"), [("1", "answered"), ("2", "declined"), ("", "declined")])
async def test_called_party_screens(office: Office, keys: str, outcome: str) -> None:
    """Who lifts the set hears who calls; only key 1 takes the call."""

    async def one(call: Call) -> str:
        await call.answer()
        return await call.ring_station("3", screen=True)

    office.keys = keys
    await office.ring(one)
    await office.say(3, "pickup")
    await office.until(lambda: "ctbridge" in office.asked(1) or bool(office.plugins.outcomes))
    await office.say(3, "hangup")
    await office.free()
    assert office.plugins.outcomes == [outcome]
    played = [request.args[0] for request in office.networks[3].requests if request.cmd == "ctplay"]
    said = [path.rpartition("/")[2] for path in played[:4]]
    assert said == ["call-for-you.au", "from.au", "unknown-number.au", "call-accept.au"]
    assert ("ctbridge" in office.asked(1)) == (outcome == "answered")


@pytest.mark.looptime
@pytest.mark.parametrize("who", ["caller", "set", "daemon"])
async def test_screening_is_cut_short(office: Office, who: str) -> None:
    """The caller gives up, the set is put down, or the daemon stops, while the announcement plays."""

    async def one(call: Call) -> str:
        await call.answer()
        return await call.ring_station("3", screen=True, announce=["hello"])

    office.blocking.add("ctplay")
    await office.ring(one)
    await office.say(3, "pickup")
    await office.until(lambda: office.asked(3)[-1] == "ctplay")
    if who == "daemon":
        stopping = asyncio.create_task(office.router.stop(5.0, asyncio.Event()))
        await settle()
    else:
        await office.say(1 if who == "caller" else 3, "hangup")
    if who == "daemon":
        await stopping
    await office.free()
    assert office.plugins.outcomes == (["declined"] if who == "set" else [])


@pytest.mark.looptime
async def test_plugin_is_cancelled(office: Office) -> None:
    """A plugin that does not come to its end leaves no set off hook."""

    async def one(call: Call) -> str:
        await call.answer()
        while True:
            ringing = asyncio.ensure_future(call.ring_station("3"))
            await asyncio.wait([ringing])
            await asyncio.sleep(3600)

    await office.ring(one)
    await office.say(3, "pickup")
    await office.say(1, "hangup")
    assert office.call_on(3) is None
    await asyncio.sleep(11)
    await office.free()


async def test_ports_that_cannot_be_rung(office: Office) -> None:
    """One that is not there, is no station port, or is of another ctserver, is a mistake, told in one sentence."""
    call = await office.ring(lambda call: call.wait_ended())  # type: ignore[arg-type,return-value]
    with pytest.raises(
        InvalidArgument, match=r"^ring_station: port is '7' where one of these is expected: main:1, "
    ):
        await call.ring_station("7")
    with pytest.raises(InvalidArgument, match=r"port is main:2, a trunk port, where a station port is expected$"):
        await call.ring_station("2")
    with pytest.raises(
        InvalidArgument, match=r"port is other:9, which cannot be connected with main:1: their cts"
    ):
        await call.ring_station("9")
    with pytest.raises(InvalidArgument, match=r"^call_out: port is main:1, which the call itself is on$"):
        await call.call_out("1", "5")
    assert not [request for network in office.networks.values() for request in network.requests]
    await office.say(1, "hangup")
    await office.free()


async def dials_out(call: Call) -> str:
    """A plugin of a set that dials on line 2."""
    return await call.call_out("main:2", "5550100")


@pytest.mark.looptime
async def test_line_is_dialled_on(office: Office) -> None:
    """Dial tone, the number, and only then the two are connected; the set's call is the one that dialled."""
    office.plugins.answer = dials_out
    await office.say(3, "pickup")
    assert office.asked(2) == ["ctanswer", "ctwaitfordial", "ctdial", "ctgrunton"]
    assert office.asked(3) == []
    await office.say(2, "grunt")
    assert office.asked(3) == ["ctbridge"]
    await office.say(2, "hangup")
    assert office.plugins.outcomes == ["answered"]
    assert "3 dialled 5550100" in office.plugins.told
    await office.free()
    (steps,) = office.steps.values()
    told = {step.kind: step.details for step in steps}
    assert told["line dialled on"] == {
        "port": "main:2",
        "number": "5550100",
        "outcome": "answered",
        "seconds": 0.0,
    }


@pytest.mark.looptime
async def test_line_without_dial_tone_says_so(office: Office) -> None:
    """Until it has dial tone again, or rings; a line in use is busy."""
    port = next(port for port in office.router._lines if port.number == 2)
    office.plugins.answer = dials_out
    office.refused["ctwaitfordial"] = "no-dial-tone"
    await office.say(3, "pickup")
    await office.free()
    assert office.plugins.outcomes == ["no dial tone"]
    assert office.router.trouble_of(port) == "no dial tone"
    office.plugins.answer = answered_and_rung
    await office.say(2, "ring")
    assert office.router.trouble_of(port) == ""
    assert [told for told in office.plugins.told if "trouble" in told] == [
        "2 trouble: no dial tone",
        "2 trouble: ",
    ]
    office.plugins.answer = dials_out
    await office.say(4, "pickup")
    assert office.plugins.outcomes[-1] == "busy"
    await office.say(2, "hangup")
    await office.free()


@pytest.mark.looptime
async def test_lines_are_listened_to(office: Office) -> None:
    """Each so often, while nothing is on them; plugins hear of a line that is dead, once, and of no call."""
    line = next(line for port, line in office.router._lines.items() if port.number == 1)
    looks = asyncio.create_task(listen_for_dial_tone(line, 60))
    sent = office.networks[1].requests
    await asyncio.sleep(61)
    assert [request.cmd for request in sent] == ["ctanswer", "ctwaitfordial", "cthangup", "ctclear"]
    office.refused["ctwaitfordial"] = "no-dial-tone"
    await asyncio.sleep(120)
    assert office.plugins.told == ["1 trouble: no dial tone"]
    del office.refused["ctwaitfordial"]
    await asyncio.sleep(60)
    assert office.plugins.told == ["1 trouble: no dial tone", "1 trouble: "]
    office.refused["ctanswer"] = "busy"
    await asyncio.sleep(60)
    assert sent[-1].cmd != "ctwaitfordial"
    del office.refused["ctanswer"]
    office.blocking.add("ctwaitfordial")
    await asyncio.sleep(60)
    assert sent[-1].cmd == "ctwaitfordial"
    office.plugins.answer = answered_and_held
    await office.say(1, "ring")
    await settle(200)
    assert office.plugins.told[2:] == ["1 started", "1 answered"]  # the caller goes first
    count = len(sent)
    await asyncio.sleep(300)
    assert len(sent) == count  # and is not disturbed
    looks.cancel()
    await asyncio.wait([looks])
    await office.say(1, "hangup")
    await office.free()


@pytest.mark.looptime
async def test_line_rings_while_it_is_seized(office: Office) -> None:
    """The caller goes first: the set hears that the line is busy, and the ring begins a call."""
    office.plugins.answer = dials_out
    office.blocking.add("ctwaitfordial")
    await office.say(3, "pickup")
    office.plugins.answer = answered_and_rung
    await office.say(2, "ring")
    await settle(200)
    assert office.plugins.outcomes[0] == "busy"
    assert "2 started" in office.plugins.told
    await office.say(2, "hangup")
    await office.free()


@pytest.mark.looptime
async def test_set_is_lifted_while_the_daemon_drains(office: Office) -> None:
    """A call under way may still be answered by a set, which begins no call of its own any more."""
    await office.ring(answered_and_rung)
    draining = asyncio.create_task(office.router.drain(30.0, asyncio.Event()))
    await settle()
    await office.say(3, "pickup")
    await office.say(4, "pickup")
    assert office.asked(1)[-1] == "ctbridge"
    assert office.call_on(4) is None
    await office.say(3, "hangup")
    await draining
    assert office.plugins.outcomes == ["answered"]
    await office.free()


async def test_leg_goes_to_no_plugin(office: Office) -> None:
    """It was made for another call, which is the one that plugins have."""
    line = next(iter(office.router._lines.values()))
    with pytest.raises(PluginError, match=r"^plugin voicemail: cannot have a call that was made for another one$"):
        await Called(line, line).hand_over("voicemail")
