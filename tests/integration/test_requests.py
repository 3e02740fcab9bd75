"""Every request of ctserver through a running daemon, and what it does to the line, in both dialects.

Requests that need a call are sent while a plugin holds one: in the classic dialect a port without a call waits for a
ring, and takes nothing else meanwhile.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soundfile
from support.system import System, tick

from ctportd import ctserver
from ctportd.calls.files import SHIPPED
from ctportd.control.client import ControlClient
from ctportd.ctserver.g711 import decode
from ctportd.ctserver.tones import sine
from ctportd.errors import ControlError
from ctportd.phone.client import Phone
from ctportd.phone.happenings import Ring
from ctportd.wire.requests import REQUESTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from ctportd.phone.happenings import Happening
    from ctportd.phone.sound import Samples

P = ParamSpec("P")

PATIENCE = 40.0
"""Seconds after which a test has failed, whatever it waits for; it takes one or two."""

RATE = 8000
WHISTLE = 1000
"""Hz of the long sound that is played."""

HERTZ = (350, 440, 480, 500, 620, 770, 900, WHISTLE, 1336, 1700)
"""Every frequency that is heard in these tests."""

STATION = 4
UNHANDLED = 5
"""The port whose calls nobody answers."""

HOLDER = '''
from ctportd import hookimpl


@hookimpl
async def answer_call(call, daemon):
    """Answer, and leave the line to whoever sends requests, until the file that stands for the call is gone."""
    held = daemon.state / f"held-{call.port.number}"
    held.touch()
    await call.answer()
    while held.exists() and not call.ended:
        await daemon.clock.sleep(0.5)


@hookimpl
def port_event(port, event, daemon):
    with open(daemon.state / "events", "a") as events:
        events.write(f"{port.number} {event.name} {event.raw}\\n")
'''

LACKING: dict[str, tuple[str, ...]] = {
    "clear_events": (),
    "join_conference": ("2",),
    "leave_conference": ("2",),
    "grunt_on": (),
    "grunt_off": (),
    "set_script_name": ("ivr",),
    "send_cid": ("5550100", "Ada"),
    "listen_for_cid": (),
    "listen_for_cid_jp": (),
    "read_cid": (),
    "port_reset": (),
    "port_status": (),
    "roll_log": (),
    "ser_version": (),
    "shutdown": (),
    "record_stop": (),
}
"""What the classic dialect has no request for, with arguments that it could take."""

DIALECTS = ("keyed", "classic")
EVERY = {*REQUESTS, "record_stop"}
SHOWN: dict[str, set[str]] = {dialect: set() for dialect in DIALECTS}
"""For each dialect, the requests whose effect some test asserts."""


class Office:
    """A running daemon with three trunk ports, a station port and a port without handlers, and what is seen of it.

    Attributes:
        dialect: What its ctserver is spoken to in.
        system: The daemon.
        sent: The requests that the test has sent.
        whistle: A file with two minutes of one frequency.
    """

    def __init__(self, system: System, dialect: str, whistle: Path) -> None:
        self.dialect = dialect
        self.system = system
        self.sent: set[str] = set()
        self.whistle = whistle
        self._control = ControlClient(system.state / "ctportd.sock")

    async def ask(self, port: int | str, name: str, *arguments: object) -> dict[str, Any]:
        """Send one request through the control interface; its reply."""
        self.sent.add(name)
        return await self._control.request(str(port), name, [str(argument) for argument in arguments])

    async def run(self, port: int, name: str, *arguments: str) -> dict[str, Any]:
        """Send one request with the command line, as a process; its reply."""
        self.sent.add(name)
        finished = await self.system.run("request", str(port), name, *arguments)
        assert finished.status == 0, finished
        reply: dict[str, Any] = json.loads(finished.out)
        return reply

    async def values(self, port: int | str, name: str, *arguments: object) -> list[str]:
        """What the reply to a request says after its status."""
        values: list[str] = (await self.ask(port, name, *arguments))["values"]
        return values

    @asynccontextmanager
    async def call(self, port: int = 1) -> AsyncIterator[Phone]:
        """A telephone in a call with a port, which leaves all else to requests."""
        try:
            async with await self.dial(port) as phone:
                await phone.answered()
                yield phone
        finally:
            await self.release(port)

    async def dial(self, port: int) -> Phone:
        """A telephone that calls a port."""
        return await Phone.dial(self.system.exchange_url, port, number="5550100", name="Ada Lovelace")

    async def release(self, port: int) -> None:
        """End what the plugin holds of a call, and wait until the port is free."""
        self._held(port).unlink(missing_ok=True)
        await self.system.idle(port)

    async def held(self, port: int) -> None:
        """Wait until the plugin has answered a call on a port."""
        while (await self.system.status()).ports[port - 1].state != "answered":
            await tick()

    def _held(self, port: int) -> Path:
        return self.system.state / f"held-{port}"

    def events(self, start: int = 0) -> list[str]:
        """The events that a plugin was told, from one on: port, name, the line itself."""
        path = self.system.state / "events"
        return path.read_text().splitlines()[start:] if path.exists() else []

    async def told(self, event: str, start: int = 0) -> str:
        """Wait until a plugin was told of an event that begins so; all of it."""
        found: list[str] = []

        def happened() -> bool:
            found[:] = [line for line in self.events(start) if line.startswith(event)]
            return bool(found)

        await self.system.until(happened)
        return found[0]

    async def event(self, port: int, text: str, cause: Callable[[], Awaitable[object]]) -> dict[str, Any]:
        """Wait for an event, brought about again and again; the reply that tells of it.

        In the classic dialect the events that came before are told first.
        """
        while True:
            waiting = asyncio.create_task(self.ask(port, "wait_for_event"))
            reply: dict[str, Any] = await repeat_until(waiting, cause)
            if text in reply["line"]:
                return reply


async def repeat_until(done: asyncio.Task[Any], cause: Callable[[], Awaitable[object]]) -> Any:
    """Do something again and again until a request has ended, since nobody tells when it began; its reply."""
    while not done.done():
        await cause()
    return done.result()


def shows(
    *requests: str, dialects: tuple[str, ...] = DIALECTS
) -> Callable[[Callable[Concatenate[Office, P], Awaitable[None]]], Any]:
    """Mark a test that asserts what these requests do, in these dialects; it must send them all."""

    def mark(test: Callable[Concatenate[Office, P], Awaitable[None]]) -> Any:
        @wraps(test)
        async def checked(office: Office, *args: P.args, **kwargs: P.kwargs) -> None:
            office.sent.clear()
            async with asyncio.timeout(PATIENCE):
                await test(office, *args, **kwargs)
            assert set(requests) <= office.sent

        for dialect in dialects:
            SHOWN[dialect].update(requests)
        return _in_dialects(*dialects)(checked)

    return mark


def _in_dialects(*dialects: str) -> Callable[[Any], Any]:
    groups = [pytest.param(one, marks=pytest.mark.xdist_group(f"requests-{one}")) for one in dialects]

    def mark(test: Any) -> Any:
        of_module = pytest.mark.asyncio(loop_scope="module")(test)
        return pytest.mark.parametrize("office", groups, indirect=True, scope="module")(of_module)

    return mark


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A daemon that all tests of a dialect share: each leaves the lines as it found them."""
    folder = tmp_path_factory.mktemp("requests")
    handlers = [["holder"], ["holder"], ["holder"], ["holder"], []]
    server = {"dialect": request.param, "reconnect_delay": 0.1}
    system = System(folder, handlers, changes={"ctserver": server})
    system.config["port"] = [port | {"caller_id": False} for port in system.config["port"]]
    system.config["port"][STATION - 1]["kind"] = "station"
    (system.plugins_folder / "holder.py").write_text(HOLDER)
    whistle = folder / "whistle.au"
    soundfile.write(whistle, decode(sine((WHISTLE,), 120.0)), RATE, subtype="ULAW")
    try:
        await system.start()
        yield Office(system, request.param, whistle)
        assert await system.stop() == 0
    finally:
        await system.kill()


