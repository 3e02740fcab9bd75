"""Classes whose objects plugins and tests hold: each public method and attribute, as its docstring tells."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from ctportd.calls.call import Call
from ctportd.calls.hold import Hold
from ctportd.calls.leg import Leg
from ctportd.calls.stations import Stations
from ctportd.calls.transfers import Transfers
from ctportd.clock import Clock
from ctportd.hooks.services import Daemon, Site
from ctportd.links.port import Port
from ctportd.mail.service import Mail
from ctportd.messages.service import Messages
from ctportd.pins.guard import PinGuard
from ctportd.store import Store
from ctportd.testing import House, HouseClock, Telephone
from ctportd.testing.fixtures import Line
from scripts.reference.prose import Told, cell, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN: dict[type, str] = {
    Hold: "taken passed_on left mark_answered ring key take identify far_end_gone end release stop_ringing "
    "off_hook wait_caller lent",
    Leg: "seize",
    Transfers: "hear_answer",
    Stations: "ring_own_set",
    Messages: "run put_in_order unlisted",
    Mail: "open run send_due use",
    PinGuard: "keep_all",
    Store: "open end_open_calls is_gone forget_calls add_message message_of update_message remove_message "
    "wrong_pins save_wrong_pins forget_wrong_pins",
    House: "start close",
}
"""What ctportd itself uses of what plugins and tests hold."""


def public(owner: type) -> dict[str, Any]:
    """What can be used of it, by its name: methods, properties, and the attributes that it tells of (as text)."""
    classes = [each for each in owner.__mro__ if each.__module__.startswith("ctportd.")]
    own = {name for each in classes for name in OWN.get(each, "").split()}
    found: dict[str, Any] = {}
    for each in reversed(classes):
        found |= {name: told for name, told in Told(each).attributes.items() if name not in own}
        found |= {name: value for name, value in vars(each).items() if name[0] != "_" and name not in own}
    return found


def signature(holder: str, name: str, value: Any) -> str:
    """How it is written where it is used."""
    function = inspect.unwrap(value)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    written = [str(each.replace(annotation=each.empty)) for each in parameters]
    named = [number for number, each in enumerate(parameters) if each.kind is each.KEYWORD_ONLY]
    if named and not any(each.kind is each.VAR_POSITIONAL for each in parameters):
        written.insert(named[0], "*")
    call = f"{holder}{name}({', '.join(written)})"
    if function is not value and inspect.isasyncgenfunction(function):
        return f"async with {call}"
    if function is not value and inspect.isgeneratorfunction(function):
        return f"with {call}"
    return f"await {call}" if inspect.iscoroutinefunction(function) else call


def _returned(value: Any) -> str:
    """What it returns, as code; empty where that is nothing."""
    function: Any = inspect.unwrap(value.fget if isinstance(value, property) else value)  # type: ignore[arg-type]
    told = str(getattr(function, "__annotations__", {}).get("return", ""))
    told = re.sub(r"^(?:Async)?Iterator\[(.*)\]$", r"\1", told)
    return "" if told in {"", "None", "Self"} else f"`{told}`"


def chapter(title: str, holder: str, owner: type, beyond: type | None = None) -> Iterator[str]:
    """A class: its attributes in a table, and each method with all that there is to say; without those of ``beyond``."""
    told_already = public(beyond) if beyond else {}
    members = {name: value for name, value in public(owner).items() if name not in told_already}
    yield f"## {title}"
    yield "\n\n".join(Told(owner).lines())
    plain = {name: value for name, value in members.items() if isinstance(value, str | property)}
    if plain:
        told = {name: value if isinstance(value, str) else Told(value).first for name, value in plain.items()}
        types = {name: _returned(value) if isinstance(value, property) else "" for name, value in plain.items()}
        yield table(
            ["attribute", "type", ""], [[f"`{holder}{name}`", types[name], cell(told[name])] for name in plain]
        )
    for name, value in members.items():
        if callable(value):
            yield f"### `{signature(holder, name, value)}`"
            returned = _returned(value)
            yield "\n\n".join([*([f"Gives {returned}."] if returned else []), *Told(value).lines()])


def call_page() -> str:
    """docs/reference/call.md."""
    about = (
        "For those who write plugins: all that a call can do, and what is raised. Seconds are whole seconds "
        "of the line unless a method says otherwise. When the far end is gone, whatever is awaited raises "
        "`CallEnded`; what ctserver refuses, or does not answer, raises a [`LinkError`](errors.md). "
        "[plugins.md](../plugins.md) tells how they are used."
    )
    return page("What a call can do", about, [*chapter("Call", "call.", Call)])


def services_page() -> str:
    """docs/reference/services.md."""
    about = (
        "For those who write plugins: what the arguments `daemon`, `site` and `port` of hooks hold. A `site` "
        "is there without a running daemon, too; a `daemon` is a site and has more. "
        "[plugins.md](../plugins.md) tells how they are used."
    )
    parts = [
        *chapter("The installation", "site.", Site),
        *chapter("The daemon", "daemon.", Daemon, beyond=Site),
        *chapter("A port", "port.", Port),
        *chapter("Voice messages", "daemon.messages.", Messages),
        *chapter("Letters", "daemon.mail.", Mail),
        *chapter("PINs", "daemon.pins.", PinGuard),
        *chapter("Time", "daemon.clock.", Clock),
        *chapter("The database", "daemon.store.", Store),
    ]
    return page("What plugins hold", about, parts)


def testing_page() -> str:
    """docs/reference/testing.md."""
    about = (
        "For those who test plugins: the fixture `ctportd_line`, and what it gives. Times are in seconds of "
        "the line. [testing.md](../testing.md) tells how tests are written."
    )
    told = "\n\n".join(Told(Line.__call__).lines())
    fixture = ["## The fixture", f"### `{signature('', 'ctportd_line', Line.__call__)}`", told]
    parts = [
        *fixture,
        *chapter("A house", "house.", House),
        *chapter("Its clock", "house.clock.", HouseClock),
        *chapter("A telephone", "phone.", Telephone),
    ]
    return page("What tests hold", about, parts)
