"""The plugin mqtt against a real broker: what it tells, what is kept, and what becomes of it when either goes."""

from __future__ import annotations

import asyncio
import importlib
import json
import ssl
import sys
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiomqtt
import trustme
from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from support.system import ROOT, tick

from ctportd.hooks.loader import load_plugins
from ctportd.records import VoiceMessage
from ctportd.testing.setup import free_ports
from plugins.mqtt import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, MutableMapping
    from pathlib import Path

    import pytest

    from ctportd.testing import Line

ANYBODY = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


@asynccontextmanager
async def broker(port: int, plugins: dict[str, Any] | None = None, **listener: Any) -> AsyncIterator[None]:
    """A broker, as long as the block lasts."""
    default = {"type": "tcp", "bind": f"127.0.0.1:{port}", **listener}
    patience = {"timeout_disconnect_delay": 1_000_000}  # with who is silent: a house's time leaps
    running = Broker({"listeners": {"default": default}, "plugins": plugins or ANYBODY, **patience})
    await running.start()
    try:
        yield
    finally:
        await running.shutdown()


MESSAGE = VoiceMessage("100", "c", datetime(2026, 11, 23, tzinfo=UTC), 7.5, "x.wav", "5\udcff")


class Cable:
    """A connection to the broker that can be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[int]:
        """Lead to the broker as long as the block lasts; gives the TCP port of this end."""
        listener = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            self.cut()
            listener.close()
            await listener.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionRefusedError:
            writer.transport.abort()
            return
        self._ends.append(far_writer)
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    @staticmethod
    async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
        writer.close()

    def cut(self) -> None:
        """Let neither side hear another word of the other one."""
        for writer in self._ends:
            writer.transport.abort()


class Subscriber:
    """Hears everything: the newest of each topic, and every event in its order."""

    def __init__(self) -> None:
        self.newest: dict[str, Any] = {}
        self.events: list[str] = []

    @asynccontextmanager
    async def listening(self, port: int, **options: Any) -> AsyncIterator[None]:
        """Hear, as long as the block lasts."""
        async with aiomqtt.Client("127.0.0.1", port, **options) as client:
            await client.subscribe("#", qos=1)
            hearing = asyncio.create_task(self._hear(client))
            try:
                yield
            finally:
                hearing.cancel()
                await asyncio.wait([hearing])

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            topic, text = str(message.topic), message.payload.decode()
            self.newest[topic] = json.loads(text) if text.startswith("{") else text
            self.events.append(topic)

    async def until(self, happened: Callable[[dict[str, Any]], object]) -> None:
        """Wait until what was heard is so."""
        async with asyncio.timeout(15):
            while not happened(self.newest):
                await tick()


async def test_states_are_kept_whatever_becomes_of_the_broker(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS and a password; a broker that comes late, or anew, or is cut off, knows all states; the end is told."""
    authority, port = trustme.CA(), free_ports(1)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "users").write_text(f"ada:{PasswordHash((Argon2Hasher(),)).hash('hush')}\n")
    users = {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(tmp_path / "users")}}
    server = {"ssl": True, "certfile": str(tmp_path / "server.pem"), "keyfile": str(tmp_path / "server.pem")}
    trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    known = {"username": "ada", "password": "hush", "tls_context": trusted}
    cable, heard, line = (
        Cable(port),
        Subscriber(),
        SimpleNamespace(connected=False, address="main:1", name="", kind="trunk"),
    )
    daemon: Any = Daemon(ports={"main:1": line})
    async with cable.laid() as end:
        table = {"host": "127.0.0.1", "port": end, "tls": True, "ca_file": str(tmp_path / "ca.pem")}
        table |= {"user": "ada", "password_file": str(tmp_path / "secret"), "topic": "home/line"}
        plugins = await asyncio.to_thread(load_plugins, ROOT / "plugins", {"mqtt": table}, "x.toml")
        module: Any = plugins.loaded["mqtt"].module
        monkeypatch.setattr(sys.modules[f"{module.__name__}.broker"], "FIRST_RETRY", 0.02)
        module.daemon_started(plugins.loaded["mqtt"].settings, daemon)
        for new in (1, 2):
            module.message_waiting("100", new, 3, daemon)
        async with broker(port, users, **server), heard.listening(port, **known):
            await heard.until(lambda newest: newest.get("home/line/mailbox/100"))
            module.port_connected(line, daemon)
            module.message_left(MESSAGE, daemon)
            await heard.until(lambda newest: newest.get("home/line/message"))
            assert heard.newest["home/line/status"] == "online"
            cable.cut()
            await heard.until(lambda newest: newest["home/line/status"] == "offline")  # its last will
            await heard.until(lambda newest: newest["home/line/status"] == "online")
        assert heard.newest["home/line/mailbox/100"] == {"new": 2, "old": 3}
        message = heard.newest["home/line/message"]
        assert (message["mailbox"], message["number"]) == ("100", "5?")
        sensor = heard.newest["homeassistant/sensor/home_line/mailbox_100/config"]
        assert (sensor["state_topic"], sensor["availability_topic"]) == (
            "home/line/mailbox/100",
            "home/line/status",
        )
        assert "idle" in heard.newest["homeassistant/sensor/home_line/port_main_1/config"]["options"]
        again = Subscriber()
        async with broker(port, users, **server), again.listening(port, **known):  # one that remembers nothing
            await again.until(lambda newest: newest.get("home/line/mailbox/100"))
            await again.until(lambda newest: newest.get("home/line/port/main:1", {}).get("state") == "idle")
            await module.daemon_stopping(daemon)
            await again.until(lambda newest: newest["home/line/status"] == "offline")
        module.message_waiting("100", 9, 9, daemon)  # nobody is there any more, and nothing is raised
    assert "home/line/message" not in again.newest
    assert any(line["event"] == "the broker cannot be used; it is tried again" for line in log_lines)
    assert "hush" not in str(log_lines)


