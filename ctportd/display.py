"""How anything is shown on the terminal: tables for people, JSON for programs.

rich is loaded with the first table: plugins take this module for their commands, of which help only tells.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from rich.console import Console, RenderableType
    from rich.segment import Segment
    from rich.table import Table

_T = TypeVar("_T")

_UNSAFE = re.compile(r"[^\n -~]")

_WIDE = 10_000
"""Columns of a table in a pipe: each row is one line, whatever is in it."""


def show(data: _T, tables: Callable[[_T], Iterable[Table | str]], *, as_json: bool) -> None:
    """Print data as JSON, or as the tables that are made of it."""
    if as_json:
        show_json(msgspec.json.format(msgspec.json.encode(data, enc_hook=str), indent=2))
        return
    from rich.console import Console  # noqa: PLC0415 - as the module says
    from rich.segment import Segments  # noqa: PLC0415 - as the module says

    # No markup and no emoji: what is printed came from anywhere.
    console = Console(width=_WIDE, highlight=False, markup=False, emoji=False)
    for table in tables(data):
        if isinstance(table, str):
            console.print(table)
        else:
            console.print(Segments(_fitting(console, table)), end="")


def _fitting(console: Console, table: Table) -> Iterator[Segment]:
    """A table as wide as the terminal: cells for which there is no room stand below their row, each with its name."""
    from rich.cells import cell_len  # noqa: PLC0415 - as the module says
    from rich.segment import Segment  # noqa: PLC0415 - as the module says

    width = shutil.get_terminal_size().columns if _is_terminal() else _WIDE
    cells = [(str(column.header), list(column.cells)) for column in table.columns]
    kept = _kept([max(cell_len(str(cell)) for cell in (name, *column)) for name, column in cells], width)
    if kept == len(cells):
        yield from _trimmed(console, table)
        return
    narrow = _with_rows(cells[:kept])
    for line, below in zip(_lines(_trimmed(console, narrow)), ["", *_below(cells[kept:])], strict=False):
        yield from line
        if below:
            yield from (Segment(f"    {below}"), Segment.line())


def _kept(widths: list[int], width: int) -> int:
    """How many columns have room, the first at least: each has two blanks behind it."""
    room = [sum(widths[:count]) + 2 * (count - 1) <= width for count in range(1, len(widths) + 1)]
    return max(sum(room), 1)


def _with_rows(cells: list[tuple[str, list[RenderableType]]]) -> Table:
    made = table(*(name for name, _ in cells))
    for row in zip(*(column for _, column in cells), strict=True):
        made.add_row(*row)
    return made


def _below(cells: list[tuple[str, list[RenderableType]]]) -> Iterator[str]:
    """For each row what stands below it."""
    for row in zip(*(column for _, column in cells), strict=True):
        told = zip((name for name, _ in cells), map(str, row), strict=True)
        yield "  ".join(f"{name}: {cell}" if name else cell for name, cell in told if cell)


def _lines(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    line: list[Segment] = []
    for segment in segments:
        line.append(segment)
        if segment.text == "\n":
            yield line
            line = []


def _trimmed(console: Console, table: Table) -> Iterator[Segment]:
    """A table without the blanks at the ends of its lines: a narrow terminal would break the lines for them."""
    from rich.segment import Segment  # noqa: PLC0415 - as the module says

    for line in console.render_lines(table, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        yield from line[:-1]
        for last in line[-1:]:
            yield Segment(last.text.rstrip(), last.style)
        yield Segment.line()


def show_json(text: bytes) -> None:
    """Print JSON. On a terminal all but printable ASCII is escaped, which says the same and cannot draw."""
    click.echo(harmless_json(text.decode()) if _is_terminal() else text)


def harmless_json(text: str) -> str:
    """JSON of which all but printable ASCII is escaped."""
    return _UNSAFE.sub(_escaped, text)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _escaped(found: re.Match[str]) -> str:
    """A character as JSON's escape, which is two of them beyond the first 65536: only texts hold such ones."""
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


def table(*columns: str) -> Table:
    """An empty table with these columns."""
    from rich.table import Table  # noqa: PLC0415 - as the module says

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def shown(text: str) -> str:
    """Text as it may go to a terminal: a caller chooses the name, and must not draw with it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def moment(at: datetime) -> str:
    """A moment in the reader's own time zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def seconds(length: float) -> str:
    """Seconds as minutes and seconds."""
    tenths = max(round(length * 10), 0)  # the clock may have been set back meanwhile
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
