"""Changing a running daemon's configuration."""

from __future__ import annotations

import click

from ctportd.cli.program import program
from ctportd.cli.shared import control_of, json_option, wait_for


@program.command()
@click.argument("plugins", metavar="[PLUGIN]...", nargs=-1)
@json_option
@click.pass_context
def reload(ctx: click.Context, plugins: tuple[str, ...], *, as_json: bool) -> None:
    """Have the running daemon load its configuration and plugins anew, all or nothing.

    Calls under way end as they have begun. A PLUGIN that is named is loaded anew even if nothing of it has changed.

    Example: ctportd reload
    """
    from ctportd import display
    from ctportd.showing.reloading import reload_lines

    display.show(wait_for(control_of(ctx).reload(list(plugins))), reload_lines, as_json=as_json)
