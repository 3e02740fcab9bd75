"""The program itself: without a command, it is the daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ctportd.cli.shared import (
    EXIT_CODES,
    EXIT_CONFIG,
    EXIT_FAILED,
    EXIT_USAGE,
    config_of,
    default_config,
    load_config,
)
from ctportd.errors import ConfigError, CtportdError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.config import Config

_COMMANDS = "ctportd.cli.commands"  # where those of the plugins are kept in click's context

_SECTIONS = {
    "Before the first call": ("init", "check", "explain", "config", "pin", "completion"),
    "The daemon": ("status", "plugins", "reload", "stop", "rotate", "request", "ctserver"),
    "What is going on": ("top", "events", "logs"),
    "Calls and messages": ("call", "hangup", "drain", "calls", "messages", "phone"),
    "Mail": ("mail", "outbox"),
}
"""How help orders the commands; those that are in none are plugins'."""

_WHOLE = 500  # characters: more than any first sentence has

_EPILOG = "Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in EXIT_CODES.items()) + "."

_last: list[Callable[[int], None]] = []
"""What is to be done with the exit status when all else is done."""


class _Program(click.Group):
    """The commands, those of the plugins among them; errors of ours become one sentence and an exit status."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and turn our errors into exit statuses."""
        try:
            status = super().main(*args, **kwargs | {"standalone_mode": False})
            sys.exit(status if isinstance(status, int) else 0)
        except click.UsageError as error:
            error.show()
            sys.exit(EXIT_USAGE)  # not click's 2, with which `phone` says that nobody answered
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(EXIT_FAILED)
        except ConfigError as error:
            _fail(str(error), EXIT_CONFIG)
        except CtportdError as error:
            _fail(str(error), EXIT_FAILED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of ours, else one of a plugin's."""
        return super().get_command(ctx, cmd_name) or _plugin_commands(ctx).get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by what they are for, each with the whole of its first sentence."""
        ours = [name for names in _SECTIONS.values() for name in names]
        others = tuple(name for name in self.list_commands(ctx) if name not in ours)
        for section, names in {**_SECTIONS, "From plugins": others}.items():
            found = {name: self.get_command(ctx, name) for name in names}
            rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in found.items() if command]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of ours and the plugins'."""
        try:
            return sorted({*super().list_commands(ctx), *_plugin_commands(ctx)})
        except ConfigError:
            return super().list_commands(ctx)  # help is needed most where the configuration is wrong


def _fail(sentence: str, status: int) -> NoReturn:
    from ctportd.display import shown

    click.echo(f"ctportd: {shown(sentence)}", err=True)
    sys.exit(status)


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    path = ctx.params.get("config") or default_config()
    if path is None:
        return {}
    from ctportd import logs
    from ctportd.hooks.commands import plugin_commands
    from ctportd.hooks.loader import load_plugins
    from ctportd.site import ConfiguredSite

    if _COMMANDS not in ctx.meta:  # help asks for each command by its name: the plugins run once
        config = load_config(path)
        ctx.with_resource(logs.quiet(troubles=True))  # what plugins log on the way is not for who asks
        table = config.file.plugins
        plugins = load_plugins(Path(table.directory), config.plugins, config.source, with_shipped=table.shipped)
        site = ConfiguredSite(config, plugins, writable=True)
        ctx.meta[_COMMANDS] = plugin_commands(plugins.loaded.values(), site)
    commands: dict[str, click.Command] = ctx.meta[_COMMANDS]
    return commands


@click.group(
    cls=_Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    is_eager=True,  # before --help, which lists the commands of its plugins
    help="The configuration. Default: etc/ctportd.toml, then /etc/ctportd/ctportd.toml.",
)
@click.option("--daemonize", is_flag=True, help="Run in the background, for systems without systemd.")
@click.option(
    "--pid-file",
    type=click.Path(path_type=Path),
    help="With --daemonize: where the pid is kept. Default: ctportd.pid in the state folder.",
)
@click.option("--user", default="", help="Started as root: the user to become. Default: [daemon] user.")
@click.option("--group", default="", help="And the group. Default: [daemon] group, then the user's.")
@click.version_option(package_name="ctportd")
@click.pass_context
def program(
    ctx: click.Context, *, config: Path | None, daemonize: bool, pid_file: Path | None, user: str, group: str
) -> None:
    """A daemon for telephone lines. Without a command it runs, in the foreground.

    Example: ctportd --config etc/ctportd.toml
    """
    ctx.obj = config
    if ctx.invoked_subcommand is None:
        loaded = config_of(ctx)
        _run_daemon(loaded, (pid_file or loaded.state / "ctportd.pid") if daemonize else None, user, group)


def _run_daemon(config: Config, pid_file: Path | None, user: str, group: str) -> None:
    from ctportd.hooks.running import leave_behind
    from ctportd.starting import run_daemon

    _last.append(leave_behind)
    run_daemon(config, pid_file, user, group)


def main() -> None:
    """Entry point of the ``ctportd`` script."""
    try:
        program(prog_name="ctportd")
    except SystemExit as end:
        for leave in _last:
            leave(end.code if isinstance(end.code, int) else EXIT_FAILED)
        raise
