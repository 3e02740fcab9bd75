"""What ``ctportd check`` tells of the menus: what no caller can want, and what is probably not meant."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd import Problem

from .actions import HANDLER, filled, has_places, read_action
from .calendars import CalendarError, read
from .graph import Graph
from .matching import read_pattern
from .spoken import prompts
from .walking import Entries
from .week import read_spans, read_week

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd import Site

    from .hours import Hours
    from .matching import Pattern
    from .settings import Menu, Place, Settings

TABLE = "plugins.auto_attendant"

_DAY = 24 * 60  # minutes

_LOOKED_AT = 1000  # entries of one pattern (our figure)


def problems(settings: Settings, site: Site) -> Iterator[Problem]:
    """Everything that is found. Looks at the disk."""
    graph = Graph(settings, chain.from_iterable(site.handlers.values()))
    reached = graph.reached()
    for name, menu in settings.menus.items():
        where = f"[{TABLE}.menus.{name}]"
        if graph.first and name not in reached:
            yield Problem(where, "no port and no other menu leads here", serious=False)
        yield from _menu(name, where, graph)
        yield from _ambiguous(Entries(settings, menu), menu, where)
    for place in settings.places():
        yield from _place(place, settings, site)
    yield from prompts(settings, site, TABLE)
    used = {when.hours for menu in settings.menus.values() for when in menu.when}
    for name, hours in settings.hours.items():
        yield from _hours(hours, f"[{TABLE}.hours.{name}]", used=name in used)


def _menu(name: str, where: str, graph: Graph) -> Iterator[Problem]:
    circle = graph.silent_circle(name)
    if name in circle:
        what = f"who presses nothing goes round until each has given up twice: {', '.join([*circle, name])}"
        yield Problem(f"{where} give_up", what, serious=False)
    if graph.chooses_nothing(name):
        yield Problem(f"{where} keys", "a dead end: nothing can be chosen here", serious=False)
    elif not graph.leads_out(name):
        yield Problem(f"{where} keys", "no way out: whatever is chosen here or further on leads to menus only")


# -- entries


def _ambiguous(entries: Entries, menu: Menu, where: str) -> Iterator[Problem]:
    every = [*entries.own, *entries.extensions]
    for pattern in every:
        longer = [other for other in every if _begins(pattern, other)]
        if longer:
            named = ", ".join(_called(other, entries) for other in longer[:3]) + (" ..." if longer[3:] else "")
            what = f"{_called(pattern, entries)} is the beginning of {named}: it acts after {menu.between} s"
            ends = f" ('between'), or at once with {menu.end!r}" if menu.end else " ('between')"
            yield Problem(f"{where} keys", what + ends, serious=False)
    for number in sorted(entries.hidden):
        problem = f"the extension {number} cannot be dialled here: the menu has an entry {number!r} of its own"
        yield Problem(f"{where} keys", problem, serious=False)


def _begins(pattern: Pattern, other: Pattern) -> bool:
    """Whether keys that are one entry may be the first ones of another."""
    if pattern.open or pattern is other:
        return False
    return (other.open or len(other.sets) > len(pattern.sets)) and all(
        set(ours) & set(theirs) for ours, theirs in zip(pattern.sets, other.sets, strict=False)
    )


def _called(pattern: Pattern, entries: Entries) -> str:
    return f"{'extension' if pattern in entries.extensions else 'the entry'} {pattern.text}"


# -- where they lead


def _place(place: Place, settings: Settings, site: Site) -> Iterator[Problem]:
    where = f"[{TABLE}{f'.{place.table}' if place.table else ''}] {place.key}"
    action = read_action(place.action)
    if action.verb == HANDLER:
        problem = _handler(place, site)
        if problem:
            yield Problem(where, f"{place.action!r}: {problem}")
    elif action.verb == "station" and not has_places(place.action):
        if action.what not in _addresses(site):
            yield Problem(where, f"{place.action!r}: there is no port {action.what!r}")
    elif action.verb == "transfer":
        if place.way is not None and not (place.way.rescue or settings.rescue):
            what = f"{place.action!r} has no 'rescue': who finds the number busy is not brought back"
            yield Problem(where, what, serious=False)
        if has_places(place.action) and read_pattern(place.entry).open:
            what = f"{place.action!r} lets callers dial any number that goes on from {place.entry!r}, at your cost"
            yield Problem(where, what, serious=False)


def _handler(place: Place, site: Site) -> str:
    """What is wrong with a handler; with one that is filled in, what is with all that it may become."""
    if not has_places(place.action):
        return site.check_handler(place.action)
    pattern = read_pattern(place.entry)
    problem = ""
    for keys in pattern.examples(_LOOKED_AT):
        problem = site.check_handler(filled(place.action, keys, keys[pattern.start :]))
        if not problem:
            return ""
    return f"no keys lead anywhere: {problem}"


def _addresses(site: Site) -> set[str]:
    """What ports may be called: by their addresses, and by the numbers alone that only one ctserver has."""
    numbers = [address.rpartition(":")[2] for address in site.handlers]
    return set(site.handlers) | {number for number in numbers if numbers.count(number) == 1}


# -- hours


def _hours(hours: Hours, where: str, *, used: bool) -> Iterator[Problem]:
    if not used:
        yield Problem(where, "no menu has a 'when' by these hours", serious=False)
    week = read_week(hours.week)
    open_ = {
        (day * _DAY + minute) % (7 * _DAY)
        for day, spans in enumerate(week)
        for span in spans
        for minute in range(span.first, span.end)
    }
    if not open_ and not any(read_spans(spans) for spans in hours.dates.values()):
        yield Problem(f"{where} week", "it is never open", serious=False)
    elif len(open_) == 7 * _DAY:
        yield Problem(f"{where} week", "it is never closed, but on holidays", serious=False)
    if hours.calendar:
        try:
            read(Path(hours.calendar).absolute())
        except CalendarError as error:
            yield Problem(f"{where} calendar", f"{hours.calendar!r} cannot be read: {error}")
