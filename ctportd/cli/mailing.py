"""Commands about mail."""

from __future__ import annotations

import click

from ctportd.cli.program import program
from ctportd.cli.shared import config_of, json_option, wait_for


@program.command()
@json_option
@click.pass_context
def outbox(ctx: click.Context, *, as_json: bool) -> None:
    """Show the letters that no mail server has accepted yet, oldest first.

    Example: ctportd outbox
    """
    from ctportd import display
    from ctportd.mail.outbox import Outbox
    from ctportd.showing import tables

    display.show(Outbox(config_of(ctx).state).letters(), tables.outbox_table, as_json=as_json)


@program.command()
@click.argument("address")
@click.pass_context
def mail(ctx: click.Context, address: str) -> None:
    """Send a test letter to ADDRESS by the server of [mail], and tell what the server said.

    It goes at once, and not by way of the outbox.

    Example: ctportd mail ada@example.com
    """
    from ctportd.display import shown
    from ctportd.mail.trial import send_test_letter

    said = wait_for(send_test_letter(config_of(ctx).file.mail, address))
    click.echo(f"ctportd: the mail server has accepted the letter: {shown(said)}")
