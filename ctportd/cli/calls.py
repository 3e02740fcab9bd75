"""Commands about the log of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ctportd.cli.completing import complete_calls
from ctportd.cli.filters import filter_options
from ctportd.cli.program import program
from ctportd.cli.shared import json_option, mask_option, with_store

if TYPE_CHECKING:
    from typing import TextIO

    from ctportd.records import CallFilter
    from ctportd.store import Store

_SHOWN_CALLS = 20


@program.group(invoke_without_command=True)
@json_option
@mask_option
@click.option("--csv", "file", type=click.File("w", "utf-8", lazy=True), help='Write a CSV; "-": standard output.')
@click.option("--limit", "-n", type=click.IntRange(min=1), help="How many at most. Default: 20, in a CSV all.")
@filter_options
@click.pass_context
def calls(
    ctx: click.Context, *, as_json: bool, mask: bool, file: TextIO | None, limit: int | None, which: CallFilter
) -> None:
    """Show the calls that were logged, newest first.

    Example: ctportd calls --since 2026-11-01 --blocked --csv blocked.csv
    """
    from ctportd import display
    from ctportd.looking.masking import masked_call
    from ctportd.showing import tables

    if ctx.invoked_subcommand is not None:
        return

    async def read(store: Store) -> Any:
        return await store.calls(limit if limit or file else _SHOWN_CALLS, which)

    found = with_store(ctx, read)
    if mask:
        found = [masked_call(call) for call in found]
    if file is None:
        display.show(found, tables.calls_table, as_json=as_json)
    else:
        file.write(tables.calls_csv(found))


@calls.command("show")
@click.argument("call", shell_complete=complete_calls)
@json_option
@mask_option
@click.pass_context
def show_call(ctx: click.Context, call: str, *, as_json: bool, mask: bool) -> None:
    """Show what happened on a call, step by step.

    CALL is its id, a beginning of it, or "last". Times are those after the first ring, or after
    the beginning of a call that we made.

    Example: ctportd calls show last
    """
    from ctportd import display
    from ctportd.looking.story import masked, story_of
    from ctportd.showing.story import story_tables

    async def read(store: Store) -> Any:
        return await story_of(store, call)

    story = with_store(ctx, read)
    display.show(masked(story) if mask else story, story_tables, as_json=as_json)
