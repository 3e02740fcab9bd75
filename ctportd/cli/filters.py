"""Options that say which calls are meant, and when."""

from __future__ import annotations

from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ctportd.cli.completing import complete_addresses
from ctportd.moments import read_moment

if TYPE_CHECKING:
    from collections.abc import Callable


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
        try:
            return read_moment(value, ends=self._ends)
        except ValueError as error:
            self.fail(str(error), param, ctx)


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
        from ctportd.records import CallFilter, part_of_number

        told = {name: options.pop(name) for name in ("name", "port", "since", "until")}
        verdict = "blocked" if blocked else ""
        digits = part_of_number(number)
        which = CallFilter(number=digits, verdict=verdict, direction=direction or "", **told)
        return command(*args, which=which, **options)

    return filtered
