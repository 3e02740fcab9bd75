"""``ctportd callers``: the lists, from the command line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ctportd import Caller, ListError, read_moment

from . import showing
from .actions import problem_of
from .files import read_file, write_text
from .hours import read_hours
from .lists import Entry
from .patterns import read_pattern
from .service import Screening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ctportd import Site

    from .lists import Side
    from .settings import Settings

_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON.")
_side = click.Choice(["allow", "block"])


def callers(settings: Settings, site: Site) -> click.Group:
    """The group of commands."""
    group = click.Group("callers", help="Show and change the lists of callers, and judge a number by them.")
    desk = _Desk(settings, site)
    for command in (
        _list(desk),
        _add(desk, "allow"),
        _add(desk, "block"),
        _remove(desk),
        _import(desk),
        _export(desk),
    ):
        group.add_command(command)
    group.add_command(_permit_next(desk))
    group.add_command(_judge(desk))
    return group


class _Desk:
    """What the commands have in common."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self.settings = settings
        self.site = site

    def run(self, work: Callable[[Screening], Awaitable[Any]]) -> Any:
        """Do something with the lists, and let go of the store."""

        async def main() -> Any:
            try:
                return await work(Screening(self.settings, self.site))
            finally:
                await self.site.store.close()

        return asyncio.run(main())

    def canonical(self, entry: Entry) -> Entry:
        """An entry as it is kept. Raises ValueError where it makes no sense."""
        problem = problem_of(entry.action)
        if problem or (entry.action and entry.list == "allow"):
            raise ValueError(f"action: {problem or 'whoever is allowed is let through, and no more'}")
        read_hours(entry.hours)
        return msgspec.structs.replace(entry, match=read_pattern(entry.match, self.site.numbers).text)


def _list(desk: _Desk) -> click.Command:
    @click.command("list")
    @click.option("--list", "side", type=_side, help="One of the two only.")
    @_json
    def command(*, side: Side | None, as_json: bool) -> None:
        """Show the lists: where each rule stands, what is done, how often it has counted.

        Example: ctportd callers list --list block
        """

        async def read(screening: Screening) -> Any:
            book = await screening.sources.refresh()
            if screening.sources.away:
                click.echo(f"ctportd: without those of the store: {screening.sources.away}", err=True)
                return book.rules, {}
            return book.rules, await screening.memory.hits()

        rules, hits = desk.run(read)
        rows = [showing.row(rule, hits) for rule in rules if side in (None, rule.entry.list)]
        showing.show(rows, as_json=as_json)

    return command


def _add(desk: _Desk, side: Side) -> click.Command:
    @click.command(side)
    @click.argument("match")
    @click.option("--name", default="", help="What the caller is called.")
    @click.option("--note", default="", help="For people.")
    @click.option("--days", type=click.IntRange(min=1), help="For so many days; else until it is removed.")
    @click.option("--hours", default="", help='When it applies, such as "22:00-07:00"; else always.')
    def command(*, match: str, name: str, note: str, days: int | None, hours: str, action: str = "") -> None:
        now = datetime.now(UTC)
        expires = now + timedelta(days=days) if days else None
        try:
            entry = desk.canonical(
                Entry(
                    match=match, list=side, action=action, name=name, note=note, by="ctportd callers", added=now,
                    expires=expires, hours=hours,
                )
            )  # fmt: skip
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        desk.run(lambda screening: screening.memory.keep([entry]))
        click.echo(f"ctportd: {entry.match} is on the {side} list")

    if side == "block":
        add_action = click.option("--action", default="", help="What is done; else as the settings say.")
        command = add_action(command)
    verb = "Let a caller through" if side == "allow" else "Keep a caller out"
    example = "'name:Ada *'" if side == "allow" else "'+1900*' --note lottery"
    command.help = f"""{verb}, from the next call on.

    MATCH is a number, a number with * and ?, /an expression/, or one of these after "name:", for the caller's name.

    Example: ctportd callers {side} {example}
    """
    return command


