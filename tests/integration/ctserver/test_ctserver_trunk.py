"""Calls on trunk ports: rings, caller ID, answering, hanging up, being busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integration.ctserver.conftest import Office


async def test_call_from_ring_to_hang_up(office: Office) -> None:
    """The whole of a call, as the port and as the telephone see it."""
    client, phone = await office.client(), await office.phone()
    await phone.call(1, "5550100", "Ada")
    assert await client.event("ring") == ("1",)
    assert await client.event("ring") == ("2",)
    assert await client.ask("ctanswer") == ("OK",)
    await phone.signal("answered")
    await phone.press("5")
    assert await client.event("dtmf") == ("5",)
    assert await client.ask("cthangup") == ("OK",)
    assert await phone.signal("ended") == {"type": "ended", "reason": "hangup"}
    await phone.signal("closed")
    assert phone.kinds[:3] == ["hello", "ringing", "ringing"]


async def test_rings_come_every_six_seconds_of_the_line(office: Office) -> None:
    """Two seconds of ring-back, four of silence: the third ring comes 600 frames after the first."""
    phone = await office.phone()
    await phone.call(1)
    for count in (1, 2, 3):
        assert (await phone.signal("ringing"))["count"] == count
    places = [heard for heard, signal in phone.signals if signal["type"] == "ringing"]
    assert [place - places[0] for place in places] == [0, 299, 599]
    loud = [frame != b"\xff" * 160 for frame in phone.heard[:599]]
    assert loud[:100] == [True] * 100
    assert loud[100:300] == [False] * 200
    assert loud[300:400] == [True] * 100


async def test_caller_id_is_read_where_it_was_listened_for(office: Office) -> None:
    """Number, then the words of the name; they are there after the second ring."""
    client, phone = await office.client(), await office.phone()
    await phone.call(1, "5550100", "Ada King Lovelace")
    await client.event("ring")
    assert await client.ask("ctlistenforcid") == ("OK",)
    await client.event("ring")
    assert await client.ask("ctreadcid") == ("OK",)
    assert await client.event("cid") == ("5550100", "Ada", "King", "Lovelace")


async def test_caller_id_is_lost_where_nobody_listened(office: Office) -> None:
    """An event comes all the same, and its fields are empty."""
    client, phone = await office.client(), await office.phone()
    await phone.call(1, "5550100", "Ada")
    await client.event("ring")
    await client.event("ring")
    await client.ask("ctlistenforcid")
    await client.ask("ctreadcid")
    assert await client.event("cid") == ("", "")
    assert client.said.count("cid cid  ") == 1


async def test_caller_who_gives_up_leaves_no_event(office: Office) -> None:
    """The rings simply stop, and the next call rings from 1."""
    client, phone = await office.client(), await office.phone()
    await phone.call(1)
    await client.event("ring")
    await phone.tell("hangup")
    await phone.signal("closed")
    other = await office.phone()
    await other.call(1)
    assert await client.event("ring") == ("1",)
    assert client.said == ["ring ring 1", "ring ring 1"]


async def test_far_end_hangs_up(office: Office) -> None:
    """One hangup event; the line stays taken, and busy to others, until it is put on hook."""
    client, phone = await office.answered()
    await phone.tell("hangup")
    assert await client.event("hangup") == ()
    assert await client.ask("ctsleep", 5) == ("EVENT", "", "hangup")
    second = await office.phone()
    await second.call(1)
    await second.signal("busy")
    await second.signal("closed")
    await client.ask("cthangup")
    third = await office.phone()
    await third.call(1)
    assert await client.event("ring") == ("1",)


async def test_lost_telephone_is_a_hangup(office: Office) -> None:
    """A telephone whose connection is lost has hung up."""
    client, phone = await office.answered()
    await phone.close()
    assert await client.event("hangup") == ()


async def test_hangup_cuts_what_blocks(office: Office) -> None:
    """The asker learns of it in the reply only, others by an event."""
    client, phone = await office.answered()
    other = await office.client()
    client.send("ctcollect", 5, 100)
    await office.blocked()
    await phone.press("12")
    await phone.tell("hangup")
    assert await client.reply("ctcollect") == ("EVENT", "12", "hangup")
    assert await other.event("hangup") == ()
    assert "hangup hangup" not in client.said


async def test_hanging_up_from_outside_ends_what_blocks(office: Office) -> None:
    """A port that the manager puts on hook tells the client that waits for it."""
    client, phone = await office.answered()
    manager = await office.client(0)
    client.send("ctsleep", 1000)
    await office.blocked()
    assert await manager.ask("cthangup", dst=0) == ("OK",)
    assert await client.reply("ctsleep") == ("EVENT", "", "hangup")
    await phone.signal("ended")


async def test_call_ends_when_its_last_client_leaves(office: Office) -> None:
    """No caller waits in vain for a daemon that died."""
    client, phone = await office.answered()
    await client.close()
    assert (await phone.signal("ended"))["reason"] == "hangup"


async def test_wait_for_ring_gives_the_caller(office: Office) -> None:
    """It listens for caller ID itself."""
    client, phone = await office.client(), await office.phone()
    client.send("ctwaitforring", 2, 0)
    await phone.call(1, "5550100", "Ada Lovelace")
    assert await client.reply("ctwaitforring") == ("OK", "5550100", "Ada", "Lovelace")
    assert await client.ask("ctwaitforring", 1) == ("OK", "5550100", "Ada", "Lovelace")


async def test_new_call_begins_with_no_keys(office: Office) -> None:
    """What the last caller pressed is not the next one's."""
    client, phone = await office.answered()
    await phone.press("99")
    await client.event("dtmf")
    await client.event("dtmf")
    await client.ask("cthangup")
    other = await office.phone()
    await other.call(1)
    await client.event("ring")
    await client.ask("ctanswer")
    assert await client.ask("ctcollect", 2, 1) == ("OK", "")


async def test_name_that_no_line_can_carry(office: Office) -> None:
    """Spaces and control characters of a telephone's words do not break the wire."""
    client, phone = await office.client(), await office.phone()
    await phone.call(1, "555 01\n00", "A\u0000da x\u2028y  1 2 3 4 5 6 7 8")
    await client.ask("ctlistenforcid")
    await client.event("ring")
    await client.event("ring")
    await client.ask("ctreadcid")
    number, *words = await client.event("cid")
    assert number == "5550100"
    assert words[0] == "Ada"
    assert len(words) <= 7


async def test_telephone_that_talks_nonsense(office: Office) -> None:
    """It is told so, and its connection lives on."""
    phone = await office.phone()
    for nonsense in (
        "{",
        '{"type":"sing"}',
        '{"type":"press","key":"x"}',
        '{"type":"press","key":"1"}',
        "[]",
        '"\\ud800"',
    ):
        await phone.socket.send_str(nonsense)
        assert (await phone.signal("error"))["message"]
    await phone.call(77)
    assert "77" in (await phone.signal("error"))["message"]
    await phone.socket.send_bytes(b"short")
    await phone.call(1)
    await phone.signal("ringing")
    await phone.call(2)
    assert (await phone.signal("error"))["message"]


async def test_seized_line_has_dial_tone(office: Office) -> None:
    """An idle trunk that is taken is busy to callers."""
    client, phone = await office.client(), await office.phone()
    assert await client.ask("ctanswer") == ("OK",)
    await phone.call(1)
    await phone.signal("busy")
    assert (await client.ask("portstatus", dst=1))[2] == "seized"
