"""Makes events of what plugins are told: the type is the hook's name, but for what ctserver tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctportd.live.events import KEY
from ctportd.wire import events as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ctportd.calls.call import Call
    from ctportd.errors import ConnectFailed
    from ctportd.links.port import Port
    from ctportd.mail.letter import Letter
    from ctportd.records import VoiceMessage
    from ctportd.status import Reloaded

LONGEST_TEXT = 200
"""Characters of a text that others choose (our figure)."""

Told = dict[str, Any]
"""What is known of an event but for its time and its type: ``port``, ``call``, ``plugin``, ``details``."""


def port_event(port: Port, event: wire.Event, call: Call | None) -> tuple[str, Told]:
    """What ctserver has told of a port: the type, and what is known."""
    told: Told = {"port": port.address, "call": call.id if call else ""}
    name = event.name
    match event:
        case wire.Ring():
            told["details"] = {"count": event.count}
        case wire.Dtmf():
            name = KEY
            told["details"] = {"key": call.timeline.hidden(event.key) if call else event.key}
        case wire.CallerId():
            name = "caller_id"
            told["details"] = {"number": _cut(event.number), "name": _cut(event.caller_name)}
        case wire.UserMessage():
            name = "user_message"
            told["details"] = {"text": _cut(" ".join((event.text, *event.words))), "sender": event.sender}
    return name, told


def _call(call: Call, **details: Any) -> Told:
    return {"port": call.port.address, "call": call.id, "details": details}


def _call_started(call: Call) -> Told:
    caller, verdict = call.caller, call.verdict
    return _call(call, number=caller.number, name=caller.name, verdict=verdict.kind, rings=call.rings)


def _call_offered(call: Call, handler: str) -> Told:
    return _call(call, handler=handler) | {"plugin": handler.partition(":")[0]}


def _call_ended(call: Call) -> Told:
    return _call(call, reason=call.end_reason, answered=call.answered, seconds=round(call.spoke, 1))


def _number_dialled(call: Call, number: str) -> Told:
    return _call(call, number=number)


def _connect_failed(port: Port, error: ConnectFailed, retry_in: float | None) -> Told:
    rounded = None if retry_in is None else round(retry_in, 1)
    return {"port": port.address, "details": {"error": _cut(str(error)), "retry_in": rounded}}


def _message_left(message: VoiceMessage) -> Told:
    details = {"mailbox": message.mailbox, "id": message.id, "seconds": round(message.seconds, 1)}
    return {"call": message.call, "details": details | {"number": message.number, "name": message.name}}


def _message_waiting(mailbox: str, new: int, old: int) -> Told:
    return {"details": {"mailbox": mailbox, "new": new, "old": old}}


def _letter(letter: Letter, reason: str | None = None) -> Told:
    details = {"to": letter.to, "subject": _cut(letter.subject)}
    details |= {} if reason is None else {"reason": _cut(reason)}
    return {"call": letter.about.get("call", ""), "details": details}


def _pin_locked(mailbox: str, caller: str, until: datetime) -> Told:
    return {"details": {"mailbox": mailbox, "caller": caller, "until": until}}


def _quarantined(plugin: str, reason: str) -> Told:
    return {"plugin": plugin, "details": {"hook": reason.partition(":")[0]}}


def _ctserver_died(ctserver: str, reason: str, retry_in: float) -> Told:
    return {"details": {"ctserver": ctserver, "reason": _cut(reason), "retry_in": round(retry_in, 1)}}


def _reloaded(reloaded: Reloaded) -> Told:
    told = reloaded
    changed = {
        "plugins": told.plugins_added + told.plugins_replaced + told.plugins_removed,
        "ports": told.ports_added + told.ports_changed + told.ports_removed,
        "servers": told.servers_added + told.servers_replaced + told.servers_removed,
        "tables": told.changed,
        "restart": told.restart,
    }
    return {"details": {what: names for what, names in changed.items() if names}}


HOOKS: dict[str, Callable[..., Told]] = {
    "port_connected": lambda port: {"port": port.address},
    "port_disconnected": lambda port, reason: {"port": port.address, "details": {"reason": _cut(reason)}},
    "port_connect_failed": _connect_failed,
    "line_trouble": lambda port, problem: {"port": port.address, "details": {"problem": problem}},
    "call_started": _call_started,
    "call_offered": _call_offered,
    "call_answered": _call,
    "number_dialled": _number_dialled,
    "call_ended": _call_ended,
    "message_left": _message_left,
    "message_waiting": _message_waiting,
    "mail_sent": _letter,
    "mail_failed": _letter,
    "pin_locked": _pin_locked,
    "plugin_fault": lambda plugin, where, error: {"plugin": plugin, "details": {"hook": where, "error": error}},
    "plugin_quarantined": _quarantined,
    "plugin_restored": lambda plugin: {"plugin": plugin},
    "ctserver_started": lambda ctserver, pid: {"details": {"ctserver": ctserver, "pid": pid}},
    "ctserver_adopted": lambda ctserver, pid: {"details": {"ctserver": ctserver, "pid": pid}},
    "ctserver_died": _ctserver_died,
    "reloaded": _reloaded,
    "phase": lambda phase: {"details": {"phase": phase}},
}
"""What is known of an event, made of the arguments of its hook. What is told under no such name is no event."""


def told_by(hook: str, arguments: Mapping[str, Any]) -> Told | None:
    """What is known of what observers are told of; None: it is no event."""
    tell = HOOKS.get(hook)
    return None if tell is None else tell(**arguments)


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT]
