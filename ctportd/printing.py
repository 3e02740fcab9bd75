"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ctportd.records import CallRecord, VoiceMessage
    from ctportd.status import PluginStatus, PortStatus, Status
    from ctportd.workshop import FoundPlugin

_T = TypeVar("_T")

_UNSAFE = re.compile(r"[^\n -~]")

_WIDE = 10_000
"""Columns of a table: each row is one line, which a terminal breaks better than cells could be, and a pipe keeps."""


def show(data: _T, tables: Callable[[_T], Iterable[Table | str]], *, as_json: bool) -> None:
    """Print data as JSON, or as the tables that are made of it."""
    if as_json:
        show_json(msgspec.json.format(msgspec.json.encode(data), indent=2))
        return
    # No markup and no emoji: what is printed came from anywhere.
    console = Console(width=_WIDE, highlight=False, markup=False, emoji=False)
    for table in tables(data):
        console.print(table)


def show_json(text: bytes) -> None:
    """Print JSON. On a terminal all but printable ASCII is escaped, which says the same and cannot draw."""
    if not _is_terminal():
        click.echo(text)
        return
    click.echo(_UNSAFE.sub(_escaped, text.decode()))


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _escaped(found: re.Match[str]) -> str:
    """A character as JSON's escape, which is two of them beyond the first 65536: only texts hold such ones."""
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


def status_tables(status: Status) -> Iterable[Table | str]:
    """The running daemon."""
    since = _time(status.started_at)
    yield shown(f"ctportd {status.version}, pid {status.pid}, {status.state}, up since {since}, {status.config}")
    for server in status.ctserver:
        mode = f"{server.mode}, adopted" if server.adopted else server.mode
        pid = f", pid {server.pid}" if server.pid else ""
        started = f", started {server.starts} times" if server.starts > 1 else ""
        yield shown(f"ctserver {server.name}: {mode}{pid}, version {server.version or 'unknown'}{started}")
    if status.unwritten_calls or status.unlisted_messages:
        waiting = f"{status.unwritten_calls} records of calls and {status.unlisted_messages} messages wait for it"
        yield f"the database cannot be written to: {waiting}"
    yield ""
    ports = _table("port", "name", "kind", "state", "caller", "handlers")
    for port in status.ports:
        cells = (port.address, port.name, port.kind, port.state, _caller(port), ", ".join(port.handlers))
        ports.add_row(*map(shown, cells))
    yield ports
    yield ""
    plugins = _table("plugin", "state", "hooks", "last fault")
    for plugin in status.plugins:
        told = plugin.error or plugin.last_fault
        plugins.add_row(*map(shown, (plugin.name, _fares(plugin), ", ".join(plugin.hooks), told)))
    yield plugins


def _fares(plugin: PluginStatus) -> str:
    """A plugin's state, and what there is to count."""
    state = plugin.state if plugin.until is None else f"{plugin.state} until {_time(plugin.until)}"
    counts = {
        "fault" if plugin.faults == 1 else "faults": plugin.faults,
        "lost": plugin.lost,
        "skipped": plugin.skipped,
        "waiting": plugin.waiting,
        "task" if plugin.tasks == 1 else "tasks": plugin.tasks,
    }
    return ", ".join([state, *(f"{number} {what}" for what, number in counts.items() if number)])


def plugins_table(plugins: list[FoundPlugin]) -> Iterable[Table | str]:
    """The plugins that were found."""
    if not plugins:
        yield "There is no plugin."
        return
    table = _table("plugin", "from", "state", "hooks")
    for plugin in plugins:
        state = f"{plugin.state}: {plugin.error}" if plugin.error else plugin.state
        table.add_row(*map(shown, (plugin.name, plugin.where, state, " ".join(plugin.hooks))))
    yield table


def calls_table(calls: list[CallRecord]) -> Iterable[Table | str]:
    """The call log."""
    if not calls:
        yield "No call has been logged."
        return
    table = _table("began", "port", "number", "name", "lasted", "how it ended")
    for call in calls:
        cells = (_time(call.began), call.port, call.number, call.name, _lasted(call), call.end_reason)
        table.add_row(*map(shown, cells))
    yield table


def _lasted(call: CallRecord) -> str:
    """How long people spoke."""
    if call.ended_at is None:
        return "under way"
    if call.answered_at is None:
        return "no answer"
    return _seconds((call.ended_at - call.answered_at).total_seconds())


def messages_table(messages: list[VoiceMessage]) -> Iterable[Table | str]:
    """The voice messages."""
    if not messages:
        yield "No message has been left."
        return
    table = _table("id", "mailbox", "recorded", "number", "name", "length", "file")
    for message in messages:
        length = _seconds(message.seconds)
        cells = (
            str(message.id),
            message.mailbox,
            _time(message.recorded_at),
            message.number,
            message.name,
            f"{length} (cut short)" if message.cut_short else length,
        )
        table.add_row(*map(shown, (*cells, message.path)))
    yield table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _caller(port: PortStatus) -> str:
    call = port.call
    return " ".join(filter(None, (call.number, call.name))) if call else ""


def shown(text: str) -> str:
    """Text as it may go to a terminal: a caller chooses the name, and must not draw with it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _time(moment: datetime) -> str:
    """A moment in the reader's own time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _seconds(seconds: float) -> str:
    tenths = max(round(seconds * 10), 0)  # the clock may have been set back meanwhile
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
