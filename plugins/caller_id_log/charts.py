"""Statistics for people: tables and bars for the terminal, and a chart as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygal
from rich.bar import Bar
from rich.table import Table

from ctportd import printing

from .statistics import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .statistics import Statistics

_WIDTH = 40
"""Columns of the longest bar (our figure)."""


def tables(found: Statistics) -> Iterable[Table | str]:
    """What the terminal shows."""
    mean = printing.seconds(found.mean_seconds)
    yield f"{found.since} to {found.until}: {found.calls} calls, {found.answered} answered, {found.missed} not"
    if not found.calls:
        return
    yield f"those that were answered lasted {mean} on average"
    yield ", ".join(f"{number} {verdict}" for verdict, number in found.verdicts.items())
    yield ""
    callers = printing.table("caller", "name", "calls", "answered", "last")
    for each in found.callers:
        cells = (each.number, each.name, str(each.calls), str(each.answered), printing.moment(each.last))
        callers.add_row(*map(printing.shown, cells))
    yield callers
    yield ""
    yield from _bars("hour", [f"{hour:02}:00" for hour in HOURS], found.hours)
    yield ""
    yield from _bars("day", [f"{day.day:%a %Y-%m-%d}" for day in found.days], [day.calls for day in found.days])


def _bars(what: str, names: list[str], numbers: list[int]) -> Iterable[Table]:
    """One bar a line."""
    most = max(numbers)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(what)
    table.add_column("calls", justify="right")
    table.add_column("", width=_WIDTH)
    for name, number in zip(names, numbers, strict=True):
        table.add_row(name, str(number), Bar(most, 0, number, width=_WIDTH))
    yield table


def svg(found: Statistics, by: str) -> str:
    """A chart of the calls, for a page or a mail.

    Args:
        found: The calls.
        by: ``day``: those that were answered, and those that were not; ``hour`` of the day: all.
    """
    chart = pygal.StackedBar(
        js=[],  # it would fetch a script from elsewhere
        title=f"Calls by {by}, {found.since} to {found.until}",
        x_label_rotation=60 if by == "day" else 0,
        legend_at_bottom=True,
        show_legend=by == "day",
        disable_xml_declaration=True,
    )
    if by == "day":
        chart.x_labels = [f"{day.day:%d %b}" for day in found.days]
        chart.add("answered", [day.answered for day in found.days])
        chart.add("not answered", [day.calls - day.answered for day in found.days])
    else:
        chart.x_labels = [f"{hour:02}" for hour in HOURS]
        chart.add("calls", found.hours)
    drawn: str = chart.render()
    return drawn
