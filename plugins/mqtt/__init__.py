"""Tells an MQTT broker of calls, messages and ports, and Home Assistant how to show them.

It does nothing as long as no broker is set, and needs ``pip install 'ctportd[mqtt]'``. docs/mqtt.md lists the topics.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Meta

from ctportd import hookimpl

from .discovery import Discovery

if TYPE_CHECKING:
    from ctportd import Call, Daemon, Port, VoiceMessage

    from .broker import Broker

_TOPIC = r"^[^+#/\0]+(/[^+#/\0]+)*\Z"  # what subscribers put into a topic as wildcards cannot be in one


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.mqtt]``.

    Attributes:
        host: The broker. Empty: the plugin does nothing.
        port: Its TCP port; 0: 1883, or 8883 with ``tls``.
        tls: Whether the connection is encrypted, and the broker's certificate checked.
        ca_file: Certificates that vouch for the broker; empty: the system's.
        user: Who we are to the broker; may be empty.
        password: And the password.
        password_file: A file whose first line is the password, instead.
        topic: What all topics begin with.
        discovery: What the topics begin with on which Home Assistant listens for devices; empty: it is told of none.
        name: What the device is called there.
    """

    host: str = ""
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    tls: bool = False
    ca_file: str = ""
    user: str = ""
    password: str = ""
    password_file: str = ""
    topic: Annotated[str, Meta(pattern=_TOPIC)] = "ctportd"
    discovery: Annotated[str, Meta(pattern=rf"^\Z|{_TOPIC}")] = "homeassistant"
    name: str = "ctportd"

    def __post_init__(self) -> None:
        """Refuse what cannot work. Only who has a broker pays for the library."""
        if self.password and self.password_file:
            raise ValueError("password: stands beside password_file, expected one of the two")
        if self.host:
            try:
                import_module(".broker", __package__)
            except ModuleNotFoundError as error:
                raise ModuleNotFoundError(f"{error.name} is not installed: pip install 'ctportd[mqtt]'") from error

    @property
    def tcp_port(self) -> int:
        """The broker's TCP port."""
        return self.port or (8883 if self.tls else 1883)


class Teller:
    """Says what happens, each on its topic."""

    def __init__(self, settings: Settings, broker: Broker) -> None:
        self._topic = settings.topic
        self._broker = broker
        self._discovery = (
            Discovery(settings.discovery, settings.topic, settings.name) if settings.discovery else None
        )
        if self._discovery:
            self._broker.keep(*self._discovery.last_call())

    def port(self, port: Port, state: str, call: Call | None = None) -> None:
        """The state of a port, and of whoever calls there."""
        if self._discovery:
            self._broker.keep(*self._discovery.port(port.address, port.name))
        caller = {"number": call.caller.number, "name": call.caller.name} if call else {"number": "", "name": ""}
        self._broker.keep(f"{self._topic}/port/{port.address}", {"state": state, "kind": port.kind, **caller})

    def trouble(self, port: Port, problem: str) -> None:
        """What is wrong with a line; empty: nothing is."""
        if self._discovery:
            self._broker.keep(*self._discovery.trouble(port.address, port.name))
        self._broker.keep(f"{self._topic}/trouble/{port.address}", {"problem": problem})

    def call(self, what: str, call: Call) -> None:
        """A call has ``started``, was ``answered``, or has ``ended``."""
        self._broker.tell(f"{self._topic}/call/{what}", _facts(call))
        self._broker.keep(f"{self._topic}/last_call", _facts(call))

    def mailbox(self, mailbox: str, new: int, old: int) -> None:
        """How many messages a mailbox has."""
        if self._discovery:
            self._broker.keep(*self._discovery.mailbox(mailbox))
        self._broker.keep(f"{self._topic}/mailbox/{mailbox}", {"new": new, "old": old})

    def message(self, message: VoiceMessage) -> None:
        """A message was left."""
        self._broker.tell(f"{self._topic}/message", message)

    def retire(self) -> None:
        """Leave the rest to a newer one."""
        self._broker.retire()

    async def close(self) -> None:
        """Say good-bye."""
        await self._broker.close()


def _facts(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "port": call.port.address,
        "number": call.caller.number,
        "name": call.caller.name,
        "verdict": call.verdict,
        "began": call.began,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "seconds": call.spoke,
        "end_reason": call.end_reason,
        "outgoing": call.outgoing,
    }


_tellers: WeakKeyDictionary[Daemon, Teller] = WeakKeyDictionary()


@hookimpl
def daemon_started(settings: Settings, daemon: Daemon) -> None:
    """Begin to connect, and know of every port: none is connected yet, unless the daemon runs already."""
    if not settings.host:
        return
    from .broker import Broker  # noqa: PLC0415 - loaded by the settings, where there is a host

    teller = _tellers[daemon] = Teller(settings, Broker(settings))
    for port in daemon.ports.values():
        teller.port(port, "idle" if port.connected else "disconnected")
        teller.trouble(port, "")


@hookimpl
def plugin_retiring(daemon: Daemon) -> None:
    """Have only the newer one be seen as coming and going; calls that began are told of to their ends."""
    if teller := _tellers.get(daemon):
        teller.retire()


@hookimpl
async def daemon_stopping(daemon: Daemon) -> None:
    """Be seen as gone at once, and not when the broker misses us."""
    if teller := _tellers.pop(daemon, None):
        await teller.close()


@hookimpl
def port_connected(port: Port, daemon: Daemon) -> None:
    """A port can be used."""
    if teller := _tellers.get(daemon):
        teller.port(port, "idle")


@hookimpl
def port_disconnected(port: Port, daemon: Daemon) -> None:
    """A port cannot be used."""
    if teller := _tellers.get(daemon):
        teller.port(port, "disconnected")


@hookimpl
def line_trouble(port: Port, problem: str, daemon: Daemon) -> None:
    """A line is in trouble, or well again."""
    if teller := _tellers.get(daemon):
        teller.trouble(port, problem)


@hookimpl
def call_started(call: Call, daemon: Daemon) -> None:
    """Somebody calls, or is called."""
    if teller := _tellers.get(daemon):
        teller.port(call.port, "calling" if call.outgoing else "ringing", call)
        teller.call("started", call)


@hookimpl
def call_answered(call: Call, daemon: Daemon) -> None:
    """The call is answered."""
    if teller := _tellers.get(daemon):
        teller.port(call.port, "answered", call)
        teller.call("answered", call)


@hookimpl
def call_ended(call: Call, daemon: Daemon) -> None:
    """The call is over; a port that was lost with it has been told of before, or is told of next."""
    if teller := _tellers.get(daemon):
        teller.port(call.port, "idle" if call.port.connected else "disconnected")
        teller.call("ended", call)


@hookimpl
def message_left(message: VoiceMessage, daemon: Daemon) -> None:
    """There is a message."""
    if teller := _tellers.get(daemon):
        teller.message(message)


@hookimpl
def message_waiting(mailbox: str, new: int, old: int, daemon: Daemon) -> None:
    """A mailbox has more messages, or fewer."""
    if teller := _tellers.get(daemon):
        teller.mailbox(mailbox, new, old)
