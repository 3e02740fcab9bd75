"""Telephone sets behind station ports: dial tone, and a call to whoever is dialled.

Name it in a station port's ``handlers`` as ``station``: whoever lifts the set hears dial tone, which stutters where the
set's mailbox has new messages, and dials another set, a number of the settings, or a number outside. Named as
``station:EXTENSION`` on any port, it rings the set of that extension; a caller whom nobody answers goes on to the next
handler. docs/stations.md shows the settings.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import structlog

from ctportd import Caller, Flash, StoreError, hookimpl

from . import lint
from .explaining import explain
from .settings import Settings

if TYPE_CHECKING:
    from ctportd import Call, Daemon, Explanation, Inquiry, Problem, Site

    from .dialplan import Entry, Plan

__all__ = ["Settings"]

STUTTER = 2
"""Seconds for which dial tone stutters before it is steady (our figure)."""

log = structlog.get_logger("station")

_new_messages: dict[str, int] = {}
"""How many new messages each mailbox has, as far as was told."""


@hookimpl
async def daemon_started(daemon: Daemon) -> None:
    """Count what waits already: a plugin that is loaded while the daemon runs is told of changes only."""
    try:
        messages = await daemon.store.messages()
    except StoreError as error:
        log.warning("how many messages wait is known when that changes", error=str(error))
        return
    for mailbox, new in Counter(message.mailbox for message in messages if message.new).items():
        _new_messages.setdefault(mailbox, new)


@hookimpl
def message_waiting(mailbox: str, new: int) -> None:
    """Remember how many messages wait."""
    _new_messages[mailbox] = new


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings) -> None:
    """Ring the set of an extension, or, without one, serve the set that was lifted."""
    if target:
        await _ring(call, target, settings)
    elif call.port.kind == "station":
        await _serve(call, settings)
    else:  # dial tone for strangers would let them dial outside
        log.error("only telephone sets are given dial tone: name an extension, as in station:101")


@hookimpl
def check_settings(settings: Settings, site: Site) -> list[Problem]:
    """Tell of sets that nobody could reach, or that reach nobody."""
    return list(lint.problems(settings, site))


@hookimpl
def check_target(target: str, settings: Settings) -> str | None:
    """See that there is a set of this extension."""
    if not target or settings.reached(target):
        return None
    known = sorted(one.extension for one in settings.sets.values() if one.extension)
    return f"no set has the extension {target}; there are {', '.join(known) or 'none'}"


@hookimpl
def takes_all(target: str) -> bool:
    """Dial tone is for every set that is lifted; a caller whom no set answers passes on."""
    return not target


@hookimpl
def explain_call(inquiry: Inquiry, target: str, settings: Settings) -> Explanation:
    """Tell which set rings."""
    return explain(inquiry, target, settings)


async def _ring(call: Call, extension: str, settings: Settings) -> None:
    """Ring a set for a caller; one who has talked to somebody is done."""
    reached = settings.reached(extension)
    if reached is None:
        log.error("there is no set with this extension", extension=extension)
        return
    port, callee = reached
    outcome = await call.ring_station(port, within=settings.ring, screen=callee.screen)
    log.info("a set was rung", extension=extension, outcome=outcome)
    if outcome == "answered":
        await call.hangup()


async def _serve(call: Call, settings: Settings) -> None:
    """Let a set dial, again after each hook flash, until it is put down or has heard busy tone for long enough."""
    own = settings.set_of(call.port)
    call.identify(Caller(own.extension, own.name))
    plan = settings.plan_for(own)
    while True:
        dialled = await _dialled(call, plan, settings, stutter=_new_messages.get(own.mailbox, 0) > 0)
        entry = plan.find(dialled)
        if entry is not None:
            await _connect(call, entry, dialled, settings)
        elif plan.leads_outside(dialled):
            log.warning("a number that is not allowed was dialled")
            await call.play("call-not-allowed", ignore_keys=True)
        async with call.tone("busy"):
            if await call.next_event(Flash, within=settings.busy) is None:
                return
        await call.clear()


async def _dialled(call: Call, plan: Plan, settings: Settings, *, stutter: bool) -> str:
    """Dial tone, and the keys that are pressed then; ``#`` ends a number that could be longer."""
    key = await _first_key(call, "dialx", STUTTER) if stutter else ""
    dialled = key or await _first_key(call, "dial", settings.first)
    while dialled and plan.may_grow(dialled):
        key = await call.collect(1, settings.between)
        if not key or key == "#":
            break
        dialled += key
    return dialled


async def _first_key(call: Call, tone: str, seconds: int) -> str:
    async with call.tone(tone):
        return await call.collect(1, seconds)


async def _connect(call: Call, entry: Entry, dialled: str, settings: Settings) -> None:
    log.info("dialled", does=entry.does)
    if entry.does == "ring":
        await _call_set(call, entry.what, settings)
    elif entry.does == "hand over":
        await call.hand_over(entry.what)
    else:
        await _call_outside(call, dialled.removeprefix(entry.what), settings)


async def _call_set(call: Call, extension: str, settings: Settings) -> None:
    """Call another set; its mailbox takes the call in its place."""
    reached = settings.reached(extension)
    if reached is None:
        return
    port, callee = reached
    outcome = await call.ring_station(port, within=settings.ring)
    if outcome != "answered" and callee.mailbox:
        await call.hand_over(f"voicemail:{callee.mailbox}")


async def _call_outside(call: Call, number: str, settings: Settings) -> None:
    """Dial on the first line that can be dialled on."""
    for port in settings.outside.ports if settings.outside else ():
        outcome = await call.call_out(port, number)
        if outcome == "answered":
            return
        log.warning("a line could not be had", port=port, outcome=outcome)
