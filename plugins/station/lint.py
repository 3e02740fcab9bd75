"""What ``ctportd check`` tells of telephone sets: what is probably not meant in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ctportd import Site

    from .settings import Settings


def problems(settings: Settings, site: Site) -> Iterator[Problem]:
    """Ports and handlers that there are not, and sets of which nothing is known."""
    yield from _missing_ports(settings, site.handlers)
    yield from _unknown_sets(settings, site)
    yield from _missing_handlers(settings, site)
    yield from _outside(settings)


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
