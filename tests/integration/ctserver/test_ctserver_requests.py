"""Requests, one at a time: collecting, events between ports, states, and everything that is wrong with them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from integration.ctserver.conftest import Office


async def test_collecting_takes_what_was_typed_ahead(office: Office) -> None:
    """Keys go to the collect that asks for them, the rest to the next."""
    client, phone = await office.answered()
    await phone.press("12345")
    for _ in range(5):
        await client.event("dtmf")
    assert await client.ask("ctcollect", 3, 10) == ("OK", "123")
    assert await client.ask("ctcollect", 2, 10) == ("OK", "45")
    assert await client.ask("ctcollect", 2, 1) == ("OK", "")


async def test_collecting_waits_between_keys(office: Office) -> None:
    """What was pressed is given when the next key does not come in time."""
    client, phone = await office.answered()
    client.send("ctcollect", 4, 100, 1)
    await phone.press("1*")
    assert await client.reply("ctcollect") == ("OK", "1*")


async def test_sleeping_takes_the_lines_time(office: Office) -> None:
    """Two seconds are a hundred frames."""
    client, phone = await office.answered()
    before = len(phone.heard)
    assert await client.ask("ctsleep", 2) == ("OK", "")
    await phone.until(lambda: len(phone.heard) >= before + 99)
    assert len(phone.heard) - before < 140


async def test_timer(office: Office) -> None:
    """It comes as an event, cuts what blocks, and comes not at all when it was stopped."""
    client, _ = await office.answered()
    assert await client.ask("ctstarttimerasync", 1) == ("OK",)
    assert await client.ask("ctsleep", 100) == ("EVENT", "", "timer")
    await client.ask("ctstarttimerasync", 1)
    assert await client.event("timer") == ()
    await client.ask("ctstarttimerasync", 1)
    await client.ask("ctstoptimer")
    assert await client.ask("ctsleep", 3) == ("OK", "")


async def test_waiting_for_any_event(office: Office) -> None:
    """A key, which ends nothing else of its own accord, is an event too."""
    client, phone = await office.answered()
    client.send("ctwaitforevent")
    await office.blocked()
    await phone.press("4")
    assert await client.reply("ctwaitforevent") == ("EVENT", "4", "dtmf", "4")


async def test_messages_between_ports(office: Office) -> None:
    """A message is an event with its sender; a port that blocks is cut short by it."""
    one, two = await office.client(1), await office.client(2)
    assert await one.ask("ctsendevent", "HELLO", "a", "b", dst=1) == ("OK",)
    assert await two.event("HELLO") == ("0", "a", "b")
    two.send("ctsleep", 1000)
    await office.blocked(2)
    await one.ask("ctsendevent", "STOP", dst=1)
    assert await two.reply("ctsleep") == ("EVENT", "", "STOP", "0")


async def test_states_of_all_ports(office: Office) -> None:
    """One message a port, and each says how many are still to come."""
    client, _ = await office.answered(2)
    manager = await office.client(0)
    await client.ask("ctsetscript", "ivr")
    assert await manager.ask("portstatus", dst=-2) == ("OK", "1", "idle", "", "1")
    assert await manager.reply("portstatus") == ("OK", "2", "connected", "ivr", "0")
    assert await client.ask("portstatus", dst=2) == ("OK", "2", "connected", "ivr", "0")
    assert await client.ask("portstatus", dst=3) == ("ERROR", "no-such-port")


async def test_port_is_reset(office: Office) -> None:
    """On hook, nothing runs, nothing is remembered."""
    client, phone = await office.answered()
    manager = await office.client(0)
    await client.ask("ctsetscript", "ivr")
    client.send("ctsleep", 1000)
    await office.blocked()
    assert await manager.ask("portreset", dst=1) == ("OK", "1", "idle", "", "0")
    assert await client.reply("ctsleep") == ("EVENT", "", "hangup")
    assert (await phone.signal("ended"))["reason"] == "hangup"


async def test_log_is_rolled(office: Office) -> None:
    """The old log keeps its lines under a dated name, and a new one begins."""
    manager = await office.client(0)
    await manager.ask("nonsense")
    await office.logged("unknown-request")
    assert await manager.ask("rolllog", dst=-2) == ("OK",)
    assert await manager.ask("rolllog", dst=-2) == ("OK",)
    aside = [path for path in office.log.parent.iterdir() if path.name.startswith("ctserver.log.")]
    assert len(aside) == 2
    assert any("unknown-request" in path.read_text() for path in aside)
    assert "unknown-request" not in office.log.read_text()


async def test_version_and_shutdown(office: Office) -> None:
    """The version is one word; the reply to shutdown is sent before the server stops."""
    client = await office.client()
    status, version = await client.ask("serversion", dst=-2)
    assert status == "OK"
    assert version.startswith("ctportd-ctserver/")
    assert await client.ask("shutdown", dst=-2) == ("OK",)
    assert office.server.services.stop.is_set()


@pytest.mark.parametrize(
    ("cmd", "args", "reason"),
    [
        ("nonsense", (), "unknown-request"),
        ("ctplay", (), "missing-argument"),
        ("ctplay", ("/nowhere/x.au",), "no-such-sound"),
        ("ctplay", ("x\x01.au", "loudly"), "bad-mode"),
        ("ctsleep", ("long",), "bad-seconds"),
        ("ctsleep", ("-1",), "bad-seconds"),
        ("ctsleep", ("1e9",), "bad-seconds"),
        ("ctcollect", ("0", "1"), "bad-number"),
        ("ctcollect", ("3",), "missing-argument"),
        ("ctrecord", ("/nowhere/x.wav",), "cannot-record"),
        ("ctrecord", ("x.mp9",), "cannot-record"),
        ("ctrecord", ("x.wav", "1", "Z"), "bad-keys"),
        ("ctdial", ("5x",), "bad-number"),
        ("ctplaytoneasync", ("loud",), "no-such-tone"),
        ("ctsendevent", ("hangup",), "reserved-word"),
        ("ctsendevent", ("x" * 256,), "word-too-long"),
        ("ctsendevent", ("HELLO", "x" * 255, "x" * 256), "word-too-long"),
        ("ctsetscript", ("x" * 256,), "word-too-long"),
        ("ctwaitforring", ("1",), "off-hook"),
    ],
)
async def test_what_cannot_be_served_is_refused(
    office: Office, cmd: str, args: tuple[str, ...], reason: str
) -> None:
    """ERROR and one word, a line in the log, and the port goes on."""
    client, _ = await office.answered()
    assert await client.ask(cmd, *args) == ("ERROR", reason)
    await office.logged(reason)
    assert await client.ask("ctsleep", "0.1") == ("OK", "")


@pytest.mark.parametrize("cmd", ["ctplay", "ctplayasync", "ctrecord", "ctdial", "ctplaytoneasync"])
async def test_on_hook_nothing_is_heard(office: Office, tmp_path: Path, cmd: str) -> None:
    """Sound needs a line that was taken."""
    client = await office.client()
    (tmp_path / "x.au").write_bytes(b".snd" + b"".join(n.to_bytes(4, "big") for n in (24, 0, 1, 8000, 1)))
    argument = {"ctdial": "1", "ctplaytoneasync": "dial"}.get(cmd, tmp_path / "x.au")
    assert await client.ask(cmd, argument) == ("ERROR", "on-hook")


async def test_request_for_another_port_is_refused(office: Office) -> None:
    """Only the manager speaks for ports that are not its own, and not for such as are not there."""
    client, manager = await office.client(), await office.client(0)
    assert await client.ask("ctanswer", dst=1) == ("ERROR", "no-such-port")
    assert await manager.ask("ctanswer", dst=1) == ("OK",)
    assert await manager.ask("ctanswer", dst=9) == ("ERROR", "no-such-port")
    assert await manager.ask("ctanswer", dst=-2) == ("ERROR", "no-such-port")


async def test_lines_that_are_no_request(office: Office) -> None:
    """They are logged, counted and skipped; the next request is served."""
    client = await office.client()
    client.writer.write(b"cmd=ctclear src=0 dst=0\nhello\n=\n\n" + b"x" * 70000 + b"\ncmd=ctclear src=0 dst=0 \n")
    assert await client.reply("ctclear") == ("OK",)
    assert await client.reply("ctclear") == ("OK",)
    assert office.server.services.broken_lines == 3


async def test_requests_sent_ahead_are_answered_in_order(office: Office) -> None:
    """One at a time, each before the next begins."""
    client, _ = await office.answered()
    before = len(client.messages)
    client.send("ctsleep", "0.2")
    client.send("ctclear")
    client.send("ctsetscript", "x")
    await client.reply("ctsetscript")
    assert [message.rly for message in client.messages[before:]] == ["ctsleep", "ctclear", "ctsetscript"]


async def test_blocked_port_blocks_no_other(office: Office) -> None:
    """Port 2 answers while port 1 sleeps; and so does port 1, to another connection's quick request."""
    one, two, manager = await office.client(1), await office.client(2), await office.client(0)
    one.send("ctsleep", 100_000)
    await office.blocked()
    assert await two.ask("ctclear") == ("OK",)
    assert await manager.ask("ctclear", dst=0) == ("OK",)


