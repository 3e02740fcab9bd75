"""What ``ctportd callers`` prints."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ctportd import display, region_of

from .actions import PASS, meaning_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.table import Table

    from ctportd import Number, Verdict

    from .lists import Rule
    from .memory import Hits


class Row(msgspec.Struct, frozen=True):
    """A rule as it is printed."""

    list: str
    match: str
    action: str
    name: str
    note: str
    by: str
    source: str
    expires: datetime | None
    hours: str
    hits: int
    last_hit: datetime | None


def row(rule: Rule, hits: Mapping[str, Hits]) -> Row:
    """A rule, with how often it has counted."""
    entry, counted = rule.entry, hits.get(rule.key)
    return Row(
        list=entry.list,
        match=rule.pattern.text,
        action=entry.action,
        name=entry.name,
        note=entry.note,
        by=entry.by,
        source=rule.source or "store",
        expires=entry.expires,
        hours=entry.hours,
        hits=counted.count if counted else 0,
        last_hit=counted.last if counted else None,
    )


def show(rows: list[Row], *, as_json: bool) -> None:
    """Print the lists."""
    display.show(rows, _tables, as_json=as_json)


def _tables(rows: list[Row]) -> Iterable[Table | str]:
    if not rows:
        yield "Nobody is on the lists."
        return
    table = display.table(
        "list", "match", "action", "name", "note", "by", "stands in", "until", "hours", "hits", "last"
    )
    for each in rows:
        until = display.moment(each.expires) if each.expires else ""
        last = display.moment(each.last_hit) if each.last_hit else ""
        cells = (each.list, each.match, each.action, each.name, each.note, each.by, each.source, until, each.hours)
        table.add_row(*map(display.shown, (*cells, str(each.hits or ""), last)))
    yield table


class Judged(msgspec.Struct, frozen=True):
    """What is thought of a caller, as it is printed."""

    number: str
    country: str
    region: str
    kind: str
    action: str
    rule: str


def show_verdict(verdict: Verdict, number: Number, *, as_json: bool) -> None:
    """Print what is thought of a caller."""
    region = region_of(number.e164) if number.country else ""
    judged = Judged(number.e164, number.country, region, verdict.kind, verdict.action or PASS, verdict.rule)
    display.show(judged, _lines, as_json=as_json)


def _lines(judged: Judged) -> Iterable[str]:
    place = ", ".join(filter(None, (judged.region, judged.country)))
    who = f"{judged.number} ({place})" if place else judged.number
    yield display.shown(f"{who or 'no number'}: {judged.kind}, {judged.rule}")
    yield display.shown(f"{judged.action}: {meaning_of(judged.action)}")
