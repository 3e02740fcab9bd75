"""``ctportd stats``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctportd import INCOMING, CallFilter, display

from .statistics import count, midnight

if TYPE_CHECKING:
    from datetime import date

    from ctportd import Site, Store

    from .statistics import Statistics


_DAYS = 30


def stats(site: Site) -> click.Command:
    """The command."""

    @click.command("stats")
    @click.option(
        "--days", type=click.IntRange(1, 3660), default=_DAYS, show_default=True, help="So many, up to today."
    )
    @click.option("--port", default="", help="Calls on this port only, such as main:1.")
    @click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="So many callers.")
    @click.option(
        "--svg", "file", type=click.Path(path_type=Path, dir_okay=False), help="Draw a chart into this file."
    )
    @click.option(
        "--by", type=click.Choice(["day", "hour"]), default="day", show_default=True, help="Of the chart."
    )
    @click.option("--json", "as_json", is_flag=True, help="For programs: JSON.")
    def command(*, days: int, port: str, top: int, file: Path | None, by: str, as_json: bool) -> None:
        """Count the calls that were logged: by day, by hour, by caller, by what was thought of them.

        Example: ctportd stats --days 7 --svg calls.svg
        """
        from .charts import svg, tables  # noqa: PLC0415 - heavy, and help needs none of it

        today = datetime.now(UTC).astimezone().date()
        first = today - timedelta(days=days - 1)
        found = asyncio.run(_counted(site, first, today, port, top))
        if file is not None:
            _write(file, svg(found, by))
        display.show(found, tables, as_json=as_json)

    return command


async def _counted(site: Site, first: date, last: date, port: str, top: int) -> Statistics:
    try:
        return await counted(site.store, first, last, port=port, top=top)
    finally:
        await site.store.close()


async def counted(store: Store, first: date, last: date, *, port: str = "", top: int) -> Statistics:
    """Count the calls that came within some days, in the machine's time zone; those that we made are left out.

    Args:
        store: Where they are logged.
        first: The first day.
        last: The last one.
        port: Those on this port only; empty: all.
        top: How many of those who called most.
    """
    since, until = midnight(first, None), midnight(last + timedelta(days=1), None)
    which = CallFilter(port=port, since=since, until=until, direction=INCOMING)
    counts, callers = await store.call_counts(which), await store.top_callers(top, which)
    return count(counts, callers, first, last, None)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