def frequencies(samples: Samples) -> set[int]:
    """Which of all frequencies stand out; none in silence."""
    if samples.size == 0 or np.abs(samples).max() < 50:
        return set()
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return {one for one in HERTZ if power[round(one * samples.size / RATE)] > power.max() / 4}


async def hears(phone: Phone, *hertz: int) -> None:
    """Wait until the last half second that a telephone heard is of these frequencies; of none: until it is silent."""
    heard: set[int] = set()
    for _ in range(300):
        heard = frequencies(phone.heard[-RATE // 2 :])
        if heard == set(hertz):
            return
        await phone.wait(0.2)
    raise AssertionError(f"{set(hertz)} Hz were not heard in a minute of the line; at the end it was {heard}")


@asynccontextmanager
async def speaking(phone: Phone, hertz: int) -> AsyncIterator[None]:
    """A telephone sends a tone meanwhile."""
    said = asyncio.create_task(phone.say(tone(hertz, 300.0)))
    try:
        yield
    finally:
        said.cancel()
        await asyncio.gather(said, return_exceptions=True)


def tone(hertz: int, seconds: float) -> Samples:
    """What a telephone says."""
    return decode(sine((hertz,), seconds, 6000))


def holds(samples: Samples, said: Samples) -> bool:
    """Whether the very samples of what was said are in others."""
    return samples.astype(np.int16).tobytes().find(said.astype(np.int16).tobytes()) >= 0


def recorded(path: Path) -> Samples:
    """What is in a file, as 16-bit samples."""
    samples, _ = soundfile.read(path, dtype="int16")
    return np.asarray(samples)


async def took(phone: Phone, request: Awaitable[object]) -> float:
    """How many seconds of the line a request took; half a second may be under way to the telephone."""
    before = phone.time
    await request
    return phone.time - before


# -- in both dialects


def test_no_request_is_left_out() -> None:
    """Every request has a test of what it does; in the classic dialect, or one of the sentence that refuses it."""
    assert SHOWN["keyed"] == EVERY
    assert SHOWN["classic"] | set(LACKING) == EVERY
    assert not SHOWN["classic"] & set(LACKING)


@shows("off_hook", "on_hook")
async def test_hook(office: Office) -> None:
    """On hook, the call is over; the next one rings until the line is taken off hook."""
    async with office.call() as first:
        await office.ask(1, "on_hook")
        assert (await first.ended()).by == "line"
        async with await office.dial(1) as second:
            await second.ringing()
            assert not second.was_answered
            await office.ask(1, "off_hook")
            await second.answered()


@shows("play")
async def test_prompt_is_played(office: Office) -> None:
    """A prompt is heard to the sample, found by its name; a key ends one, and is in the reply."""
    async with office.call() as phone:
        assert (await office.run(1, "play", "beep"))["status"] == "OK"
        await phone.until("beep")
        assert holds(phone.heard, recorded(SHIPPED / "beep.au"))
        playing = asyncio.create_task(office.values(1, "play", office.whistle))
        await hears(phone, WHISTLE)
        await phone.press("5")
        assert await playing == ["5"]
        await hears(phone)
        assert not phone.playbacks[-1].complete


@shows("play_async", "play_stop")
async def test_prompt_is_played_meanwhile(office: Office) -> None:
    """The reply comes while the prompt is heard, until it is stopped."""
    async with office.call() as phone:
        await office.ask(1, "play_async", office.whistle)
        await hears(phone, WHISTLE)
        await office.ask(1, "play_stop")
        await hears(phone)
        assert not phone.playbacks[-1].complete


@shows("play_tone", "stop_tone")
async def test_tones(office: Office) -> None:
    """Each tone has its frequencies, in place of the one before, until it is stopped."""
    async with office.call() as phone:
        for name, hertz in {
            "busy": (480, 620),
            "dial": (350, 440),
            "ringback": (440, 480),
            "DIALX": (350, 440),
        }.items():
            await office.ask(1, "play_tone", name)
            await hears(phone, *hertz)
        await office.ask(1, "stop_tone")
        await hears(phone)


@shows("record")
async def test_caller_is_recorded(office: Office) -> None:
    """What the caller says is in the file to the sample; an ending key or the limit ends it."""
    said = tone(900, 1.0)
    async with office.call() as phone:
        recording = asyncio.create_task(office.ask(1, "record", office.system.state / "key.wav", 600, "#"))
        await phone.until_recording()
        await phone.say(said)
        await phone.press("1#")
        assert (await recording)["status"] == "OK"
        assert holds(recorded(office.system.state / "key.wav"), said)
        await office.ask(1, "record", office.system.state / "limit.wav", 2)
        assert recorded(office.system.state / "limit.wav").size == 2 * RATE


@shows("sleep")
async def test_sleep(office: Office) -> None:
    """It takes the line's time, or ends with a key, which is in the reply."""
    async with office.call() as phone:
        assert await took(phone, office.ask(1, "sleep", 4)) >= 3
        sleeping = asyncio.create_task(office.values(1, "sleep", 1000))
        keys = await repeat_until(sleeping, lambda: phone.press("7"))
        assert set(*keys) == {"7"}


@shows("collect", "clear")
async def test_keys(office: Office) -> None:
    """Keys are collected in order, those typed ahead too; those that were cleared are not."""
    async with office.call() as phone:
        await phone.press("12")
        collecting = asyncio.create_task(office.values(1, "collect", 4, 100))
        await phone.press("*#5")
        assert await collecting == ["12*#"]
        assert await office.values(1, "collect", 1, 1) == ["5"]
        await phone.press("89")
        await phone.wait(1)  # by then they have reached the line
        await office.ask(1, "clear")
        assert await office.values(1, "collect", 2, 1) == [""]


@shows("dial", "wait_for_dial_tone", "play_tone")
async def test_dialling(office: Office) -> None:
    """Keys are heard as tones; a flash brings dial tone, and then another line's number connects with that line."""
    async with office.call() as phone:
        await office.ask(1, "dial", "5,5")
        await phone.wait(1)
        assert frequencies(phone.heard) == {770, 1336}
        if office.dialect == "keyed":
            with pytest.raises(ControlError, match="port main:1: ctserver refused ctwaitfordial: no-dial-tone"):
                await office.ask(1, "wait_for_dial_tone")
        else:
            assert await took(phone, office.ask(1, "wait_for_dial_tone")) >= 9
        await office.ask(1, "dial", "&")
        while await took(phone, office.ask(1, "wait_for_dial_tone")) >= 9:
            pass  # the machine was busy: 9 s of the line are a third of ours
        await office.ask(1, "dial", "2")
        await office.held(2)
        await office.ask(2, "play_tone", "busy")
        await office.ask(1, "record", office.system.state / "heard.wav", 3)
        assert frequencies(recorded(office.system.state / "heard.wav")) == {480, 620}
        await office.ask(1, "on_hook")
        await office.release(2)


@shows("wait_for_event")
async def test_events_are_waited_for(office: Office) -> None:
    """The reply tells of the next event: here, a key."""
    async with office.call() as phone:
        assert (await office.event(1, "7", lambda: phone.press("7")))["event"] == "dtmf"


@shows("send_event")
async def test_message_to_another_port(office: Office) -> None:
    """Another port gets it as an event."""
    async with office.call(1), office.call(2):
        reply = await office.event(2, "HELLO", lambda: office.ask(1, "send_event", 2, "HELLO"))
        assert reply["event"] == "message"
        if office.dialect == "keyed":
            await office.ask(1, "send_event", 2, "NEWS", "of", "today")
            assert (await office.told("2 message rly=NEWS")).endswith("arg2=0 arg3=of arg4=today argc=4")


@shows("start_timer", "stop_timer")
async def test_timer(office: Office) -> None:
    """It cuts short what waits on the port; stopped, it does not."""
    async with office.call() as phone:
        await office.ask(1, "start_timer", 20)
        cut = await office.ask(1, "sleep", 500)
        assert cut["event"] == ("timer" if office.dialect == "keyed" else None)
        assert phone.time < 400
        await office.ask(1, "start_timer", 10)
        await office.ask(1, "stop_timer")
        assert await took(phone, office.ask(1, "sleep", 12)) >= 11


@shows("join", "bridge", "unbridge")
async def test_two_ports_together(office: Office) -> None:
    """Two telephones hear each other, until they are parted."""
    async with office.call(1) as one, office.call(2) as two, speaking(one, 500), speaking(two, 900):
        for name, ports in {"join": (1, 2), "bridge": (2,)}.items():
            await office.ask(1, name, *ports)
            await hears(one, 900)
            await hears(two, 500)
            await office.ask(1, "unbridge", 2)
            await hears(one)
            await hears(two)


@asynccontextmanager
async def station(office: Office) -> AsyncIterator[tuple[Phone, list[int]]]:
    """The set of the station port, on hook, ready to be rung; and how often it was.

    In the classic dialect a call has to be under way for that: the set begins one, and is put down.
    """
    rings: list[int] = []

    def listen(happening: Happening) -> None:
        if isinstance(happening, Ring):
            rings.append(happening.count)

    try:
        async with await Phone.attach(office.system.exchange_url, STATION, listen=listen) as phone:
            if office.dialect == "classic":
                await phone.offhook()
                await office.held(STATION)
                await phone.hangup()
                await office.ask(STATION, "on_hook")
            yield phone, rings
    finally:
        await office.release(STATION)


@shows("start_ring", "stop_ring", "ring_once")
async def test_set_is_rung(office: Office) -> None:
    """A set rings once, or until it is told to stop."""
    async with office.call() as watch, station(office) as (phone, rings):
        await office.ask(STATION, "ring_once")
        await phone.ringing()
        await watch.wait(13)
        assert rings == [1]
        await office.ask(STATION, "start_ring")
        await office.system.until(lambda: len(rings) >= 3)
        await office.ask(STATION, "stop_ring")
        so_far = len(rings)
        await watch.wait(13)
        assert len(rings) == so_far
        assert rings[1:] == list(range(1, so_far))


@shows("wait_for_ring", dialects=("keyed",))
async def test_ring_is_waited_for(office: Office) -> None:
    """The reply comes with the ring that was asked for, and tells who calls."""
    await office.ask(UNHANDLED, "listen_for_cid")
    waiting = asyncio.create_task(office.values(UNHANDLED, "wait_for_ring", 2))
    async with await office.dial(UNHANDLED) as phone:
        assert await waiting == ["5550100", "Ada", "Lovelace"]
        assert await phone.ringing() >= 2
    await office.release(UNHANDLED)


# -- in the keyed dialect only


@shows("wait_for_dial_tone", "dial", "port_status", dialects=("keyed",))
async def test_line_is_seized(office: Office) -> None:
    """An idle line off hook has dial tone and may dial; each step shows in the port's state."""

    async def state() -> str:
        number, told, script, _ = await office.values(3, "port_status")
        assert (number, script) == ("3", "")
        return told

    assert await state() == "idle"
    await office.ask(3, "off_hook")
    assert await state() == "seized"
    await office.ask(3, "wait_for_dial_tone")
    await office.ask(3, "dial", "2")
    await office.held(2)
    assert await state() == "connected"
    await office.ask(3, "on_hook")
    assert await state() == "idle"
    assert (await office.values("manager", "port_status", 3))[:2] == ["3", "idle"]
    await office.release(2)


@shows("play", "record", dialects=("keyed",))
async def test_what_the_keyed_dialect_adds_to_sound(office: Office) -> None:
    """A prompt may ignore keys, and silence may end a recording."""
    async with office.call() as phone:
        playing = asyncio.create_task(office.values(1, "play", "menu-main", "ignore_dtmf"))
        await phone.press("5")
        assert await playing == ["5"]
        await phone.until("menu-main")
        recording = asyncio.create_task(office.ask(1, "record", office.system.state / "silent.wav", 0, "", 2))
        await phone.until_recording()
        await phone.say(tone(900, 1.0))
        assert (await recording)["status"] == "OK"
        assert holds(recorded(office.system.state / "silent.wav"), tone(900, 1.0))


@shows("record_stop", dialects=("keyed",))
async def test_recording_is_stopped(office: Office) -> None:
    """A recording ends from outside, and what was recorded is kept."""
    async with office.call() as phone:
        recording = asyncio.create_task(office.ask(1, "record", office.system.state / "x.wav"))
        await phone.until_recording()
        await phone.say(tone(900, 1.0))
        await office.ask(1, "record_stop")
        reply = await recording
        assert (reply["status"], reply["event"]) == ("EVENT", "message")
        assert "RECORD_STOP" in reply["line"]
        assert holds(recorded(office.system.state / "x.wav"), tone(900, 1.0))


@shows("clear_events", dialects=("keyed",))
async def test_events_that_wait_are_forgotten(office: Office) -> None:
    """Events wait for clients of the classic dialect, who fetch them: after it there are none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.system.first_port)

    async def say(line: bytes) -> None:
        writer.write(line + b"\n")
        await writer.drain()

    async def line() -> bytes:
        return (await reader.readuntil(b"\n\0")).rstrip(b"\n\0")

    try:
        await say(b"ctclear")
        assert await line() == b"OK"
        async with office.call() as phone:
            await say(b"ctwaitforevent")
            assert (await line(), await line()) == (b"0", b"ring")
            await phone.press("12")
            await phone.wait(1)  # by then they have reached the line
            await office.ask(1, "clear_events")
            await phone.press("3")
            await say(b"ctwaitforevent")
            assert (await line(), await line()) == (b"0", b"3")
    finally:
        writer.close()
        await writer.wait_closed()


@shows("join_conference", "leave_conference", dialects=("keyed",))
async def test_conference(office: Office) -> None:
    """Each of three hears the two others; who leaves is out of it."""
    async with (
        office.call(1) as one, office.call(2) as two, office.call(3) as three,
        speaking(one, 500), speaking(two, 900), speaking(three, 1700),
    ):  # fmt: skip
        await office.ask(2, "join_conference", 1)
        await office.ask(3, "join_conference", 1)
        await hears(one, 900, 1700)
        await hears(two, 500, 1700)
        await hears(three, 500, 900)
        await office.ask(3, "leave_conference", 1)
        await hears(three)
        await hears(one, 900)
        await hears(two, 500)


@shows("grunt_on", "grunt_off", dialects=("keyed",))
async def test_grunts(office: Office) -> None:
    """Sound after silence is an event, while it is listened for."""
    start = len(office.events())
    async with office.call() as phone:
        await office.ask(1, "grunt_on")
        await phone.say(tone(500, 1.0))
        await office.told("1 grunt", start)
        await office.ask(1, "grunt_off")
        await phone.wait(1)
        await phone.say(tone(500, 1.0))
        await phone.press("1")
        await office.told("1 dtmf", start)
    assert sum(event.startswith("1 grunt") for event in office.events(start)) == 1


@shows("listen_for_cid", "listen_for_cid_jp", "read_cid", dialects=("keyed",))
async def test_caller_id(office: Office) -> None:
    """Who calls is an event after the second ring, if it was listened for."""
    for listen in (None, "listen_for_cid", "listen_for_cid_jp"):
        start = len(office.events())
        if listen:
            await office.ask(UNHANDLED, listen)
        async with await office.dial(UNHANDLED):
            await office.told(f"{UNHANDLED} ring rly=ring src=4 dst=4 arg1=ring arg2=2", start)
            await office.ask(UNHANDLED, "read_cid")
            told = await office.told(f"{UNHANDLED} cid", start)
        heard = "arg2=5550100 arg3=Ada arg4=Lovelace argc=4" if listen else "arg2= arg3= argc=3"
        assert told.endswith(heard)
        await office.release(UNHANDLED)


@shows("send_cid", dialects=("keyed",))
async def test_caller_id_for_a_set(office: Office) -> None:
    """A set on hook is told who will call."""
    url = office.system.exchange_url
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as phone:
        assert (await phone.receive_json())["type"] == "hello"
        await phone.send_json({"type": "attach", "port": STATION})
        await office.ask(STATION, "ring_once")  # the set is there when it rings
        while (await phone.receive_json())["type"] != "ringing":
            pass
        await office.ask(STATION, "send_cid", "5550100", "Ada", "Lovelace")
        assert await phone.receive_json() == {"type": "caller", "number": "5550100", "name": "Ada Lovelace"}


@shows("set_script_name", "port_reset", "port_status", dialects=("keyed",))
async def test_script_name_and_reset(office: Office) -> None:
    """What runs on a port stands in its state; reset, the port is as newly started."""
    async with office.call(2) as phone:
        await office.run(2, "set_script_name", "ivr")
        assert await office.values(2, "port_status") == ["2", "connected", "ivr", "0"]
        await office.ask(2, "port_reset")
        assert (await phone.ended()).by == "line"
        assert await office.values(2, "port_status") == ["2", "idle", "", "0"]


@shows("ser_version", "roll_log", dialects=("keyed",))
async def test_server_itself(office: Office) -> None:
    """It tells its version, to a port too, and puts its log aside."""
    assert await office.values("manager", "ser_version") == [ctserver.VERSION]
    assert await office.values(1, "ser_version") == [ctserver.VERSION]
    before = set(office.system.state.glob("ctserver.log.*"))
    await office.ask("manager", "roll_log")
    (aside,) = set(office.system.state.glob("ctserver.log.*")) - before
    assert "serversion" not in (office.system.state / "ctserver.log").read_text()
    assert aside.stat().st_size > 0


@shows("shutdown", dialects=("keyed",))
async def test_server_is_shut_down(office: Office) -> None:
    """Ctserver stops in order; the supervisor starts it again, and calls go on."""
    (before,) = (await office.system.status()).ctserver
    assert (await office.ask("manager", "shutdown"))["status"] == "OK"
    while (await office.system.status()).ctserver[0].pid in (before.pid, None):
        await tick()
    assert (await office.system.status()).ctserver[0].starts == before.starts + 1
    for port in range(1, UNHANDLED + 1):
        await office.system.idle(port)
    async with office.call() as phone:
        await office.ask(1, "play", "beep")
        await phone.until("beep")


# -- in the classic dialect only


@shows("wait_for_ring", dialects=("classic",))
async def test_daemon_waits_for_rings_itself(office: Office) -> None:
    """A port without a call waits for a ring, and says so; the reply to that tells who calls."""
    for name in ("wait_for_ring", "clear"):
        cmd = REQUESTS[name].cmd
        sentence = f"port main:{UNHANDLED}: waits for a ring, so {cmd} was not sent"
        with pytest.raises(ControlError, match=sentence):
            await office.ask(UNHANDLED, name)
    async with await office.dial(UNHANDLED):
        port = f"main:{UNHANDLED}"
        await office.system.logged("reply", port=port, request="ctwaitforring", status="OK")
        await office.system.logged("call", port=port, caller="Ada Lovelace <5550100>")
    await office.release(UNHANDLED)


@shows("wait_for_event", dialects=("classic",))
async def test_events_of_an_earlier_call_are_forgotten(office: Office) -> None:
    """The events of a call are its own: the hang-up of the one before would end it."""
    async with office.call():
        pass
    async with office.call() as phone:
        await phone.press("1")
        await phone.wait(1)  # by then the key waits
        assert [(await office.ask(1, "wait_for_event"))["event"] for _ in range(3)] == ["ring", "ring", "dtmf"]
        waiting = asyncio.create_task(office.ask(1, "wait_for_event"))  # there are no more
        await phone.wait(3)
        assert not waiting.done()
        await phone.press("2")
        assert (await waiting)["event"] == "dtmf"


@shows("send_event", "start_timer", dialects=("classic",))
async def test_only_a_ring_is_a_ring(office: Office) -> None:
    """Neither a message to a port that waits for a ring nor its timer begins a call there."""
    start = len(office.system.log_lines)
    async with office.call(1):
        await office.ask(1, "start_timer", 20)
        await office.ask(1, "send_event", 2, "NEWS")
    async with office.call(2) as watch:
        await watch.wait(25)
    calls = [line for line in office.system.log_lines[start:] if line["event"] == "call"]
    assert [(line["port"], line["caller"]) for line in calls] == [
        ("main:1", "Ada Lovelace <5550100>"),
        ("main:2", "Ada Lovelace <5550100>"),
    ]


@_in_dialects("classic")
@pytest.mark.parametrize("name", LACKING)
async def test_what_the_classic_dialect_lacks(office: Office, name: str) -> None:
    """What it has no request for is one sentence that names the dialect, whatever the port does at the time."""
    lacks = REQUESTS[name].cmd if name in REQUESTS else "way to stop a recording from outside"
    with pytest.raises(ControlError) as refused:
        await office.ask(1, name, *LACKING[name])
    assert str(refused.value) == f"port main:1: the classic dialect of its ctserver has no {lacks}"


@_in_dialects("classic")
@pytest.mark.parametrize(
    ("name", "arguments", "lacks"),
    [
        ("play", ("beep", "ignore_dtmf"), "ctplay with ignore_dtmf"),
        ("play_async", ("beep", "ignore_dtmf"), "ctplayasync with ignore_dtmf"),
        ("record", ("/tmp/x.wav", 5, "#", 2), "ctrecord with 2"),
        ("wait_for_ring", (3,), "ctwaitforring with 3 0"),
        ("send_event", (2, "NEWS", "today"), "ctsendevent with today"),
    ],
)
async def test_what_the_classic_dialect_lacks_of_a_request(
    office: Office, name: str, arguments: tuple[object, ...], lacks: str
) -> None:
    """An argument that it knows not is refused in the same way, never dropped."""
    with pytest.raises(ControlError) as refused:
        await office.ask(1, name, *arguments)
    assert str(refused.value) == f"port main:1: the classic dialect of its ctserver has no {lacks}"


@_in_dialects("classic")
async def test_classic_dialect_has_no_manager(office: Office) -> None:
    """Who speaks to it is told so in one sentence."""
    for name in ("manager", "main:manager"):
        refused = await office.system.run("request", name, "ser_version")
        assert refused.status == 1
        assert refused.err == "ctportd: manager of main: the classic dialect of its ctserver has no serversion\n"
