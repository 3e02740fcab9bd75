"""What is told while it happens: one structure, and every type that there is, of which the documents are made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

KEY = "key"
LOST = "lost"

MASKED = "?"
"""What stands for a key that may be one of a PIN."""


class LiveEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that has just happened.

    Attributes:
        at: When, in UTC.
        type: What: one of :data:`TYPES`.
        port: The port's address, such as ``main:2``; empty where it was on none.
        call: The call's id; empty where it was in none.
        plugin: The plugin; empty where it was none's.
        details: What is particular to it.
    """

    at: datetime
    type: str
    port: str = ""
    call: str = ""
    plugin: str = ""
    details: dict[str, Any] = {}


class EventType(msgspec.Struct, frozen=True):
    """One type of event.

    Attributes:
        name: What it is called.
        what: What has happened, in a sentence.
        about: Which of ``port``, ``call`` and ``plugin`` it has.
        details: What is particular to it, each with its meaning.
    """

    name: str
    what: str
    about: tuple[str, ...] = ()
    details: dict[str, str] = {}


_PORT = ("port",)
_LINE = ("port", "call")
_SERVER = {"ctserver": "which", "pid": "its process; null where it is not known"}
_WHO = {"number": "the caller's number; may be empty", "name": "the caller's name; may be empty"}

TYPES: dict[str, EventType] = {
    type_.name: type_
    for type_ in (
        EventType("ring", "A line rings.", _LINE, {"count": "which ring of the call it is; null where nobody counts"}),
        EventType("caller_id", "The exchange says who calls.", _LINE, _WHO),
        EventType("call_started", "A call has begun, and the plugins have judged the caller.", _LINE,
                  _WHO | {"verdict": "the class of the caller", "rings": "how often it has rung"}),
        EventType("call_offered", "A plugin is given the call.", ("port", "call", "plugin"),
                  {"handler": "the plugin, and what it is asked for"}),
        EventType("call_answered", "It is answered.", _LINE),
        EventType(KEY, "A key is pressed.", _LINE,
                  {"key": "which; `?` unless keys are asked for, and where it may be one of a PIN"}),
        EventType("number_dialled", "A number is dialled on a call.", _LINE, {"number": "the number"}),
        EventType("hangup", "The far end has hung up.", _LINE),
        EventType("loopdrop", "The exchange has dropped the loop: the call is over.", _LINE),
        EventType("call_ended", "A call is over.", _LINE,
                  {"reason": "why", "answered": "whether it was answered", "seconds": "how long people spoke"}),
        EventType("pickup", "A telephone set is lifted.", _LINE),
        EventType("flash", "A hook flash.", _LINE),
        EventType("timer", "A timer of ctserver's has run out.", _LINE),
        EventType("toneend", "A tone has ended.", _LINE),
        EventType("grunt", "There is sound after silence.", _LINE),
        EventType("user_message", "Another port, or the manager, has sent a message.", _LINE,
                  {"text": "its words, the first 200 characters",
                   "sender": "the handle of the port that sent it; null: unknown"}),
        EventType("port_connected", "The connection to ctserver for a port stands.", _PORT),
        EventType("port_disconnected", "It is gone.", _PORT, {"reason": "why"}),
        EventType("port_connect_failed", "It could not be made.", _PORT,
                  {"error": "why", "retry_in": "seconds until the next attempt; null: there is none"}),
        EventType("line_trouble", "Something is wrong with a line, or no more.", _PORT,
                  {"problem": "what; empty: it is over"}),
        EventType("message_left", "A message is in a mailbox.", ("call",),
                  {"mailbox": "whose it is", "id": "the message's", "seconds": "how long it is"} | _WHO),
        EventType("message_waiting", "How many messages a mailbox has.", (),
                  {"mailbox": "which", "new": "those not heard", "old": "those heard"}),
        EventType("mail_sent", "The mail server has accepted a letter.", ("call",),
                  {"to": "whom it is for", "subject": "what it is about"}),
        EventType("mail_failed", "A letter is given up.", ("call",),
                  {"to": "whom it was for", "subject": "what it was about", "reason": "why"}),
        EventType("pin_locked", "Somebody guesses at PINs.", (),
                  {"mailbox": "which is locked", "caller": "the number that is locked; may be empty",
                   "until": "until when"}),
        EventType("plugin_fault", "A plugin has failed.", ("plugin",),
                  {"hook": "in which hook", "error": "the kind of error; the log has all of it"}),
        EventType("plugin_quarantined", "It is called no more for now.", ("plugin",),
                  {"hook": "in which hook it failed last"}),
        EventType("plugin_restored", "It is trusted again.", ("plugin",)),
        EventType("ctserver_started", "A ctserver that we run is up.", (), _SERVER),
        EventType("ctserver_adopted", "A ctserver that was running already is used.", (), _SERVER),
        EventType("ctserver_died", "It has ended, or did not start; it is started again.", (),
                  {"ctserver": "which", "reason": "why", "retry_in": "seconds until the next attempt"}),
        EventType("reloaded", "Configuration or plugins were loaded anew.", (),
                  {"plugins": "those added, replaced or taken out", "ports": "those added, changed or removed",
                   "servers": "ctservers added, replaced or removed", "tables": "other tables that are new",
                   "restart": "keys that wait for the next start"}),
        EventType("phase", "The daemon is ready, drains, or stops.", (),
                  {"phase": "`ready`, `draining` or `stopping`"}),
        EventType(LOST, "Events are gone that this reader was too slow for, or away from for too long.", (),
                  {"count": "how many, whatever they were; null: nobody knows"}),
    )
}  # fmt: skip
"""Every type by its name, in the order in which people look for them."""
