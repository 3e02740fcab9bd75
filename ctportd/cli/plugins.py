"""Commands about plugins: to begin one, and to see which there are."""

from __future__ import annotations

from pathlib import Path

import click

from ctportd.cli.program import program
from ctportd.cli.shared import config_of, json_option


@program.group()
def plugin() -> None:
    """Begin a plugin, or list those that are found.

    Example: ctportd plugin new night_bell
    """


@plugin.command("new")
@click.argument("name")
@click.option(
    "--directory", default="plugins", type=click.Path(path_type=Path), help="Of plugins. Default: plugins."
)
def new_plugin(name: str, directory: Path) -> None:
    """Write a plugin, and a test that calls it, to begin with: both work as they stand.

    Example: ctportd plugin new night_bell
    """
    from ctportd.workshop import make_plugin

    written, test = make_plugin(name, directory)
    click.echo(f"wrote {written} and {test}")
    click.echo(f"to test it:        pytest {test}    (which needs pip install 'ctportd[testing]')")
    click.echo(f'to let it answer:  handlers = ["{name}"] in a [[port]] of the configuration')
    click.echo("to call it:        ctportd, and in another terminal: ctportd phone 1")


@plugin.command("list")
@json_option
@click.pass_context
def plugin_list(ctx: click.Context, *, as_json: bool) -> None:
    """List the plugins of the folder and of installed packages, and why one cannot be loaded.

    Example: ctportd plugin list
    """
    from ctportd import display
    from ctportd.showing.tables import plugins_table
    from ctportd.workshop import list_plugins

    display.show(list_plugins(config_of(ctx)), plugins_table, as_json=as_json)
