"""The screen of ``ctportd top``, made of a picture: it fits into any terminal, and shows first what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ctportd.display import shown
from ctportd.showing.picture import lasted
from ctportd.showing.watching import log_line

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from ctportd.showing.picture import Picture
    from ctportd.status import PluginStatus, PortStatus, Status

T = TypeVar("T")

_FRAME = 9  # rows that are neither a port nor a plugin nor a line of the log
_LEAST = 3  # rows that each part keeps, where it has as many

_STATES = {"idle": "dim", "ringing": "bold yellow", "answered": "bold green", "ending": "blue"}
_TROUBLE = "bold red"
_BUSIEST = {"answered": 1, "ringing": 2, "ending": 3, "idle": 9}  # trouble comes before them all

_BARS = " ▁▂▃▄▅▆▇█"


def screen(picture: Picture, now: datetime, height: int | None) -> Group:
    """The whole screen; ``height``: its rows, which it does not exceed; None: as many as there is to tell."""
    status = picture.status
    shares = _shares(height, len(status.ports), len(status.plugins), len(picture.lines))
    parts: list[RenderableType] = [*_head(picture, now)]
    parts += [_title("ports"), _ports(picture, now, shares[0])]
    parts += [_title("plugins"), _plugins(picture, shares[1])]
    if picture.lines and shares[2]:
        parts.append(_title("warnings"))
        parts += [_one_line(log_line(line)) for line in picture.lines[-shares[2] :]]
    return Group(*parts)


def _shares(height: int | None, ports: int, plugins: int, lines: int) -> tuple[int, int, int]:
    """Rows for ports, plugins and the log: each has a few, and what is left goes to who wants more, ports first."""
    if height is None:
        return ports, plugins, lines
    wanted = (ports, plugins, lines)
    given = [min(rows, _LEAST) for rows in wanted]
    left = max(height - _FRAME, 0)
    while sum(given) > left and any(given):
        given[max(range(3), key=lambda part: given[part])] -= 1
    left -= sum(given)
    for part, rows in enumerate(wanted):
        more = min(rows - given[part], left)
        given[part] += more
        left -= more
    return given[0], given[1], given[2]


def _head(picture: Picture, now: datetime) -> list[RenderableType]:
    status = picture.status
    busy = sum(port.call is not None for port in status.ports)
    first = Table.grid(expand=True)
    first.add_column(no_wrap=True, overflow="ellipsis")
    first.add_column(justify="right", no_wrap=True)
    state = Text.assemble(
        (" ctportd ", "bold reverse"),
        (f" {shown(status.version)}  ", "dim"),
        (shown(status.state), "bold green" if status.state == "ready" else "bold yellow"),
        f"  up {lasted(status.started_at, now)}",
        (f"  pid {status.pid}", "dim"),
    )
    first.add_row(state, Text(f"q quits   {now.astimezone():%H:%M:%S} ", "dim"))
    figures = (
        ("calls", f"{busy}/{len(status.ports)}"),
        ("last hour", str(sum(port.calls_last_hour for port in status.ports))),
        ("events/s", _figure(sum(picture.events.values()))),
        ("load", f"{_bar(picture.load)} {picture.load:.0%}"),
        ("mail", f"{status.mail.waiting} waiting" if status.mail.waiting else "none waits"),
    )
    second = Text(" ", no_wrap=True, overflow="ellipsis")
    for name, figure in figures:
        second.append(f"{name} ", "dim")
        second.append(f"{figure}   ", "bold")
    return [first, second, _servers(picture, status)]


def _servers(picture: Picture, status: Status) -> Text:
    line = Text(" ", no_wrap=True, overflow="ellipsis")
    if picture.problem:
        line.append(f"not reached: {shown(picture.problem)}", _TROUBLE)
        return line
    for server in status.ctserver:
        good = bool(server.version) and not server.version.startswith("unknown")
        line.append("ctserver ", "dim")
        line.append(shown(server.name), "bold" if good else _TROUBLE)
        line.append(f" {server.mode} ")
        line.append(shown(server.version) if good else "not reached", "" if good else _TROUBLE)
        restarts = f", started {server.starts} times" if server.starts > 1 else ""
        line.append(f"{restarts}   ", "yellow")
    if status.unwritten_calls or status.unlisted_messages:
        line.append("the database cannot be written to", _TROUBLE)
    return line


def _title(what: str) -> Rule:
    return Rule(Text(what, "bold cyan"), align="left", style="cyan dim")


def _table(*columns: tuple[str, int]) -> Table:
    """Columns, each with its share of the width; 0: as wide as what is in it; less: figures."""
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1, 0, 1), header_style="dim")
    for name, share in columns:
        table.add_column(
            name,
            ratio=share if share > 0 else None,
            justify="right" if share < 0 else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    return table


def _ports(picture: Picture, now: datetime, rows: int) -> RenderableType:
    ports = sorted(picture.status.ports, key=_rank)
    chosen, left = _cut(ports, rows)
    table = _table(("port", 0), ("state", 0), ("caller", 5), ("handler", 4), ("time", -1), ("ev/s", -1))
    for port in chosen:
        style = _STATES.get(port.state, _TROUBLE)
        call = port.call
        name = f"{port.address} {port.name}" if port.name else port.address
        caller = "  ".join(filter(None, (call.number, call.name))) or "unknown caller" if call else ""
        table.add_row(
            Text(shown(name), "bold" if call else "dim"),
            Text(f"● {shown(port.state)}", style),
            Text(shown(caller)),
            Text(shown(_handler(port)), "" if call else "dim"),
            Text(lasted(call.answered_at or call.began, now) if call else "", style),
            Text(_figure(picture.events.get(port.address, 0.0)), "dim"),
        )
    return _with_rest(table, left, "ports")


def _handler(port: PortStatus) -> str:
    return port.call.handler if port.call else ", ".join(port.handlers)


def _rank(port: PortStatus) -> int:
    return _BUSIEST.get(port.state, 0)


def _plugins(picture: Picture, rows: int) -> RenderableType:
    plugins = sorted(picture.status.plugins, key=lambda plugin: (not _ails(plugin), plugin.name))
    chosen, left = _cut(plugins, rows)
    table = _table(
        ("plugin", 0),
        ("state", 0),
        ("last fault", 1),
        ("calls/s", -1),
        ("queue", -1),
        ("lost", -1),
        ("faults", -1),
    )
    for plugin in chosen:
        good = plugin.state == "loaded"
        table.add_row(
            Text(shown(plugin.name), "bold" if picture.called.get(plugin.name) else ""),
            Text(f"● {shown(plugin.state)}", "green" if good else _TROUBLE),
            Text(shown(plugin.error or plugin.last_fault), "red"),
            Text(_figure(picture.called.get(plugin.name, 0.0))),
            _count(plugin.waiting, "yellow"),
            _count(plugin.lost, _TROUBLE),
            _count(plugin.faults, _TROUBLE),
        )
    return _with_rest(table, left, "plugins")


def _ails(plugin: PluginStatus) -> bool:
    return plugin.state != "loaded" or bool(plugin.faults or plugin.lost)


def _cut(things: list[T], rows: int) -> tuple[list[T], int]:
    """As many as there are rows for, and how many are left out: that takes a row, too."""
    if len(things) <= rows:
        return things, 0
    chosen = things[: max(rows - 1, 0)]
    return chosen, len(things) - len(chosen)


def _with_rest(table: Table, left: int, what: str) -> RenderableType:
    return Group(table, Text(f" … and {left} more {what}", "dim")) if left else table


def _one_line(line: Text) -> Text:
    """A line of the log in one row: without its traceback."""
    first = Text(" ").append_text(line.split("\n")[0])
    first.no_wrap, first.overflow = True, "ellipsis"
    return first


def _figure(number: float) -> str:
    return f"{number:.1f}" if 0 < number < 100 else f"{number:.0f}"


def _count(number: int, style: str) -> Text:
    return Text(str(number), style if number else "dim")


def _bar(load: float) -> str:
    """A load as one character."""
    return _BARS[min(round(load * (len(_BARS) - 1)), len(_BARS) - 1)]