def _remove(desk: _Desk) -> click.Command:
    @click.command("remove")
    @click.argument("match")
    @click.option("--list", "side", type=_side, help="From one of the two only.")
    def command(*, match: str, side: Side | None) -> None:
        """Take a caller off the lists.

        Example: ctportd callers remove 212-555-0100
        """
        try:
            text = read_pattern(match, desk.site.numbers).text
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        sides = [side] if side else ["allow", "block"]

        async def remove(screening: Screening) -> list[str]:
            if await screening.memory.forget([f"{each} {text}" for each in sides]):
                return []
            book = await screening.sources.refresh()
            return [rule.source for rule in book.rules if rule.pattern.text == text] or ["no list"]

        if where := desk.run(remove):
            raise ListError(f"{text} cannot be removed: it stands in {', '.join(where)}, not in the store")
        click.echo(f"ctportd: {text} is removed")

    return command


def _import(desk: _Desk) -> click.Command:
    @click.command("import")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option(
        "--list", "side", type=_side, default="block", show_default=True, help="Where the file does not say."
    )
    def command(*, file: Path, side: Side) -> None:
        """Put all callers of FILE on a list: a CSV, a list of NCID, or an address book (.vcf).

        Those that are there already are replaced. If a line makes no sense, nothing is changed.

        Example: ctportd callers import contacts.vcf --list allow
        """
        now = datetime.now(UTC)
        entries: dict[str, Entry] = {}
        for where, entry in read_file(file, side):
            try:
                read = desk.canonical(entry)
            except ValueError as error:
                raise ListError(f"{where}: {entry.match!r}: {error}") from error
            read = msgspec.structs.replace(read, by=read.by or file.name, added=read.added or now)
            entries[read.key] = read
        desk.run(lambda screening: screening.memory.keep(entries.values()))
        click.echo(f"ctportd: {len(entries)} callers from {file.name} are on the lists")

    return command


def _export(desk: _Desk) -> click.Command:
    @click.command("export")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
    @click.option("--list", "side", type=_side, help="One of the two only.")
    def command(*, file: Path, side: Side | None) -> None:
        """Write the lists of the store to FILE as CSV; "-" is standard output.

        Example: ctportd callers export callers.csv
        """

        async def read(screening: Screening) -> str:
            entries = [entry for entry in await screening.memory.entries() if side in (None, entry.list)]
            return write_text(entries, await screening.memory.hits())

        text = desk.run(read)
        try:
            with click.open_file(str(file), "w", encoding="utf-8") as written:
                written.write(text)
        except OSError as error:
            raise ListError(f"{file}: cannot be written: {error.strerror}") from error

    return command


def _permit_next(desk: _Desk) -> click.Command:
    @click.command("permit-next")
    @click.option(
        "--minutes", type=click.IntRange(min=1), help="How long to wait for it; else as the settings say."
    )
    def command(*, minutes: int | None) -> None:
        """Let the next call through, whoever calls.

        Example: ctportd callers permit-next
        """
        until = datetime.now(UTC) + timedelta(minutes=minutes or desk.settings.permit_minutes)
        desk.run(lambda screening: screening.memory.permit_next(until))
        click.echo(f"ctportd: the next call is let through, until {until.astimezone():%H:%M}")

    return command


def _moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    try:
        return read_moment(text) if text else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _judge(desk: _Desk) -> click.Command:
    @click.command("judge")
    @click.argument("number")
    @click.option("--name", default="", help="The name that the exchange sends.")
    @click.option("--at", callback=_moment, help="When, such as '2026-12-25 10:00'; else now.")
    @_json
    def command(*, number: str, name: str, at: datetime | None, as_json: bool) -> None:
        """Tell what would be thought of a caller, and why. Nothing is remembered of it.

        Example: ctportd callers judge 9005550100
        """
        moment = (at or datetime.now(UTC)).astimezone()
        judgement = desk.run(lambda screening: screening.judge(Caller(number, name), moment))
        showing.show_verdict(judgement.verdict, desk.site.numbers.of(number), as_json=as_json)

    return command
