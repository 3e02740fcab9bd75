"""Calls that a trunk port makes: dial tone, ringing, answer, busy, nobody there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ctportd.ctserver.dialtone import DialToneDetector
from ctportd.ctserver.directory import Directory
from ctportd.ctserver.settings import LineSettings
from ctportd.ctserver.tones import COUNTRIES, loop_of
from ctportd.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from integration.ctserver.conftest import Office, Phone, RawClient

FRAME = 160
SILENT = b"\xff" * FRAME


@pytest.fixture
async def office(open_office: Callable[..., AbstractAsyncContextManager[Office]]) -> AsyncIterator[Office]:
    """Two trunk ports: 5550001 and, without a number of its own, 2."""
    async with open_office(lines=(LineSettings(1, name="5550001"), LineSettings(2, name="front door"))) as office:
        yield office


async def seized(office: Office) -> RawClient:
    """Port 1, off hook, with dial tone."""
    client = await office.client(1)
    assert await client.ask("ctanswer") == ("OK",)
    assert await client.ask("ctwaitfordial") == ("OK",)
    return client


async def subscriber(office: Office, number: str) -> Phone:
    """A telephone with a number."""
    phone = await office.phone()
    await phone.tell("subscribe", number=number)
    return phone


async def state(client: RawClient, wanted: str) -> None:
    """Wait until the client's port is in a state."""
    while (await client.ask("portstatus", dst=client.handle + 1))[2] != wanted:
        pass


async def test_telephone_is_called(office: Office) -> None:
    """It shows who calls, rings, answers; both speak; it presses keys; it hangs up."""
    phone, client = await subscriber(office, "5550199"), await seized(office)
    assert await client.ask("ctdial", "5550199") == ("OK", "")
    assert await phone.signal("caller") == {"type": "caller", "number": "5550001", "name": ""}
    assert (await phone.signal("ringing"))["count"] == 1
    assert (await phone.signal("ringing"))["count"] == 2
    assert not phone.heard
    await phone.tell("offhook")
    await phone.signal("answered")
    await state(client, "connected")
    await phone.press("4")
    assert await client.event("dtmf") == ("4",)
    assert await client.ask("ctdial", "7") == ("OK", "4")
    await phone.until(lambda: sum(frame != SILENT for frame in phone.heard) == 5)
    await phone.tell("hangup")
    assert await client.event("hangup") == ()
    await client.ask("cthangup")
    await client.ask("ctanswer")
    await client.ask("ctdial", "5550199")
    assert (await phone.signal("ringing"))["count"] == 1
    await client.ask("cthangup")
    assert (await phone.signal("ended"))["reason"] == "hangup"


async def test_port_calls_port(office: Office, tmp_path: object) -> None:
    """Through the exchange and back: it rings there, with our number, and we speak with it."""
    one, two = await seized(office), await office.client(2)
    await two.ask("ctlistenforcid")
    await one.ask("ctdial", "2")
    assert await two.event("ring") == ("1",)
    assert await two.event("ring") == ("2",)
    await two.ask("ctreadcid")
    assert await two.event("cid") == ("5550001",)
    assert await two.ask("ctanswer") == ("OK",)
    await state(one, "connected")
    await one.ask("ctdial", "159")
    assert [await two.event("dtmf") for _ in range(3)] == [("1",), ("5",), ("9",)]
    await two.ask("ctdial", "#")
    assert await one.event("dtmf") == ("#",)
    await two.ask("cthangup")
    assert await one.event("hangup") == ()


