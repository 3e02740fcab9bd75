"""The lists of callers, and who of them is meant: indexed, so that fifty thousand entries cost no more than fifty."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from .hours import read_hours, within
from .patterns import Pattern, fold, read_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ctportd import Numbers

    from .patterns import Subject

Side: TypeAlias = Literal["allow", "block"]

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""With a time zone: without one it could not be compared with the moment of a call."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a list, as it is kept.

    Attributes:
        match: What it matches, as :mod:`.patterns` reads it.
        list: ``allow`` or ``block``.
        action: What is done with such a caller; empty: as the settings say.
        name: What the caller is called, where a number is matched.
        note: For people.
        by: Who put it there: ``ctportd callers``, ``telephone``, ``dialled out``, or the file that it stands in.
        added: When.
        expires: When it ends; None: never.
        hours: When it applies, such as ``22:00-07:00``; empty: always.
    """

    match: str
    list: Side
    action: str = ""
    name: str = ""
    note: str = ""
    by: str = ""
    added: Moment | None = None
    expires: Moment | None = None
    hours: str = ""

    @property
    def key(self) -> str:
        """What it is kept under; ``match`` must be in the form in which patterns are kept."""
        return f"{self.list} {self.match}"


class Rule(msgspec.Struct, frozen=True):
    """An entry that was read, and where it stands."""

    entry: Entry
    pattern: Pattern
    source: str
    hours: tuple[time, time] | None = None

    @property
    def key(self) -> str:
        """What its hits are counted under."""
        return f"{self.entry.list} {self.pattern.text}"

    def __str__(self) -> str:
        """For people: ``block list: +1900* (lottery)``."""
        told = self.entry.name or self.entry.note
        by = f", {self.source}" if self.source else ""
        return f"{self.entry.list} list{by}: {self.pattern.text}" + (f" ({told})" if told else "")

    def applies(self, at: datetime, now: time) -> bool:
        """Whether it is in force at a moment, which is that time of day where its hours are meant."""
        return (self.entry.expires is None or at < self.entry.expires) and within(self.hours, now)


def read_rule(entry: Entry, source: str, numbers: Numbers) -> Rule:
    """Read an entry.

    Raises:
        ValueError: What it matches, or its hours, cannot be read.
    """
    return Rule(entry, read_pattern(entry.match, numbers), source, read_hours(entry.hours))


class List:
    """The rules of one side. The most exact one counts: a number, a name, the longest prefix, then the others in order.

    Args:
        rules: In the order of their sources.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = list(rules)
        self._exact: dict[tuple[bool, str], list[Rule]] = {}
        self._prefixes: dict[tuple[bool, str], list[Rule]] = {}
        self._others: list[Rule] = []
        for rule in self.rules:
            pattern = rule.pattern
            if pattern.kind in ("exact", "prefix"):
                index = self._exact if pattern.kind == "exact" else self._prefixes
                index.setdefault((pattern.of_name, pattern.key), []).append(rule)
            else:
                self._others.append(rule)
        self._longest = max((len(key) for _, key in self._prefixes), default=-1)

    def find(self, subject: Subject, at: datetime, now: time) -> Rule | None:
        """The rule that counts for a caller at a moment; None where none does."""
        return next((rule for rule in self._candidates(subject) if rule.applies(at, now)), None)

    def covering(self, subject: Subject) -> Rule | None:
        """The first rule that matches a caller, whether it is in force or not."""
        return next(self._candidates(subject), None)

    def named(self, number: str) -> str:
        """The name that stands beside a number in E.164; empty where none does."""
        return next((rule.entry.name for rule in self._exact.get((False, number), ()) if rule.entry.name), "")

    def _candidates(self, subject: Subject) -> Iterator[Rule]:
        """Every rule that matches, the most exact first."""
        for of_name in (False, True):
            for form in subject.forms(of_name=of_name):
                yield from self._exact.get((of_name, form), ())
        for length in range(self._longest, -1, -1):
            for of_name in (False, True):
                for form in subject.forms(of_name=of_name):
                    if length <= len(form):
                        yield from self._prefixes.get((of_name, form[:length]), ())
        for rule in self._others:
            if rule.pattern.matches(subject):
                yield rule


class Book:
    """Both lists, and what callers are called.

    Args:
        rules: Of both, in the order of their sources.
        aliases: Names by numbers in E.164, and by folded names.
    """

    def __init__(self, rules: Iterable[Rule] = (), aliases: dict[str, str] | None = None) -> None:
        rules = list(rules)
        self.allow = List(rule for rule in rules if rule.entry.list == "allow")
        self.block = List(rule for rule in rules if rule.entry.list == "block")
        self.aliases = aliases or {}

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.aliases or self.allow.rules or self.block.rules)

    @property
    def rules(self) -> list[Rule]:
        """All of them, those that allow first."""
        return [*self.allow.rules, *self.block.rules]

    def name_of(self, number: str, name: str) -> str:
        """What to call a caller, by the number in E.164 or else the name; empty where nothing is known."""
        return (
            self.aliases.get(number)
            or self.allow.named(number)
            or self.block.named(number)
            or self.aliases.get(fold(name), "")
        )
