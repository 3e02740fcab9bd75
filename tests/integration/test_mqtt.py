"""The plugin mqtt against a real broker: what it tells, what is kept, and what becomes of it when either goes."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiomqtt
import trustme
from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from support.system import ROOT, free_ports, tick

from ctportd.hooks.loader import load_plugins
from ctportd.records import VoiceMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, MutableMapping
    from pathlib import Path

    import pytest
    from support.system import StartSystem

ANYBODY = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


@asynccontextmanager
async def broker(port: int, plugins: dict[str, Any] | None = None, **listener: Any) -> AsyncIterator[None]:
    """A broker, as long as the block lasts."""
    default = {"type": "tcp", "bind": f"127.0.0.1:{port}", **listener}
    running = Broker({"listeners": {"default": default}, "plugins": plugins or ANYBODY})
    await running.start()
    try:
        yield
    finally:
        await running.shutdown()


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
    """TLS and a password; a broker that comes late, and comes anew, knows all states; the end is told."""
    authority, port = trustme.CA(), free_ports(1)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "users").write_text(f"ada:{PasswordHash((Argon2Hasher(),)).hash('hush')}\n")
    table = {
        "host": "127.0.0.1",
        "port": port,
        "tls": True,
        "ca_file": str(tmp_path / "ca.pem"),
        "topic": "home/line",
    }
    table |= {"user": "ada", "password_file": str(tmp_path / "secret")}
    plugins = await asyncio.to_thread(load_plugins, ROOT / "plugins", {"mqtt": table}, "x.toml")
    plugin = plugins.loaded["mqtt"]
    module: Any = plugin.module
    monkeypatch.setattr(sys.modules[f"{module.__name__}.broker"], "FIRST_RETRY", 0.05)
    line = SimpleNamespace(address="main:1", name="", kind="trunk")
    daemon: Any = Daemon(ports={"main:1": line})
    users = {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(tmp_path / "users")}}
    server = {"ssl": True, "certfile": str(tmp_path / "server.pem"), "keyfile": str(tmp_path / "server.pem")}
    known = {
        "username": "ada",
        "password": "hush",
        "tls_context": ssl.create_default_context(cafile=tmp_path / "ca.pem"),
    }
    heard = Subscriber()

    module.daemon_started(plugin.settings, daemon)
    for new in (1, 2):
        module.message_waiting("100", new, 3, daemon)
    async with broker(port, users, **server), heard.listening(port, **known):
        await heard.until(lambda newest: newest.get("home/line/mailbox/100"))
        module.port_connected(line, daemon)
        module.message_left(
            VoiceMessage("100", "c", datetime(2026, 11, 23, tzinfo=UTC), 7.5, "x.wav", "5\udcff"), daemon
        )
        await heard.until(lambda newest: newest.get("home/line/message"))
    assert heard.newest["home/line/status"] == "online"
    assert heard.newest["home/line/mailbox/100"] == {"new": 2, "old": 3}
    assert (heard.newest["home/line/message"]["mailbox"], heard.newest["home/line/message"]["number"]) == (
        "100",
        "5?",
    )
    sensor = heard.newest["homeassistant/sensor/home_line/mailbox_100/config"]
    assert (sensor["state_topic"], sensor["availability_topic"]) == ("home/line/mailbox/100", "home/line/status")
    assert heard.newest["homeassistant/sensor/home_line/port_main_1/config"]["options"][0] == "disconnected"

    heard = Subscriber()
    async with broker(port, users, **server), heard.listening(port, **known):
        await heard.until(lambda newest: newest.get("home/line/mailbox/100"))
        await heard.until(lambda newest: newest.get("home/line/port/main:1", {}).get("state") == "idle")
        await module.daemon_stopping(daemon)
        await heard.until(lambda newest: newest["home/line/status"] == "offline")
    assert "home/line/message" not in heard.newest
    assert "hush" not in str(log_lines)
    module.message_waiting("100", 9, 9, daemon)  # nobody is there any more, and nothing is raised


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


PLUGIN = """
from ctportd import Verdict, hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    await call.play("beep")

@hookimpl
def screen_caller(caller):
    return Verdict("permitted", rule="a friend")
"""


async def test_calls_are_told_of_and_a_death_is_noticed(start_system: StartSystem) -> None:
    """A real call from ring to end, in order; a daemon that is killed is offline by its last will."""
    port, heard = free_ports(1), Subscriber()
    async with broker(port), heard.listening(port):
        table = {"host": "127.0.0.1", "port": port}
        system = await start_system(["beeper"], plugins={"mqtt": table}, own_plugins={"beeper.py": PLUGIN})
        await heard.until(lambda newest: newest.get("ctportd/port/main:1", {}).get("state") == "idle")
        finished = await system.phone(1, "until", "beep", "--number", "5550100", "--name", "Ada")
        assert finished.status == 0, finished
        await heard.until(lambda newest: newest.get("ctportd/call/ended"))
        await heard.until(lambda newest: newest["ctportd/port/main:1"]["state"] == "idle")
        assert system.process is not None
        system.process.kill()
        await heard.until(lambda newest: newest["ctportd/status"] == "offline")
    told = [topic for topic in heard.events if topic.startswith("ctportd/call/")]
    assert told == ["ctportd/call/started", "ctportd/call/answered", "ctportd/call/ended"]
    ended = heard.newest["ctportd/call/ended"]
    assert (ended["number"], ended["name"], ended["port"]) == ("5550100", "Ada", "main:1")
    assert (ended["verdict"]["kind"], ended["verdict"]["by"]) == ("permitted", "beeper")
    assert ended["seconds"] > 0
    assert heard.newest["ctportd/last_call"] == ended