async def test_broker_that_talks_nonsense_fills_no_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets us in, publishes on topics that there cannot be, and hangs up: it is tried more and more seldom."""
    pauses: list[float] = []
    module = importlib.import_module("plugins.mqtt.broker")

    async def pause(_self: object, seconds: float) -> None:
        pauses.append(seconds)
        await tick()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x02\0\0" + 1000 * b"\x30\x06\0\3a/#x")
        with suppress(OSError):
            await writer.drain()
        writer.close()

    monkeypatch.setattr(module.Broker, "_pause", pause)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        tested = module.Broker(Settings(host="127.0.0.1", port=port))
        async with asyncio.timeout(10):
            while len(pauses) < 4:
                await tick()
        await tested.close()
    assert pauses[:4] == [1, 2, 4, 8]
    assert len(caplog.records) < 20  # of thousands of packets


class Daemon(SimpleNamespace):
    """What the plugin uses of one."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who has a broker needs it; the others' plugin loads."""
    monkeypatch.delitem(sys.modules, "ctportd_plugins.mqtt.broker", raising=False)
    monkeypatch.setitem(sys.modules, "aiomqtt", None)
    tables: dict[str, dict[str, Any]] = {"mqtt": {"host": "broker.example.com"}}
    failed = load_plugins(ROOT / "plugins", tables, "x.toml").failed["mqtt"]
    assert "aiomqtt is not installed: pip install 'ctportd[mqtt]'" in str(failed)
    assert "mqtt" in load_plugins(ROOT / "plugins", {}, "x.toml").loaded


JUDGE = """
from ctportd import Verdict, hookimpl

@hookimpl
def screen_caller(caller):
    return Verdict("permitted", rule="a friend")
"""


async def test_calls_are_told_of(ctportd_line: Line) -> None:
    """A real call from ring to end, in order, with the message that is left, and the mailbox that has it."""
    port, heard = free_ports(1), Subscriber()
    async with broker(port), heard.listening(port):
        broker_table: dict[str, Any] = {"host": "127.0.0.1", "port": port}
        settings = {"mqtt": broker_table, "voicemail": {"mailboxes": {"100": {}}}}
        folder = ROOT / "plugins"
        plugins: list[Path | dict[str, str]] = [folder / "mqtt", folder / "voicemail", {"judge": JUDGE}]
        house = await ctportd_line({1: ["voicemail:100"]}, plugins=plugins, settings=settings)
        await heard.until(lambda newest: newest.get("ctportd/port/main:1", {}).get("state") == "idle")
        phone = await house.call(1, number="5550100", name="Ada")
        await phone.hear("beep")
        await phone.recorded()
        await phone.say(seconds=2.0)
        await phone.press("#")
        await phone.ended()
        await heard.until(lambda newest: newest.get("ctportd/call/ended") and newest.get("ctportd/message"))
        await heard.until(lambda newest: newest.get("ctportd/mailbox/100") == {"new": 1, "old": 0})
        await heard.until(lambda newest: newest["ctportd/port/main:1"]["state"] == "idle")
        assert heard.newest["ctportd/trouble/main:1"] == {"problem": ""}
        house.daemon.dispatcher.line_trouble(house.daemon.ports[1], "stuck")
        await heard.until(lambda newest: newest["ctportd/trouble/main:1"] == {"problem": "stuck"})
        sensor = heard.newest["homeassistant/binary_sensor/ctportd/trouble_main_1/config"]
        assert (sensor["state_topic"], sensor["device_class"]) == ("ctportd/trouble/main:1", "problem")
    told = [topic for topic in heard.events if topic.startswith("ctportd/call/")]
    assert told == ["ctportd/call/started", "ctportd/call/answered", "ctportd/call/ended"]
    ended = heard.newest["ctportd/call/ended"]
    assert (ended["number"], ended["name"], ended["port"]) == ("5550100", "Ada", "main:1")
    assert (ended["verdict"]["kind"], ended["verdict"]["by"]) == ("permitted", "judge")
    assert ended["seconds"] > 2
    assert heard.newest["ctportd/last_call"] == ended
    message = heard.newest["ctportd/message"]
    assert (message["mailbox"], message["number"], message["call"]) == ("100", "5550100", ended["id"])