async def test_recording_of_another_port(
    office: Office, tmp_path: object, sound_of: Callable[[str, int], tuple[object, bytes]]
) -> None:
    """What one port plays is what the other records, to the sample."""
    path, codes = sound_of("speech.au", 50)
    one, two = await seized(office), await office.client(2)
    await one.ask("ctdial", "2")
    await two.event("ring")
    await two.ask("ctanswer")
    await state(one, "connected")
    two.send("ctrecord", f"{tmp_path}/x.au", 0, "", 0)
    while not list(Path(str(tmp_path)).glob("x.au.*.part")):  # noqa: ASYNC240
        await one.ask("ctclear")
    await one.ask("ctsleep", "0.1")  # by then it is listened to
    assert (await one.ask("ctplay", path, "ignore_dtmf"))[0] == "OK"
    await one.ask("cthangup")
    assert (await two.reply("ctrecord"))[2] == "hangup"
    with open(f"{tmp_path}/x.au", "rb") as file:  # noqa: ASYNC230, PTH123  it is small, and made
        assert file.read()[24:].strip(b"\xff") == codes.strip(b"\xff")


@pytest.mark.parametrize("number", ["999", "5550001", "2"])
async def test_number_that_cannot_be_had(office: Office, number: str) -> None:
    """Nobody's, our own, or busy: busy tone, which is no dial tone, until we hang up."""
    other = await office.client(2)
    await other.ask("ctanswer")
    client = await seized(office)
    await client.ask("ctdial", number)
    await state(client, "failed")
    assert await client.ask("ctwaitfordial") == ("ERROR", "no-dial-tone")
    await client.ask("cthangup")
    await client.ask("ctanswer")
    assert await client.ask("ctwaitfordial") == ("OK",)


async def test_nobody_answers(office: Office) -> None:
    """After ten rings the exchange gives up; a telephone that does not want the call ends it sooner."""
    phone, client = await subscriber(office, "31"), await seized(office)
    await client.ask("ctdial", "31")
    await state(client, "failed")
    assert phone.kinds.count("ringing") == 10
    await phone.signal("ended")
    await client.ask("cthangup")
    await client.ask("ctanswer")
    await client.ask("ctdial", "31#")
    await phone.signal("ringing")
    await phone.tell("hangup")
    await state(client, "failed")


async def test_caller_gives_up(office: Office) -> None:
    """The far port stops ringing, and is free."""
    one, two = await seized(office), await office.client(2)
    await one.ask("ctdial", "2")
    await two.event("ring")
    await one.ask("cthangup")
    assert (await two.ask("portstatus", dst=2))[2] == "idle"


async def test_numbers_are_unlike(office: Office) -> None:
    """A number is one telephone's; what is none is refused; a telephone that is gone frees its own."""
    phone, other = await subscriber(office, "31"), await office.phone()
    for number in ("31", "2", "", "a"):
        await other.tell("subscribe", number=number)
        assert (await other.signal("error"))["message"]
    await other.tell("subscribe", number="32")
    await other.tell("offhook")
    assert "nobody rings" in (await other.signal("error"))["message"]
    await phone.close()
    await subscriber(office, "31")


async def test_two_lines_of_one_number(open_office: Callable[..., AbstractAsyncContextManager[Office]]) -> None:
    """The server does not start, and says which line it is."""
    with pytest.raises(ServerError, match="line 2: the number 1 is taken"):
        async with open_office(lines=(LineSettings(1), LineSettings(2, name="1"))):
            pass


def test_number_that_begins_another() -> None:
    """12 is complete only where nobody has 123."""

    class Nobody:
        def ring(self, caller: object, number: str, name: str) -> None:
            """Busy."""

    directory = Directory()
    directory.add("12", Nobody())
    assert directory.is_complete("12")
    directory.add("123", Nobody())
    assert not directory.is_complete("12")
    directory.remove("123")
    assert directory.is_complete("12")
    assert not directory.is_complete("1")


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_dial_tone_is_told_from_all_others(country: str) -> None:
    """In every country; the stuttering one counts where it is as steady."""
    tones = COUNTRIES[country]
    for tone, wanted in (("dial", True), ("busy", False), ("ringback", False)):
        detector = DialToneDetector(tones.dial[0][0], lambda: None)
        codes = loop_of(getattr(tones, tone)) * 12
        for at in range(0, min(len(codes), 96_000) - FRAME, FRAME):
            detector.write(codes[at : at + FRAME])
        assert detector.heard is wanted, tone
