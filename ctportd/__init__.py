"""ctportd: a daemon for telephone lines.

What the authors of plugins import stands here::

    from ctportd import hookimpl

    @hookimpl
    async def answer_call(call):
        await call.answer()
        await call.play("hello")

Each name is loaded when it is first used: ``ctportd --help`` needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctportd.calls import recordings, speech
    from ctportd.calls.call import Call
    from ctportd.calls.caller import Caller, Recording
    from ctportd.calls.verdict import Verdict
    from ctportd.errors import (
        AudioError,
        CallEnded,
        CtportdError,
        Disconnected,
        InvalidArgument,
        LinkError,
        PinLocked,
        PluginError,
        PromptNotFound,
        RequestFailed,
        RequestTimedOut,
        StorageError,
        StoreError,
    )
    from ctportd.hooks.inquiry import Explanation, Inquiry, Problem
    from ctportd.hooks.markers import hookimpl
    from ctportd.hooks.services import Daemon, Site
    from ctportd.links.port import Port
    from ctportd.links.reply import Reply
    from ctportd.pins.hashing import LONGEST_PIN, PIN_HASH, check_hash
    from ctportd.records import CallRecord, Step, VoiceMessage
    from ctportd.wire.events import (
        KEYS,
        CallerId,
        Dtmf,
        Event,
        Flash,
        Grunt,
        Hangup,
        LoopDrop,
        Pickup,
        Ring,
        TimerExpired,
        ToneEnd,
        UserMessage,
    )
    from ctportd.wire.message import Message

__all__ = [
    "KEYS",
    "LONGEST_PIN",
    "PIN_HASH",
    "AudioError",
    "Call",
    "CallEnded",
    "CallRecord",
    "Caller",
    "CallerId",
    "CtportdError",
    "Daemon",
    "Disconnected",
    "Dtmf",
    "Event",
    "Explanation",
    "Flash",
    "Grunt",
    "Hangup",
    "Inquiry",
    "InvalidArgument",
    "LinkError",
    "LoopDrop",
    "Message",
    "Pickup",
    "PinLocked",
    "PluginError",
    "Port",
    "Problem",
    "PromptNotFound",
    "Recording",
    "Reply",
    "RequestFailed",
    "RequestTimedOut",
    "Ring",
    "Site",
    "Step",
    "StorageError",
    "StoreError",
    "TimerExpired",
    "ToneEnd",
    "UserMessage",
    "Verdict",
    "VoiceMessage",
    "check_hash",
    "hookimpl",
    "recordings",
    "speech",
]

_MODULES = {"recordings": "ctportd.calls.recordings", "speech": "ctportd.calls.speech"}
"""Those of the names above that are modules."""

_HOMES = (
    "ctportd.errors",
    "ctportd.wire.events",
    "ctportd.wire.message",
    "ctportd.records",
    "ctportd.pins.hashing",
    "ctportd.hooks.markers",
    "ctportd.hooks.inquiry",
    "ctportd.hooks.services",
    "ctportd.links.port",
    "ctportd.links.reply",
    "ctportd.calls.caller",
    "ctportd.calls.verdict",
    "ctportd.calls.call",
)
"""The modules in which the other names above are looked for, the light ones first."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in __all__:
        for home in _HOMES:
            module = import_module(home)
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'ctportd' has no attribute {name!r}")
