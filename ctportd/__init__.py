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
    from ctportd import cells, display, reading
    from ctportd.calls import recordings, speech
    from ctportd.calls.call import Call
    from ctportd.calls.caller import Caller, Recording
    from ctportd.calls.numbers import Number, Numbers, plain, region_of
    from ctportd.calls.outgoing import OutgoingCall
    from ctportd.calls.verdict import Verdict
    from ctportd.config import MAIL_ADDRESS
    from ctportd.errors import (
        AudioError,
        CallEnded,
        CallRefused,
        CtportdError,
        Disconnected,
        InvalidArgument,
        LinkError,
        ListError,
        MailError,
        NotFound,
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
    from ctportd.hooks.owners import program_problem
    from ctportd.hooks.services import Daemon, Site
    from ctportd.links.port import Port
    from ctportd.links.reply import Reply
    from ctportd.mail.letter import Letter
    from ctportd.messages.service import Reviewed
    from ctportd.moments import read_moment
    from ctportd.nearest import no_such
    from ctportd.pins.hashing import LONGEST_PIN, PinHash, check_pin, hash_pin
    from ctportd.records import (
        FOLDERS,
        INBOX,
        INCOMING,
        OLD,
        OUTGOING,
        TRASH,
        CallCount,
        CallerCount,
        CallFilter,
        CallRecord,
        Counts,
        Step,
        VoiceMessage,
        counts_of,
    )
    from ctportd.store import Store
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
    from ctportd.zones import read_zone

__all__ = [
    "FOLDERS",
    "INBOX",
    "INCOMING",
    "KEYS",
    "LONGEST_PIN",
    "MAIL_ADDRESS",
    "OLD",
    "OUTGOING",
    "TRASH",
    "AudioError",
    "Call",
    "CallCount",
    "CallEnded",
    "CallFilter",
    "CallRecord",
    "CallRefused",
    "Caller",
    "CallerCount",
    "CallerId",
    "Counts",
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
    "Letter",
    "LinkError",
    "ListError",
    "LoopDrop",
    "MailError",
    "Message",
    "NotFound",
    "Number",
    "Numbers",
    "OutgoingCall",
    "Pickup",
    "PinHash",
    "PinLocked",
    "PluginError",
    "Port",
    "Problem",
    "PromptNotFound",
    "Recording",
    "Reply",
    "RequestFailed",
    "RequestTimedOut",
    "Reviewed",
    "Ring",
    "Site",
    "Step",
    "StorageError",
    "Store",
    "StoreError",
    "TimerExpired",
    "ToneEnd",
    "UserMessage",
    "Verdict",
    "VoiceMessage",
    "cells",
    "check_pin",
    "counts_of",
    "display",
    "hash_pin",
    "hookimpl",
    "no_such",
    "plain",
    "program_problem",
    "read_moment",
    "read_zone",
    "reading",
    "recordings",
    "region_of",
    "speech",
]

_MODULES = {
    "cells": "ctportd.cells",
    "reading": "ctportd.reading",
    "display": "ctportd.display",
    "recordings": "ctportd.calls.recordings",
    "speech": "ctportd.calls.speech",
}
"""Those of the names above that are modules."""

_HOMES = (
    "ctportd.errors",
    "ctportd.wire.events",
    "ctportd.wire.message",
    "ctportd.records",
    "ctportd.pins.hashing",
    "ctportd.moments",
    "ctportd.nearest",
    "ctportd.zones",
    "ctportd.hooks.markers",
    "ctportd.hooks.owners",
    "ctportd.hooks.inquiry",
    "ctportd.hooks.services",
    "ctportd.links.port",
    "ctportd.links.reply",
    "ctportd.config",
    "ctportd.mail.letter",
    "ctportd.calls.caller",
    "ctportd.calls.numbers",
    "ctportd.calls.verdict",
    "ctportd.calls.outgoing",
    "ctportd.calls.call",
    "ctportd.store",
    "ctportd.messages.service",
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
