"""Commands about voice messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ctportd.cli.completing import complete_mailboxes, complete_messages
from ctportd.cli.program import program
from ctportd.cli.shared import control_of, json_option, wait_for, with_store
from ctportd.records import FOLDERS

if TYPE_CHECKING:
    from ctportd.store import Store


@program.group(invoke_without_command=True)
@json_option
@click.option("--mailbox", "-m", help="Those of one mailbox only.", shell_complete=complete_mailboxes)
@click.option("--folder", "-f", type=click.Choice(FOLDERS, case_sensitive=False), help="Those of one folder only.")
@click.pass_context
def messages(ctx: click.Context, *, as_json: bool, mailbox: str | None, folder: str | None) -> None:
    """Show the voice messages that were left, oldest first.

    Example: ctportd messages --mailbox 100 --folder INBOX
    """
    from ctportd import display
    from ctportd.showing import tables

    if ctx.invoked_subcommand is not None:
        return

    async def read(store: Store) -> Any:
        return await store.messages(mailbox, folder=folder)

    display.show(with_store(ctx, read), tables.messages_table, as_json=as_json)


def _file_messages(ctx: click.Context, ids: tuple[int, ...], action: str, folder: str = "") -> None:
    """Have the running daemon do something to each message, so that its counts follow."""
    from ctportd.display import shown

    for id_ in ids:
        where = wait_for(control_of(ctx).file_message(id_, action, folder))
        click.echo(f"ctportd: message {id_} is in {shown(where)}" if where else f"ctportd: message {id_} is gone")


_ids_argument = click.argument(
    "ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=1), shell_complete=complete_messages
)


@messages.command("delete")
@_ids_argument
@click.pass_context
def delete_messages(ctx: click.Context, ids: tuple[int, ...]) -> None:
    """Put messages into the trash of their mailboxes, as their owners do by telephone.

    Example: ctportd messages delete 17
    """
    _file_messages(ctx, ids, "delete")


@messages.command("restore")
@_ids_argument
@click.pass_context
def restore_messages(ctx: click.Context, ids: tuple[int, ...]) -> None:
    """Take messages out of the trash.

    Example: ctportd messages restore 17
    """
    _file_messages(ctx, ids, "restore")


@messages.command("purge")
@_ids_argument
@click.pass_context
def purge_messages(ctx: click.Context, ids: tuple[int, ...]) -> None:
    """Remove messages for good.

    Example: ctportd messages purge 17
    """
    _file_messages(ctx, ids, "purge")


@messages.command("move")
@click.argument("folder", type=click.Choice(FOLDERS, case_sensitive=False))
@_ids_argument
@click.pass_context
def move_messages(ctx: click.Context, folder: str, ids: tuple[int, ...]) -> None:
    """Put messages into another folder of their mailboxes.

    Example: ctportd messages move Work 17 18
    """
    _file_messages(ctx, ids, "move", folder)
