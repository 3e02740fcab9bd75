"""The options of ``ctportd calls`` that say which calls are meant."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ctportd.cli.completing import complete_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

_PUNCTUATION = str.maketrans("", "", " -.()/")


class Moment(click.ParamType[datetime]):
    """A date, or a date and a time of day, of the machine's time zone.

    Args:
        ends: Whether a date alone means the end of that day.
    """

    name = "date"

    def __init__(self, *, ends: bool = False) -> None:
        self._ends = ends

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read one."""
        if isinstance(value, datetime):
            return value
        whole_day = len(value) <= len("2026-11-24")
        try:
            moment = datetime.fromisoformat(value)
            return (moment + timedelta(days=1) if self._ends and whole_day else moment).astimezone()
        except (ValueError, OverflowError):  # the last day of all has none after it
            self.fail(f"{value!r} is no date such as 2026-11-24 or '2026-11-24 10:00'", param, ctx)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add options that say which calls are meant; the command gets them as ``which``, a ``CallFilter``."""

    @click.option("--number", default="", help="Those whose number has this in it, with or without country code.")
    @click.option("--name", default="", help="Those whose name has this in it.")
    @click.option(
        "--port", default="", help="Those on this port, such as main:1.", shell_complete=complete_addresses
    )
    @click.option("--since", type=Moment(), help="Those of this day, or moment, and later.")
    @click.option(
        "--until", type=Moment(ends=True), help="Those before this moment, or until the end of this day."
    )
    @click.option("--blocked", is_flag=True, help="Those of callers who were blocked.")
    @click.option("--incoming", "direction", flag_value="incoming", help="Those that came to us.")
    @click.option("--outgoing", "direction", flag_value="outgoing", help="Those that we made.")
    @wraps(command)
    def filtered(*args: Any, number: str, blocked: bool, direction: str | None, **options: Any) -> Any:
        from ctportd.records import CallFilter

        told = {name: options.pop(name) for name in ("name", "port", "since", "until")}
        verdict = "blocked" if blocked else ""
        which = CallFilter(
            number=number.translate(_PUNCTUATION), verdict=verdict, direction=direction or "", **told
        )
        return command(*args, which=which, **options)

    return filtered
