"""What commands print of ctportd's own things."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from ctportd.cells import cell
from ctportd.display import moment, seconds, shown, table
from ctportd.records import INCOMING, OUTGOING, CallRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.table import Table

    from ctportd.checks import Checked
    from ctportd.mail.letter import Letter
    from ctportd.records import VoiceMessage
    from ctportd.status import PluginStatus, PortStatus, Status


def status_tables(status: Status) -> Iterable[Table | str]:
    """The running daemon."""
    since = moment(status.started_at)
    yield shown(f"ctportd {status.version}, pid {status.pid}, {status.state}, up since {since}, {status.config}")
    for server in status.ctserver:
        mode = f"{server.mode}, adopted" if server.adopted else server.mode
        pid = f", pid {server.pid}" if server.pid else ""
        started = f", started {server.starts} times" if server.starts > 1 else ""
        yield shown(f"ctserver {server.name}: {mode}{pid}, version {server.version or 'unknown'}{started}")
    if status.unwritten_calls or status.unlisted_messages:
        waiting = f"{status.unwritten_calls} records of calls and {status.unlisted_messages} messages wait for it"
        yield f"the database cannot be written to: {waiting}"
    if status.mail.waiting:
        error = f"; the last error: {status.mail.last_error}" if status.mail.last_error else ""
        yield shown(f"mail: letters waiting: {status.mail.waiting}{error}")
    yield ""
    ports = table("port", "name", "kind", "state", "caller", "handlers")
    for port in status.ports:
        state = f"{port.state}, draining" if port.draining and port.state != "draining" else port.state
        cells = (port.address, port.name, port.kind, state, _caller(port), ", ".join(port.handlers))
        ports.add_row(*map(shown, cells))
    yield ports
    yield ""
    plugins = table("plugin", "state", "last fault")
    for plugin in status.plugins:
        told = plugin.error or plugin.last_fault
        plugins.add_row(*map(shown, (plugin.name, fares(plugin), told)))
    yield plugins


def fares(plugin: PluginStatus) -> str:
    """A plugin's state, and what there is to count."""
    state = plugin.state if plugin.until is None else f"{plugin.state} until {moment(plugin.until)}"
    counts = {
        "fault" if plugin.faults == 1 else "faults": plugin.faults,
        "lost": plugin.lost,
        "skipped": plugin.skipped,
        "waiting": plugin.waiting,
        "task" if plugin.tasks == 1 else "tasks": plugin.tasks,
        "older with calls": plugin.retiring,
    }
    return ", ".join([state, *(f"{number} {what}" for what, number in counts.items() if number)])


def plugins_table(plugins: list[PluginStatus]) -> Iterable[Table | str]:
    """Every plugin: how it fares, where it is from, and its hooks."""
    if not plugins:
        yield "There is no plugin."
        return
    found = table("plugin", "from", "state", "hooks")
    for plugin in plugins:
        told = plugin.error or plugin.last_fault
        state = f"{fares(plugin)}: {told}" if told else fares(plugin)
        found.add_row(*map(shown, (plugin.name, plugin.where, state, " ".join(plugin.hooks))))
    yield found


def check_lines(checked: Checked) -> Iterable[str]:
    """What there is to say of a configuration: the mistakes first."""
    counts = {
        "mistake": sum(problem.serious for problem in checked.problems),
        "hint": sum(not problem.serious for problem in checked.problems),
    }
    told = [counted(count, thing) for thing, count in counts.items() if count]
    if not counts["mistake"]:
        plugins = f"{counted(len(checked.plugins), 'plugin')} ({', '.join(checked.plugins)})"
        told.insert(0, f"good: {counted(checked.ports, 'port')}, {plugins}")
    yield shown(f"{checked.file}: {', '.join(told)}")
    for problem in sorted(checked.problems, key=lambda problem: not problem.serious):
        yield shown(f"  {'mistake' if problem.serious else 'hint'}: {problem}")


def counted(number: int, thing: str) -> str:
    """So many of a thing."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


def calls_table(calls: list[CallRecord]) -> Iterable[Table | str]:
    """The call log."""
    if not calls:
        yield "No call has been logged."
        return
    columns: dict[str, Callable[[CallRecord], str]] = {
        "began": lambda call: moment(call.began),
        "port": lambda call: call.port,
        "way": lambda call: "out" if call.direction == OUTGOING else "in",
        "number": lambda call: call.number,
        "name": lambda call: call.name,
        "from": lambda call: ", ".join(filter(None, (call.region, call.country))),
        "caller is": lambda call: call.verdict,
        "lasted": _lasted,
        "how it ended": lambda call: call.end_reason,
    }
    for optional in ("from", "caller is"):  # what nobody has looked up has no column
        if not any(columns[optional](call) for call in calls):
            del columns[optional]
    if all(call.direction == INCOMING for call in calls):
        del columns["way"]
    rows = table(*columns)
    for call in calls:
        rows.add_row(*(shown(tell(call)) for tell in columns.values()))
    yield rows


def calls_csv(calls: Iterable[CallRecord]) -> str:
    """Calls as CSV, with a header; times in UTC."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(CallRecord.__struct_fields__)
    for call in calls:
        writer.writerow(cell(value or "") for value in msgspec.to_builtins(call).values())
    return written.getvalue()


def _lasted(call: CallRecord) -> str:
    """How long people spoke."""
    if call.ended_at is None:
        return "under way"
    if call.answered_at is None:
        return "no answer"
    return seconds((call.ended_at - call.answered_at).total_seconds())


def messages_table(messages: list[VoiceMessage]) -> Iterable[Table | str]:
    """The voice messages."""
    if not messages:
        yield "No message has been left."
        return
    rows = table("id", "mailbox", "folder", "state", "recorded", "number", "name", "length", "file")
    for message in messages:
        length = seconds(message.seconds)
        cells = (
            str(message.id),
            message.mailbox,
            message.folder,
            ("heard" if message.heard else "new") + (", urgent" if message.urgent else ""),
            moment(message.recorded_at),
            message.number,
            message.name,
            f"{length} (cut short)" if message.cut_short else length,
        )
        rows.add_row(*map(shown, (*cells, message.path)))
    yield rows


def outbox_table(letters: list[Letter]) -> Iterable[Table | str]:
    """The letters that wait."""
    if not letters:
        yield "No letter waits."
        return
    rows = table("posted", "to", "subject", "attempts", "next", "last error")
    for letter in letters:
        cells = (
            moment(letter.posted_at) if letter.posted_at else "",
            ", ".join(letter.waiting),
            letter.subject,
            str(letter.attempts),
            moment(letter.next_at) if letter.next_at else "at once",
            letter.last_error,
        )
        rows.add_row(*map(shown, cells))
    yield rows


def _caller(port: PortStatus) -> str:
    call = port.call
    return " ".join(filter(None, (call.number, call.name))) if call else ""
