"""``ctportd attendant``: what the hours say now, and setting them aside without a telephone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from ctportd import display

from .overrides import override, states_at
from .schedule import COMMAND_LINE, Override

if TYPE_CHECKING:
    from ctportd import Site

    from .calendars import Calendars
    from .settings import Settings

UNDONE = "undo"

EXAMPLES = """
\b
Examples:
  ctportd attendant                        what the hours say now
  ctportd attendant office closed --for 2  closed for two hours
  ctportd attendant office undo            as the hours say
"""


def attendant_command(settings: Settings, site: Site, calendars: Calendars) -> click.Command:
    """The command."""

    @click.command("attendant", epilog=EXAMPLES)
    @click.argument("hours", required=False, metavar="[HOURS]", type=click.Choice(list(settings.hours)))
    @click.argument("kind", required=False, type=click.Choice(["open", "closed", UNDONE]))
    @click.option("--for", "lasting", type=click.IntRange(1), help="Hours until they count again.")
    async def attendant(hours: str | None, kind: str | None, lasting: int | None) -> None:
        """Tell whether it is open, by each of the hours, and why; or set hours aside."""
        if lasting and kind in (None, UNDONE):
            raise click.UsageError("--for goes with 'open' or 'closed'")
        if not settings.hours:
            click.echo("there are no hours: [plugins.auto_attendant.hours.NAME] would have them")
        if hours and kind:
            await override(site, hours, _override(kind, lasting))
        now = datetime.now(UTC)
        for name, state in (await states_at(settings.hours, now, site, calendars)).items():
            if hours in (None, name):
                local = settings.hours[name].local(now)
                click.echo(display.shown(f"{name}: {state.kind} at {local:%a %H:%M %Z}: {state.why}"))

    return attendant


def _override(kind: str, lasting: int | None) -> Override | None:
    if kind == UNDONE:
        return None
    now = datetime.now(UTC)
    until = now + timedelta(hours=lasting) if lasting else None
    return Override("open" if kind == "open" else "closed", now, until, COMMAND_LINE)
