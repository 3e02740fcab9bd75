"""Commands about the configuration: what is wrong with it, what it means, what is to be put into it."""

from __future__ import annotations

import sys

import click

from ctportd.cli.program import program
from ctportd.cli.shared import EXIT_CONFIG, config_of, control_of, json_option, site_of, wait_for
from ctportd.errors import InvalidArgument


@program.command()
@json_option
@click.option("--strict", is_flag=True, help="Hints are mistakes, too.")
@click.pass_context
def check(ctx: click.Context, *, as_json: bool, strict: bool) -> None:
    """Check the configuration and its plugins without running them.

    Mistakes end it with status 78. A hint is what is probably not meant.

    Example: ctportd --config etc/ctportd.toml check
    """
    from ctportd import display
    from ctportd.checks import check_configuration
    from ctportd.showing import tables

    checked = check_configuration(site_of(ctx))
    display.show(checked, tables.check_lines, as_json=as_json)
    if any(problem.serious or strict for problem in checked.problems):
        sys.exit(EXIT_CONFIG)


@program.command()
@click.option("--number", default="", help="The caller's number.")
@click.option("--name", default="", help="The caller's name.")
@click.option("--port", default="", help="The port that is called: its number, or its address such as main:1.")
@click.option("--at", default="", help="When: 2026-12-25 10:00, in the local time zone. Default: now.")
@click.option(
    "--keys", default="", help="What the caller presses in menus: 1,204. Nothing between commas: no key."
)
@json_option
@click.pass_context
def explain(ctx: click.Context, *, number: str, name: str, port: str, at: str, keys: str, as_json: bool) -> None:
    """Tell what would become of a call, without making it.

    The plugins that would have the call are asked, by the rules, hours and menus that they would go by.

    Example: ctportd explain --port 1 --number 5550100 --at "2026-12-25 10:00"
    """
    from ctportd import display
    from ctportd.calls.caller import Caller
    from ctportd.showing import explaining

    site = site_of(ctx)

    try:
        asked = explaining.port_of(port, site.handlers)
        moment, answers = explaining.moment_of(at), explaining.keys_of(keys)
    except InvalidArgument as error:
        raise click.UsageError(str(error)) from error
    explained = site.run(explaining.explain_call(site, asked, Caller(number, name), moment, answers))
    display.show(explained, explaining.explanation_lines, as_json=as_json)


@program.command()
@click.option("--running", is_flag=True, help="That of the running daemon, which may be older than the file.")
@json_option
@click.pass_context
def config(ctx: click.Context, *, running: bool, as_json: bool) -> None:
    """Print the configuration as it is in force, with every default, without secrets.

    Example: ctportd config --running
    """
    from ctportd import display
    from ctportd.config import dump, effective

    data = wait_for(control_of(ctx).config()) if running else effective(config_of(ctx))
    display.show(data, lambda told: [dump(told).rstrip("\n")], as_json=as_json)


@program.command()
@click.option("--pin", help="The PIN. Every user of this machine sees it among the processes while this runs.")
def pin(pin: str | None) -> None:
    """Print the hash of a PIN, for the configuration.

    It goes into the table of its mailbox, as `pin`. The PIN is asked for on a terminal; else it is the first
    line of standard input.

    Example: ctportd pin
    """
    from ctportd.pins.hashing import hash_pin

    try:
        click.echo(hash_pin(_read_pin() if pin is None else pin))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _read_pin() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("PIN", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().strip()