async def test_ninth_connection_of_a_port_is_turned_away(office: Office) -> None:
    """Eight are served for whom something runs, and one that leaves makes room."""
    clients = [await office.client() for _ in range(8)]
    manager, port = await office.client(0), office.server.services.ports[1]
    for client in clients:
        client.send("ctsleep", 100_000)
    while [listener.busy() for listener in port.listeners] != [True] * 8:  # type: ignore[attr-defined]
        await manager.ask("serversion")
    ninth = await office.client()
    async with asyncio.timeout(10):
        await ninth.closed.wait()
    await clients[0].close()
    while len(port.listeners) > 7:
        await manager.ask("serversion")
    assert await (await office.client()).ask("ctclear") == ("OK",)


async def test_client_that_does_not_read_is_dropped(office: Office) -> None:
    """It asks and asks, and never looks at a reply: it is cut off, and the others are served."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.settings.first_port, limit=1024)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        with pytest.raises(ConnectionError):
            await _ask_for_ever(writer)
    writer.transport.abort()
    other = await office.client()
    assert await other.ask("ctclear") == ("OK",)
    await office.logged("does not read")


async def _ask_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"cmd=portstatus src=0 dst=-2 \n" * 1000)
        await writer.drain()


async def test_half_closed_client_gets_its_replies(office: Office) -> None:
    """`printf ... | nc` sends all it has, then closes its side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.settings.first_port)
    writer.write(b"cmd=ctclear src=0 dst=0 \ncmd=ctsetscript src=0 dst=0 arg1=x \n")
    writer.write_eof()
    async with asyncio.timeout(10):
        assert (await reader.read()).count(b"arg1=OK") == 2
    writer.close()
    await writer.wait_closed()
