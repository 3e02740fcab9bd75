"""What would become of a call that nobody makes: ``ctportd explain``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

from ctportd.calls.routing import judge
from ctportd.display import shown
from ctportd.errors import InvalidArgument
from ctportd.hooks.inquiry import Inquiry
from ctportd.hooks.services import Site
from ctportd.wire.events import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd.calls.caller import Caller
    from ctportd.hooks.dispatch import Dispatcher
    from ctportd.hooks.inquiry import Explanation


Outcome: TypeAlias = Literal["takes the call", "lets the call pass", "may take the call", "is not asked"]


class Asked(msgspec.Struct, frozen=True):
    """One handler of a port.

    Attributes:
        handler: Its name, as in the configuration.
        outcome: What comes of the call there: it ``may`` be taken where people decide that, or the plugin does not
            tell, and ``is not asked`` where a handler before it takes the call.
        lines: What it would do, in sentences.
    """

    handler: str
    outcome: Outcome
    lines: list[str] = []


class Explained(msgspec.Struct, frozen=True):
    """What would become of a call.

    Attributes:
        call: The call.
        handlers: The port's, in their order.
        faults: Plugins that failed when they were asked who calls, and what to think of that.
    """

    call: Inquiry
    handlers: list[Asked]
    faults: list[str]


class AskedSite(Site, Protocol):
    """An installation whose plugins can be asked who calls, as well as what they would do."""

    @property
    def dispatcher(self) -> Dispatcher:
        """Calls the plugins."""


async def explain_call(
    site: AskedSite, port: str, caller: Caller, at: datetime, keys: tuple[str, ...]
) -> Explained:
    """What would become of a call, as the plugins tell that would have it.

    Args:
        site: The installation.
        port: The port's address, such as ``main:1``.
        caller: Who calls.
        at: When, with a time zone.
        keys: What the caller presses in menus, one answer after the other; an empty one: nothing.
    """
    verdict, known = await judge(site.dispatcher.crew, caller, port, at)
    call = Inquiry(known, port, at, verdict, keys)
    asked: list[Asked] = []
    for handler in site.handlers[port]:
        if any(one.outcome == "takes the call" for one in asked):
            asked.append(Asked(handler, "is not asked"))
        else:
            told = await site.explain(handler, call)
            asked.append(Asked(handler, _outcome(told), told.lines))
    faults = [f"plugin {name}: {host.last_fault}" for name, host in site.dispatcher.hosted.items() if host.faults]
    return Explained(call, asked, faults)


def _outcome(told: Explanation) -> Outcome:
    if not told.sure:
        return "may take the call"
    return "takes the call" if told.takes else "lets the call pass"


def explanation_lines(explained: Explained) -> Iterable[str]:
    """The same for people."""
    call = explained.call
    yield shown(f"{call.caller} calls {call.port} on {call.at.astimezone():%A, %Y-%m-%d, at %H:%M:%S (%Z)}")
    yield shown(_judged(explained))
    for fault in explained.faults:
        yield shown(f"failed: {fault}")
    for asked in explained.handlers:
        yield shown(f"{asked.handler}: {asked.outcome}")
        yield from (shown(f"  {line}") for line in asked.lines)
    outcomes = {asked.outcome for asked in explained.handlers}
    if "takes the call" not in outcomes:
        nobody = "if nobody takes it" if "may take the call" in outcomes else "nobody answers"
        yield f"{nobody}: it rings until the caller gives up"


def _judged(explained: Explained) -> str:
    verdict = explained.call.verdict
    if not verdict.by:
        return f"{verdict.kind}: no plugin judges this caller"
    action = f", action {verdict.action}" if verdict.action else ""
    return f"{verdict.kind}: {verdict.rule or 'by no rule'} (plugin {verdict.by}{action})"


# -- what people type


def moment_of(text: str) -> datetime:
    """A date and time as people type it, in the local time zone unless it names one; now where it is empty.

    Raises:
        InvalidArgument: It is none.
    """
    try:
        return (datetime.fromisoformat(text) if text else datetime.now().astimezone()).astimezone()
    except (ValueError, OverflowError):
        problem = f"is {text!r} where a date and time is expected, such as '2026-12-25 10:00'"
        raise InvalidArgument("explain", "at", problem) from None


def keys_of(text: str) -> tuple[str, ...]:
    """Answers to menus, with commas between: ``1,204``; an empty one is that of a caller who presses nothing.

    Raises:
        InvalidArgument: One is no answer that can be keyed in.
    """
    answers = tuple(answer.strip() for answer in text.split(",")) if text else ()
    for answer in answers:
        if not set(answer) <= KEYS:
            problem = f"holds {answer!r} where keys of a telephone are expected, with commas between: 1,204"
            raise InvalidArgument("explain", "keys", problem)
    return answers


def port_of(text: str, ports: Iterable[str]) -> str:
    """The address of a port that people name by it, or by its number where only one ctserver has that one.

    Raises:
        InvalidArgument: There is none, or several; the error says which there are.
    """
    known = list(ports)
    named = [port for port in known if text in {port, port.rpartition(":")[2]} or (not text and len(known) == 1)]
    if len(named) != 1:
        problem = f"is {text!r} where one of these is expected: {', '.join(known) or 'none is configured'}"
        raise InvalidArgument("explain", "port", problem)
    return named[0]
