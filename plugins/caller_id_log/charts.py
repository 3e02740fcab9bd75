"""Statistics for people: tables and bars for the terminal, and a chart as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import leather
from rich.bar import Bar
from rich.table import Table

from ctportd import display

from .statistics import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .statistics import Statistics

_WIDTH = 40
"""Columns of the longest bar (our figure)."""

_CHART_WIDTH, _BAR_HEIGHT, _MARGIN = 900, 22, 160
"""Pixels of the chart, of each bar, and of what stands above and below them (our figures)."""

_MISSED, _ANSWERED = "#d55e00", "#0072b2"
"""Two colours that those who cannot tell red from green can tell, too."""


def tables(found: Statistics) -> Iterable[Table | str]:
    """What the terminal shows."""
    mean = display.seconds(found.mean_seconds)
    calls = "1 call" if found.calls == 1 else f"{found.calls} calls"
    yield f"{found.since} to {found.until}: {calls}, {found.answered} answered, {found.missed} not"
    if not found.calls:
        return
    yield f"those that were answered lasted {mean} on average"
    yield ", ".join(f"{number} {verdict}" for verdict, number in found.verdicts.items())
    yield ""
    callers = display.table("caller", "name", "calls", "answered", "last")
    for each in found.callers:
        cells = (each.number, each.name, str(each.calls), str(each.answered), display.moment(each.last))
        callers.add_row(*map(display.shown, cells))
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
    """A chart of the calls, for a page or a mail: of each day or hour all calls, and over them those that were answered.

    Args:
        found: The calls.
        by: ``day``, or ``hour`` of the day, for which nobody has counted those that were answered.
    """
    chart = leather.Chart(f"Calls by {by}, {found.since} to {found.until}")
    if by == "day":
        names = [f"{day.day:%a %Y-%m-%d}" for day in found.days]
        all_calls = [day.calls for day in found.days]
    else:
        names, all_calls = [f"{hour:02}:00" for hour in HOURS], found.hours
    chart.add_x_scale(0, max(*all_calls, 1))
    chart.add_bars(list(zip(all_calls, names, strict=True)), name="calls", fill_color=_MISSED)
    if by == "day":
        answered = [(day.answered, name) for day, name in zip(found.days, names, strict=True)]
        chart.add_bars(answered, name="answered", fill_color=_ANSWERED)
    drawn: str = chart.to_svg(width=_CHART_WIDTH, height=_MARGIN + _BAR_HEIGHT * len(names))
    return drawn
