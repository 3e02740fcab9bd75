"""Commands that watch the running daemon: its events, its log, and how it fares."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctportd.cli.program import program
from ctportd.cli.shared import config_of, control_of, json_option, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

port_option = click.option(
    "--port", default="", metavar="PORT", help="Of this port only: its number or its address."
)
call_option = click.option("--call", default="", metavar="ID", help="Of this call only: its id, or how it begins.")


@contextmanager
def _left_at_will() -> Iterator[None]:
    """Ctrl-C, and a reader that has seen enough, are good ends."""
    try:
        yield
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is written at the exit


@program.command()
@port_option
@call_option
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    help="Of this type only, such as call_ended or call_*; repeatable.",
)
@click.option(
    "--keys", is_flag=True, help="Which keys are pressed, too: a PIN that is typed ahead may be among them."
)
@json_option
@click.pass_context
def events(ctx: click.Context, *, port: str, call: str, types: tuple[str, ...], keys: bool, as_json: bool) -> None:
    """Follow what happens: calls, ports, messages, mail, plugins.

    It goes on until Ctrl-C, or until the daemon stops. Keys are shown as hidden unless they are asked for.

    Example: ctportd events --type "call_*"
    """
    from ctportd.live.filters import EventFilter
    from ctportd.showing.following import Printer, follow_events

    wanted = EventFilter(port=port, call=call, type=",".join(types), keys=keys)
    with _left_at_will():
        wait_for(follow_events(control_of(ctx), wanted, Printer(as_json=as_json)))


@program.command()
@click.option(
    "--lines", "-n", type=click.IntRange(0), default=20, show_default=True, help="So many of the last ones."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with those that come.")
@click.option(
    "--level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"]),
    default="debug",
    help="Those of this level and above.",
)
@port_option
@call_option
@click.option("--plugin", default="", metavar="NAME", help="Of this plugin only.")
@json_option
@click.pass_context
def logs(
    ctx: click.Context,
    *,
    lines: int,
    follow: bool,
    level: str,
    port: str,
    call: str,
    plugin: str,
    as_json: bool,
) -> None:
    """Show the last lines of the log, and follow it.

    The daemon need not run, unless the log is followed. Files that were rolled are looked into where it takes them.

    Example: ctportd logs --level warning
    """
    import msgspec

    from ctportd.live.filters import LineFilter
    from ctportd.showing.following import Printer, show_log

    config = config_of(ctx)
    told = {"level": level, "port": port, "call": call, "plugin": plugin}
    wanted = msgspec.convert(told, LineFilter)
    file = Path(config.file.log.file) if config.file.log.file else None
    printer = Printer(as_json=as_json)
    with _left_at_will():
        wait_for(show_log(control_of(ctx), file, lines, wanted, printer, follow=follow))


@program.command()
@click.option("--once", is_flag=True, help="One picture, for a pipe as well.")
@json_option
@click.pass_context
def top(ctx: click.Context, *, once: bool, as_json: bool) -> None:
    """Watch how the daemon fares: ports, calls, plugins, rates, warnings.

    q or Ctrl-C ends it. Where there is no terminal, --once prints one picture.

    Example: ctportd top --once
    """
    from datetime import UTC, datetime

    import msgspec
    from rich.console import Console

    from ctportd.display import show_json
    from ctportd.showing.screen import picture, watch
    from ctportd.showing.top import screen

    control = control_of(ctx)
    with _left_at_will():
        if as_json:
            show_json(msgspec.json.encode(wait_for(picture(control)), enc_hook=str))
        elif once:
            console = Console(highlight=False, markup=False, emoji=False)
            console.print(screen(wait_for(picture(control)), datetime.now(UTC), None))
        elif sys.stdin.isatty() and sys.stdout.isatty():
            wait_for(watch(control))
        else:
            raise click.UsageError("there is no terminal to show it on; --once prints one picture")
