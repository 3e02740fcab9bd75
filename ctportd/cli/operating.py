"""Commands about what runs: the daemon and its ctserver."""

from __future__ import annotations

import sys

import click

from ctportd.cli.completing import complete_ports
from ctportd.cli.program import program
from ctportd.cli.shared import EXIT_FAILED, config_of, control_of, json_option, wait_for
from ctportd.cli.working import working


@program.command()
@click.pass_context
def ctserver(ctx: click.Context) -> None:
    """Run ctportd's own ctserver, with virtual lines.

    It does what the configuration says. The daemon starts it by itself where [[ctserver]] mode is "virtual".

    Example: ctportd --config etc/ctportd.toml ctserver
    """
    from ctportd.conduct import settle
    from ctportd.serving import serve_configured

    settle()
    wait_for(serve_configured(config_of(ctx)))


@program.command()
@json_option
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Show the running daemon: ports, calls, plugins, ctserver.

    Example: ctportd status
    """
    from ctportd import display
    from ctportd.showing import tables

    display.show(wait_for(control_of(ctx).status()), tables.status_tables, as_json=as_json)


@program.command()
@json_option
@click.pass_context
def rotate(ctx: click.Context, *, as_json: bool) -> None:
    """Roll the daemon's log, and have ctserver roll its own.

    The old log gets the date, older ones are compressed, and [log] keep of them are kept. The signal USR1 does the same.

    Example: ctportd rotate
    """
    import msgspec

    from ctportd.display import show_json, shown
    from ctportd.showing.rotating import lines_of, succeeded

    with working("waiting for the logs to be rolled"):
        rotated = wait_for(control_of(ctx).rotate())
    if as_json:
        show_json(msgspec.json.format(msgspec.json.encode(rotated)))
    else:
        for line in lines_of(rotated):
            click.echo(line)
    for problem in rotated.problems:
        click.echo(f"ctportd: {shown(problem)}", err=True)
    if not succeeded(rotated):
        sys.exit(EXIT_FAILED)


@program.command()
@click.option("--now", is_flag=True, help="End the calls under way at once, instead of giving them drain_timeout.")
@click.pass_context
def stop(ctx: click.Context, *, now: bool) -> None:
    """Stop the running daemon, and wait until it is gone.

    It takes no new calls. Those under way may go on for [daemon] drain_timeout; then they are ended politely. A message
    that is being recorded is kept.

    Example: ctportd stop --now
    """
    from ctportd.control.stopping import stop_and_wait

    table = config_of(ctx).file.daemon

    def tell(what: str) -> None:
        click.echo(f"ctportd: {what}", err=True)

    patience = table.drain_timeout + table.stop_timeout
    with working("waiting for the daemon to be gone"):
        wait_for(stop_and_wait(control_of(ctx), now=now, patience=patience, tell=tell))
    click.echo("ctportd: stopped")


@program.command(context_settings={"ignore_unknown_options": True})
@click.argument("port", shell_complete=complete_ports)
@click.argument("name")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def request(ctx: click.Context, port: str, name: str, arguments: tuple[str, ...]) -> None:
    """Send one request of ctserver and print the reply as JSON.

    PORT is a port's number, its address such as main:1, or "manager". NAME is the request's: off_hook, play, record,
    collect, dial, ... A port plays and records while it is off hook.

    Example: ctportd request 1 port_status
    """
    import msgspec

    from ctportd.display import show_json

    reply = wait_for(control_of(ctx).request(port, name, list(arguments)))
    show_json(msgspec.json.encode(reply))
