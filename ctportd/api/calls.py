"""The log of calls, and what would become of a call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ctportd.api.paging import Limit, page_of
from ctportd.calls.caller import Caller
from ctportd.control.routes import Routes
from ctportd.errors import InvalidArgument, NotFound, StoreError
from ctportd.looking.explaining import Explained, explain_call, keys_of, port_of
from ctportd.looking.masking import masked_call
from ctportd.looking.story import Story, masked, story_of
from ctportd.moments import read_moment
from ctportd.records import CallFilter, CallRecord, part_of_number
from ctportd.site import ConfiguredSite

if TYPE_CHECKING:
    from datetime import datetime

    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


class CallsParameters(msgspec.Struct, frozen=True):
    """Which calls: all those for which everything that is given holds.

    Attributes:
        number: Part of the number, with or without country code.
        name: Part of the name, whatever its case.
        port: The port's address, such as ``main:1``.
        since: Those of this day, or moment, and later: ``2026-11-24``, ``2026-11-24T10:00:00Z``. Where no time zone is
            named, it is the machine's.
        until: Those before this moment, or until the end of this day.
        blocked: Those of callers who were blocked.
        limit: How many at most.
        before: Goes on after the call with this id, as ``next`` of the last answer has it.
        mask: Without names, and with the last digits of numbers only.
    """

    number: str = ""
    name: str = ""
    port: str = ""
    since: str = ""
    until: str = ""
    blocked: bool = False
    limit: Limit = 100
    before: str = ""
    mask: bool = False


class CallParameters(msgspec.Struct, frozen=True):
    """Which call.

    Attributes:
        id: Its id, a beginning of it that no other one has, or ``last``.
        mask: Without names, and with the last digits of numbers only.
    """

    id: str
    mask: bool = False


class CallPage(msgspec.Struct, frozen=True):
    """Some calls, newest first.

    Attributes:
        calls: The calls.
        next: What ``before`` is to be for those that follow; null where none do.
    """

    calls: list[CallRecord]
    next: str | None


class ExplainParameters(msgspec.Struct, frozen=True):
    """A call that nobody makes.

    Attributes:
        port: The port that is called: its number, or its address. May be left out where there is only one.
        number: The caller's number.
        name: The caller's name.
        at: When; now, where it is left out.
        keys: What the caller presses in menus, with commas between: ``1,204``. Nothing between commas: no key.
    """

    port: str = ""
    number: str = ""
    name: str = ""
    at: str = ""
    keys: str = ""


@routes.add("GET", "/v1/calls", CallPage, parameters=CallsParameters, problems=(NotFound, StoreError))
async def calls(daemon: Daemon, parameters: CallsParameters, _body: Nothing) -> CallPage:
    """The calls that were logged, newest first."""
    which = CallFilter(
        number=part_of_number(parameters.number),
        name=parameters.name,
        port=parameters.port,
        since=_moment("since", parameters.since),
        until=_moment("until", parameters.until, ends=True),
        verdict="blocked" if parameters.blocked else "",
    )
    before = None
    if parameters.before:
        before = await daemon.store.call(parameters.before)
        if before is None:
            raise NotFound(f"there is no call {parameters.before!r} to go on after; begin anew, without before")
    found, more = page_of(await daemon.store.calls(parameters.limit + 1, which, before=before), parameters.limit)
    following = found[-1].id if more else None
    if parameters.mask:
        found = await asyncio.to_thread(lambda: [masked_call(call) for call in found])
    return CallPage(found, following)


@routes.add("GET", "/v1/calls/{id}", Story, parameters=CallParameters, problems=(NotFound, StoreError))
async def call(daemon: Daemon, parameters: CallParameters, _body: Nothing) -> Story:
    """What happened on one call, step by step.

    ``call`` is null where no plugin has logged it. ``steps`` are written when a call is over.
    """
    story = await story_of(daemon.store, parameters.id)
    return await asyncio.to_thread(masked, story) if parameters.mask else story


@routes.add("GET", "/v1/explain", Explained, parameters=ExplainParameters)
async def explain(daemon: Daemon, parameters: ExplainParameters, _body: Nothing) -> Explained:
    """What would become of a call, as the plugins tell that would have it; nobody makes it.

    They are asked apart from those that run, with a database that cannot be written to: nothing is remembered of it.
    """
    port, keys = port_of(parameters.port, daemon.handlers), keys_of(parameters.keys)
    at = _moment("at", parameters.at) or daemon.clock.now()
    async with ConfiguredSite(daemon.config, daemon.plugins) as site:
        return await explain_call(site, port, Caller(parameters.number, parameters.name), at, keys)


def _moment(name: str, text: str, *, ends: bool = False) -> datetime | None:
    """A parameter that is a date and time; None where it is not given."""
    try:
        return read_moment(text, ends=ends) if text else None
    except ValueError as error:
        raise InvalidArgument("calls", name, f"will not do: {error}") from error
