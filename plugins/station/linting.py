"""What ``ctportd check`` and ``ctportd explain`` tell of telephone sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import Explanation, Problem, hookimpl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ctportd import Inquiry, Site

    from .settings import Settings


@hookimpl
def check_settings(settings: Settings, site: Site) -> list[Problem]:
    """Ports and handlers that there are not, and sets of which nothing is known."""
    return [
        *_missing_ports(settings, site.handlers),
        *_unknown_sets(settings, site),
        *_missing_handlers(settings, site),
        *_outside(settings),
    ]


def _missing_ports(settings: Settings, ports: Collection[str]) -> Iterator[Problem]:
    named = {f"[plugins.station.sets.{port}]": port for port in settings.sets}
    if settings.outside is not None:
        named |= {f"[plugins.station.outside] ports: {port}": port for port in settings.outside.ports}
    for where, port in named.items():
        if not any(_is(port, address) for address in ports):
            yield Problem(where, f"there is no port {port}; expected one of {', '.join(ports)}")


def _unknown_sets(settings: Settings, site: Site) -> Iterator[Problem]:
    for address, handlers in site.handlers.items():
        if "station" in handlers and not any(_is(port, address) for port in settings.sets):
            number = address.rpartition(":")[2]
            yield Problem(
                f"[plugins.station.sets.{number}]",
                f"is missing: the set on port {address} has no extension and no mailbox",
                serious=False,
            )


def _missing_handlers(settings: Settings, site: Site) -> Iterator[Problem]:
    asked: dict[str, str] = {}
    for port, one in settings.sets.items():
        asked |= {f"[plugins.station.numbers] {number}": handler for number, handler in settings.handlers_for(one)}
        if one.mailbox:
            asked[f"[plugins.station.sets.{port}] mailbox"] = f"voicemail:{one.mailbox}"
    for where, handler in asked.items():
        wrong = site.check_handler(handler)
        if wrong:
            yield Problem(where, f"{handler}: {wrong}")


def _outside(settings: Settings) -> Iterator[Problem]:
    if settings.outside is not None and not settings.outside.allow:
        yield Problem("[plugins.station.outside] allow", "has no pattern: no number can be dialled", serious=False)


def _is(port: str, address: str) -> bool:
    """Whether a port of the settings is the one of this address."""
    return port in (address, address.rpartition(":")[2])


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
    """Which set rings, or what a set can dial."""
    if not target:
        return Explanation([f"the set on port {inquiry.port} hears dial tone, and dials"])
    reached = settings.reached(target)
    if reached is None:
        return Explanation([f"no set has the extension {target}: the call passes"], takes=False)
    port, callee = reached
    asked = ", where whoever lifts it is asked to take the call" if callee.screen else ""
    lines = [f"the set of extension {target}, on port {port}, rings for {settings.ring} s{asked}"]
    return Explanation([*lines, "a caller whom nobody answers passes on"], takes=False, sure=False)
