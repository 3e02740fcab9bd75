"""Once a week, a letter with the statistics of the week before."""

from __future__ import annotations

import asyncio
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

import structlog
from rich.console import Console

from ctportd import InvalidArgument, Letter, MailError, StorageError, StoreError

from .charts import svg, tables
from .commands import counted

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ctportd import Daemon

    from .statistics import Statistics

LOOK_EVERY = 600.0
"""Seconds between two looks at whether a report is due: clocks are set, and machines sleep (our figure)."""

HOUR = 7
"""When it is sent on a Monday, in the machine's time zone (our figure)."""

_FAMILY, _REPORTED = "caller_id_log", "reported"
_TOP = 10
_COLUMNS = 100

log = structlog.stdlib.get_logger("caller_id_log")


async def report_weekly(recipients: list[str], daemon: Daemon) -> None:
    """Send a report each Monday, until cancelled."""
    while True:
        try:
            await report_if_due(recipients, daemon)
        except (InvalidArgument, MailError, StorageError, StoreError) as error:
            log.warning("the report of calls cannot be sent yet", error=str(error))
        await daemon.clock.sleep(LOOK_EVERY)


async def report_if_due(recipients: list[str], daemon: Daemon) -> None:
    """Send the report of last week, if it is time for it and that has not been done.

    Raises:
        InvalidArgument: An address is none.
        MailError: There is no mail server.
        StorageError: The disk refuses.
        StoreError: The database does.
    """
    monday = last_monday(daemon.clock.now().astimezone())
    reported = await daemon.store.get(_FAMILY, _REPORTED, date)
    if reported is not None and reported < monday:
        found = await counted(daemon.store, monday - timedelta(days=7), monday - timedelta(days=1), top=_TOP)
        await _post(recipients, found, daemon)
    if reported is None or reported < monday:  # the first report is that of the first whole week
        await daemon.store.put(_FAMILY, _REPORTED, monday)


def last_monday(now: datetime) -> date:
    """The last Monday on which it has been time for a report."""
    due = now - timedelta(hours=HOUR)
    return due.date() - timedelta(days=due.weekday())


async def _post(recipients: list[str], found: Statistics, daemon: Daemon) -> None:
    chart = daemon.state / "caller_id_log" / f"calls-{found.since}.svg"
    await asyncio.to_thread(_draw, chart, found)
    try:
        subject = (
            f"Calls of {found.since} to {found.until}: {found.calls}, of which {found.answered} were answered"
        )
        await daemon.mail.post(Letter(to=recipients, subject=subject, text=as_text(found), attachments=[chart]))
    finally:
        await asyncio.to_thread(chart.unlink)
    log.info("the report of calls is in the outbox", since=str(found.since), calls=found.calls)


def _draw(chart: Path, found: Statistics) -> None:
    try:
        chart.parent.mkdir(exist_ok=True)
        chart.write_text(svg(found, "day"), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{chart} cannot be written: {error.strerror}") from error


def as_text(found: Statistics) -> str:
    """What the terminal shows, without colours."""
    shown = io.StringIO()
    console = Console(file=shown, width=_COLUMNS, highlight=False, markup=False, emoji=False)
    for table in tables(found):
        console.print(table)
    return shown.getvalue()
