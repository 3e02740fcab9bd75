"""The virtual telephone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ctportd.cli.completing import complete_ports
from ctportd.cli.program import program
from ctportd.cli.shared import config_of, json_option, wait_for


@program.command(context_settings={"ignore_unknown_options": True})
@click.argument("port", type=click.IntRange(min=1), shell_complete=complete_ports)
@click.argument("steps", nargs=-1, type=click.UNPROCESSED)
@click.option("--number", default="", help="The caller's number.")
@click.option("--name", default="", help="The caller's name.")
@click.option("--rings", type=click.IntRange(min=1), default=10, show_default=True, help="Give up after so many.")
@click.option("--save", type=click.Path(path_type=Path), help="Write what is heard to this WAV file.")
@json_option
@click.pass_context
def phone(
    ctx: click.Context,
    port: int,
    steps: tuple[str, ...],
    *,
    number: str,
    name: str,
    save: Path | None,
    rings: int,
    as_json: bool,
) -> None:
    """Call PORT from a virtual telephone.

    STEPS are: wait SECONDS, until PROMPT, press KEYS, say FILE.wav, hangup. Without any, on a terminal, the
    keyboard is the telephone's. Exit status: 0 the call was answered and ended, 2 nobody answered, 1 it failed,
    64 a step makes no sense.

    Example: ctportd phone 1 until menu-main press 1 until beep say hello.wav press '#' until vm-thanks hangup
    """
    from ctportd.phone.command import run_phone

    host, tcp_port = config_of(ctx).exchange_address
    url = f"ws://{host}:{tcp_port}/phone"
    call = run_phone(url, port, number=number, name=name, save=save, as_json=as_json, steps=steps, rings=rings)
    sys.exit(wait_for(call))
