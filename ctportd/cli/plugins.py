"""Commands about plugins: which there are, which may run, and to begin one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctportd.cli.program import program
from ctportd.cli.shared import config_of, control_of, json_option, wait_for

if TYPE_CHECKING:
    from ctportd.status import PluginStatus


@program.group(invoke_without_command=True)
@json_option
@click.pass_context
def plugins(ctx: click.Context, *, as_json: bool) -> None:
    """List the plugins, enable or disable one, load one anew, or begin one.

    Those of the running daemon are listed with how they fare, else those that are found. Where one cannot be loaded,
    it is told why.

    Example: ctportd plugins
    """
    if ctx.invoked_subcommand is None:
        from ctportd import display
        from ctportd.showing.tables import plugins_table

        display.show(_found(ctx), plugins_table, as_json=as_json)


def _found(ctx: click.Context) -> list[PluginStatus]:
    from ctportd.errors import ControlError
    from ctportd.workshop import list_plugins

    try:
        return wait_for(control_of(ctx).plugins())  # type: ignore[no-any-return]
    except ControlError:  # it does not run
        return list_plugins(config_of(ctx))


@plugins.command("enable")
@click.argument("name")
@click.pass_context
def enable(ctx: click.Context, name: str) -> None:
    """Have a plugin run: put that into the configuration, and have the running daemon go by it.

    Comments in the file stay. Where the daemon refuses the plugin, the file is as before.

    Example: ctportd plugins enable notify
    """
    _enable(ctx, name, enabled=True)


@plugins.command("disable")
@click.argument("name")
@click.pass_context
def disable(ctx: click.Context, name: str) -> None:
    """Have a plugin run no more: put that into the configuration, and have the running daemon go by it.

    Calls that it has go on to their ends.

    Example: ctportd plugins disable notify
    """
    _enable(ctx, name, enabled=False)


def _enable(ctx: click.Context, name: str, *, enabled: bool) -> None:
    from ctportd.config.editing import enable_plugin
    from ctportd.errors import ControlError, CtportdError
    from ctportd.hooks.sources import find_all
    from ctportd.nearest import no_such

    config, state = config_of(ctx), "enabled" if enabled else "disabled"
    table = config.file.plugins
    known, _ = find_all(Path(table.directory), with_shipped=table.shipped)
    if name not in known:
        raise click.UsageError(no_such("plugin", name, list(known)))
    edited = enable_plugin(Path(config.source), name, enabled=enabled)
    try:
        try:
            wait_for(control_of(ctx).reload([]))
        except ControlError as error:
            if _runs(ctx):
                raise
            click.echo(f"ctportd: {name} is {state} from the next start on: {error}")
        else:
            click.echo(f"ctportd: {name} is {state}" + ("" if edited else ", as it was"))
    except CtportdError:
        if edited is not None:
            edited.take_back()
        raise


def _runs(ctx: click.Context) -> bool:
    from ctportd.errors import ControlError

    try:
        wait_for(control_of(ctx).status())
    except ControlError:
        return False
    return True


@plugins.command("reload")
@click.argument("names", metavar="PLUGIN...", nargs=-1, required=True)
@click.pass_context
def reload_plugins(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Load plugins anew, even if nothing of them has changed, and whatever else has: as `ctportd reload PLUGIN...`.

    Example: ctportd plugins reload voicemail
    """
    from ctportd import display
    from ctportd.showing.reloading import reload_lines

    display.show(wait_for(control_of(ctx).reload(list(names))), reload_lines, as_json=False)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--directory", default="plugins", type=click.Path(path_type=Path), help="Of plugins. Default: plugins."
)
def new_plugin(name: str, directory: Path) -> None:
    """Write a plugin, and a test that calls it, to begin with: both work as they stand.

    Example: ctportd plugins new night_bell
    """
    from ctportd.workshop import make_plugin

    written, test = make_plugin(name, directory)
    click.echo(f"wrote {written} and {test}")
    click.echo(f"to test it:        pytest {test}    (which needs pip install 'ctportd[testing]')")
    click.echo(f'to let it answer:  handlers = ["{name}"] in a [[port]] of the configuration')
    click.echo("to call it:        ctportd, and in another terminal: ctportd phone 1")
