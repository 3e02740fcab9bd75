"""Ports that hear each other, sets on station ports, keys and words heard in the voice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ctportd.ctserver import g711
from ctportd.ctserver.dialling import key_tone
from ctportd.ctserver.mixing import Pipe, mix
from ctportd.ctserver.settings import LineSettings
from ctportd.ctserver.tones import sine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from integration.ctserver.conftest import Office, Phone, RawClient

FRAME = 160
SILENT = b"\xff" * FRAME


@pytest.fixture
async def office(open_office: Callable[..., AbstractAsyncContextManager[Office]]) -> AsyncIterator[Office]:
    """Three trunk ports and a station port, at a speed that leaves joined lines time for each other."""
    lines = (*(LineSettings(number) for number in (1, 2, 3)), LineSettings(4, "station"))
    async with open_office(lines=lines, speed=10.0) as office:
        yield office


async def trio(office: Office) -> tuple[list[RawClient], list[Phone]]:
    """Three calls on three ports."""
    calls = [await office.answered(port) for port in (1, 2, 3)]
    return [client for client, _ in calls], [phone for _, phone in calls]


def voice_in(heard: list[bytes]) -> bytes:
    """What was heard without the silence around and between."""
    return b"".join(frame for frame in heard if frame != SILENT)


@pytest.mark.parametrize("how", ["ctjoin", "ctbridge"])
async def test_two_ports_hear_each_other(office: Office, how: str) -> None:
    """To the sample, both ways at once, until they are parted."""
    clients, phones = await trio(office)
    args = (1, 2) if how == "ctjoin" else (2,)
    assert await clients[0].ask(how, *args) == ("OK",)
    said = [random.Random(name).randbytes(FRAME * 20) for name in "ab"]
    for phone, words in zip(phones, said, strict=False):
        phone.heard.clear()
        phone.say(words)
    await phones[0].until(lambda: len(voice_in(phones[0].heard)) == len(said[1]))
    await phones[1].until(lambda: len(voice_in(phones[1].heard)) == len(said[0]))
    assert voice_in(phones[0].heard) == said[1]
    assert voice_in(phones[1].heard) == said[0]
    assert await clients[0].ask("ctunbridge", 2) == ("OK",)
    assert await clients[0].ask("ctunbridge", 2) == ("ERROR", "not-bridged")
    phones[1].heard.clear()
    phones[0].say(said[0])
    await phones[1].until(lambda: len(phones[1].heard) > 60)
    assert voice_in(phones[1].heard) == b""


def loudest(codes: bytes, *hertz: int) -> set[int]:
    """Which of these frequencies stand out of some voice."""
    samples = g711.decode(codes).astype(np.float64)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return {one for one in hertz if power[round(one * len(samples) / 8000)] > power.max() / 4}


async def test_conference_is_the_sum_of_the_others(office: Office) -> None:
    """Each of three hears the two others, and not itself; one that hangs up is heard no more."""
    clients, phones = await trio(office)
    assert await clients[1].ask("ctjoinconference", 1) == ("OK",)
    assert await clients[2].ask("ctjoinconference", 1) == ("OK",)
    tones = (500, 900, 1700)
    for phone, hertz in zip(phones, tones, strict=True):
        phone.say(sine((hertz,), 20.0, 6000))
    for phone in phones:
        phone.heard.clear()
    for phone in phones:
        await phone.until(lambda phone=phone: len(phone.heard) >= 100)  # type: ignore[misc]
    for place, phone in enumerate(phones):
        assert loudest(b"".join(phone.heard[50:100]), *tones) == set(tones) - {tones[place]}
    assert await clients[2].ask("cthangup") == ("OK",)
    phones[0].heard.clear()
    await phones[0].until(lambda: len(phones[0].heard) >= 130)
    assert loudest(b"".join(phones[0].heard[80:130]), *tones) == {900}
    assert await clients[1].ask("ctleaveconference", 1) == ("OK",)
    assert await clients[1].ask("ctleaveconference", 1) == ("ERROR", "not-in-conference")


def test_sum_is_cut_and_not_turned_over() -> None:
    """Two loud voices give the loudest sample, not one of the other sign."""
    loud, soft = b"\x80" * FRAME, b"\xf0" * FRAME
    assert mix([loud, loud, loud]) == loud
    assert mix([loud, b"\x00" * FRAME]) == SILENT
    assert mix([soft]) == soft
    assert g711.decode(mix([soft, soft]))[0] == pytest.approx(240, abs=8)


def test_pipe_is_bounded() -> None:
    """A line that does not take what it hears loses the oldest; silence is no delay."""
    pipe = Pipe()
    for number in range(80):
        pipe.write(bytes([number]) * FRAME)
    assert pipe.read() == bytes([30]) * FRAME
    pipe = Pipe()
    for _ in range(20):
        pipe.write(SILENT)
    assert [pipe.read() for _ in range(6)] == [SILENT] * 5 + [None]


@pytest.mark.parametrize(
    ("cmd", "args", "reason"),
    [
        ("ctjoin", (1, 9), "no-such-port"),
        ("ctjoin", (1, 2), "on-hook"),
        ("ctjoin", (1, 1), "same-port"),
        ("ctbridge", (), "missing-argument"),
        ("ctjoinconference", (2,), "on-hook"),
        ("ctleaveconference", (9,), "not-in-conference"),
        ("ctstartringasync", (), "no-station-port"),
        ("ctsendcid", ("1",), "no-station-port"),
    ],
)
async def test_what_cannot_be_joined(office: Office, cmd: str, args: tuple[object, ...], reason: str) -> None:
    """A port that is not there, on hook, or the same; a trunk port where a set is wanted."""
    client, _ = await office.answered()
    assert await client.ask(cmd, *args) == ("ERROR", reason)


async def test_key_in_the_voice(office: Office) -> None:
    """A telephone that sends tones in place of signals is understood; it ends what plays."""
    client, phone = await office.answered()
    client.send("ctsleep", 100)
    await office.blocked()
    phone.say(key_tone("8"))
    assert await client.reply("ctsleep") == ("OK", "8")
    assert "dtmf dtmf 8" in client.said


async def test_keys_dialled_to_a_joined_line(office: Office) -> None:
    """What port 1's caller sends as tones is a key on port 1, and is heard by port 2's caller."""
    clients, phones = await trio(office)
    await clients[0].ask("ctjoin", 1, 2)
    phones[0].say(key_tone("3"))
    assert await clients[0].event("dtmf") == ("3",)
    await phones[1].until(lambda: len(voice_in(phones[1].heard[-200:])) >= 4 * FRAME)


async def test_grunts(office: Office) -> None:
    """Sound after silence is told once; while it goes on, and when nobody listens, it is not."""
    client, phone = await office.answered()
    assert await client.ask("ctgrunton") == ("OK",)
    phone.say(sine((300, 800), 2.0) + SILENT * 50 + sine((300, 800), 1.0))
    await client.event("grunt")
    await client.event("grunt")
    await client.ask("ctsleep", 3)
    assert client.said.count("grunt grunt") == 2
    await client.ask("ctgruntoff")
    phone.say(sine((300, 800), 1.0))
    await client.ask("ctsleep", 2)
    assert client.said.count("grunt grunt") == 2


async def test_set_calls(office: Office) -> None:
    """A set is lifted, presses, flashes, hangs up; and lifted again it begins anew."""
    client, phone = await office.client(4), await office.phone()
    await phone.tell("attach", port=4)
    await phone.tell("offhook")
    assert await client.event("pickup") == ()
    await phone.signal("answered")
    await phone.press("1")
    assert await client.event("dtmf") == ("1",)
    await phone.tell("flash")
    assert await client.event("flash") == ()
    assert await client.ask("ctplaytoneasync", "dial") == ("OK",)
    await phone.until(lambda: len(voice_in(phone.heard)) > FRAME * 20)
    await phone.tell("hangup")
    assert await client.event("hangup") == ()
    assert await client.ask("ctsleep", 1) == ("EVENT", "1", "hangup")
    await phone.tell("offhook")
    assert await client.event("pickup") == ()
    assert await client.ask("ctcollect", 1, 1) == ("OK", "")
    assert await client.ask("cthangup") == ("OK",)
    assert (await phone.signal("ended"))["reason"] == "hangup"
    await phone.tell("offhook")
    assert await client.event("pickup") == ()
    await phone.close()
    assert await client.event("hangup") == ()


async def test_set_is_rung(office: Office) -> None:
    """With caller ID, once or until it is lifted, stopped in between."""
    client, phone = await office.client(4), await office.phone()
    await phone.tell("attach", port=4)
    assert await client.ask("ctsendcid", "5550100", "Ada", "Lovelace") == ("OK",)
    assert await phone.signal("caller") == {"type": "caller", "number": "5550100", "name": "Ada Lovelace"}
    assert await client.ask("ctstartringonceasync") == ("OK",)
    assert (await phone.signal("ringing"))["count"] == 1
    assert (await client.ask("portstatus", dst=4))[2] == "ringing"
    await client.ask("ctsleep", 7)
    assert (await client.ask("portstatus", dst=4))[2] == "idle"
    assert await client.ask("ctstartringasync") == ("OK",)
    assert (await phone.signal("ringing"))["count"] == 1
    assert (await phone.signal("ringing"))["count"] == 2
    assert await client.ask("ctstopring") == ("OK",)
    await client.ask("ctsleep", 7)
    assert phone.kinds.count("ringing") == 3
    await client.ask("ctstartringasync")
    client.send("ctwaitforevent")
    await office.blocked(4)
    await phone.tell("offhook")
    assert await client.reply("ctwaitforevent") == ("EVENT", "", "pickup")
    assert await client.ask("ctstartringasync") == ("ERROR", "off-hook")
    assert await client.ask("ctsendcid", "1") == ("ERROR", "off-hook")


async def test_set_rings_for_nobody(office: Office) -> None:
    """When the last client has left, nobody could stop the ringing: it stops by itself."""
    client = await office.client(4)
    assert await client.ask("ctstartringasync") == ("OK",)
    manager = await office.client(0)
    assert (await manager.ask("portstatus", dst=4))[2] == "ringing"
    await client.close()
    while (await manager.ask("portstatus", dst=4))[2] != "idle":
        pass


async def test_sets_are_attached_once(office: Office) -> None:
    """One set a port, and only to a station port; one that was lost makes room."""
    phone, other = await office.phone(), await office.phone()
    await phone.tell("attach", port=1)
    await phone.signal("error")
    await phone.tell("offhook")
    await phone.signal("error")
    await phone.tell("attach", port=4)
    await other.tell("attach", port=4)
    assert "has a set" in (await other.signal("error"))["message"]
    await other.call(4)
    assert "no trunk port" in (await other.signal("error"))["message"]
    await phone.close()
    client = await office.client(4)
    while (await client.ask("portstatus", dst=4)) and "answered" not in other.kinds:
        await other.tell("attach", port=4)
        await other.tell("offhook")


async def test_set_and_trunk_are_joined(office: Office) -> None:
    """A caller speaks with the set that was rung for it."""
    client, caller = await office.answered(1)
    station, set_ = await office.client(4), await office.phone()
    await set_.tell("attach", port=4)
    await set_.tell("offhook")
    await station.event("pickup")
    assert await client.ask("ctbridge", 4) == ("OK",)
    words = random.Random("words").randbytes(FRAME * 10)
    caller.say(words)
    await set_.until(lambda: len(voice_in(set_.heard)) == len(words))
    assert voice_in(set_.heard) == words
