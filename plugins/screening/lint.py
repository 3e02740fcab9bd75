"""What is probably not meant in the rules, for ``ctportd check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctportd import ListError, Problem

from . import actions
from .files import read_side
from .lists import List, read_rule
from .patterns import Subject
from .sources import of_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ctportd import Numbers, Site

    from .lists import Entry, Rule, Side
    from .settings import Settings

TABLE = "[plugins.screening]"


def problems(settings: Settings, site: Site) -> Iterator[Problem]:
    """Everything that can be said of the settings without the store."""
    rules, faults = _read(settings, site.numbers)
    yield from faults
    yield from _shadowed(rules, site.numbers)
    yield from _actions(settings, site)
    yield from _handlers(settings, site)


def _read(settings: Settings, numbers: Numbers) -> tuple[list[Rule], list[Problem]]:
    """The rules that can be read, and what is wrong with the others."""
    rules: list[Rule] = []
    faults: list[Problem] = []
    for where, entry in _entries(settings, faults):
        try:
            rules.append(read_rule(entry, where, numbers))
        except ValueError as error:
            faults.append(Problem(where, f"{entry.match!r}: {error}"))
        if entry.list == "allow" and entry.action:
            faults.append(
                Problem(where, f"{entry.match!r}: its action is of no use: callers are let through", serious=False)
            )
    return rules, faults


def _entries(settings: Settings, faults: list[Problem]) -> Iterator[tuple[str, Entry]]:
    for entry in of_settings(settings):
        yield f"{TABLE} {entry.list}", entry
    sides: tuple[tuple[Side, list[str]], ...] = (("allow", settings.allow_files), ("block", settings.block_files))
    for side, names in sides:
        for name in names:
            try:
                yield from (
                    (f"{TABLE} {side}_files: {where}", entry) for where, entry in read_side(Path(name), side)
                )
            except ListError as error:
                faults.append(Problem(f"{TABLE} {side}_files", str(error)))


def _shadowed(rules: list[Rule], numbers: Numbers) -> Iterator[Problem]:
    """Rules that can never count, since another one does whenever they would."""
    allow = List(rule for rule in rules if rule.entry.list == "allow" and _always(rule))
    seen: dict[str, Rule] = {}
    for rule in rules:
        first = seen.setdefault(rule.key, rule)
        if first is not rule and _always(first):
            yield Problem(
                rule.source,
                f"{rule.pattern.text} never counts: it stands in {first.source} already",
                serious=False,
            )
        elif rule.entry.list == "block" and (cover := _cover(rule, allow, numbers)) is not None:
            yield Problem(
                rule.source,
                f"{rule.pattern.text} never counts: {cover.source} has {cover.pattern.text}, and allowing goes first",
            )


def _always(rule: Rule) -> bool:
    return rule.hours is None and rule.entry.expires is None


def _cover(rule: Rule, allow: List, numbers: Numbers) -> Rule | None:
    """The rule that allows whomever this one would block; None where none is known to."""
    pattern = rule.pattern
    subject = Subject(numbers.of(""), pattern.key) if pattern.of_name else Subject(numbers.of(pattern.key), "")
    if pattern.kind == "exact":
        return allow.covering(subject)
    same = (other for other in allow.rules if other.pattern.text == pattern.text or _wider(other, rule))
    return next(same, None)


def _wider(other: Rule, rule: Rule) -> bool:
    """Whether a prefix matches all that another prefix does."""
    first, second = other.pattern, rule.pattern
    return (
        first.kind == second.kind == "prefix"
        and first.of_name == second.of_name
        and second.key.startswith(first.key)
    )


def _actions(settings: Settings, site: Site) -> Iterator[Problem]:
    """Handlers to which callers would be handed over, and that there are not."""
    named = {
        f"{TABLE} block_action": settings.block_action,
        f"{TABLE} anonymous": settings.anonymous,
        f"{TABLE} unknown": settings.unknown,
        "[plugins.screening.greylist] first": settings.greylist.first,
        "[plugins.screening.test] failed": settings.test.failed,
        "[plugins.screening.ask] refused": settings.ask.refused,
    }
    named |= {f"{TABLE} block: {entry.match}": entry.action for entry in of_settings(settings)}
    for where, action in named.items():
        if action and action not in actions.MEANINGS and (wrong := site.check_handler(action)):
            yield Problem(
                where, f"{action!r} is neither one of {', '.join(actions.MEANINGS)} nor a handler: {wrong}"
            )


def _handlers(settings: Settings, site: Site) -> Iterable[Problem]:
    """Rules that nobody acts upon: a verdict alone does nothing."""
    ports = [address for address, handlers in site.handlers.items() if "screening" in handlers]
    acts = bool(settings.block or settings.block_files) or {settings.anonymous, settings.unknown} != {actions.PASS}
    if acts and not ports:
        yield Problem(
            TABLE,
            "callers are judged and nothing is done: no port has 'screening' among its handlers",
            serious=False,
        )
    for address in ports:
        if site.handlers[address][0] != "screening":
            yield Problem(
                f"[[port]] {address} handlers",
                "'screening' is not the first of them: those before it take callers who are blocked",
                serious=False,
            )
