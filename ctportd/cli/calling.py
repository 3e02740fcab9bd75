"""Commands about calls under way: to make one, to end one, to let no new ones come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ctportd.cli.completing import complete_handlers, complete_ports
from ctportd.cli.program import program
from ctportd.cli.shared import EXIT_FAILED, EXIT_NOT_ANSWERED, control_of, json_option, wait_for
from ctportd.cli.working import working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.status import CallStage, PlacedCall

_STATUS = {"answered": 0, "busy": EXIT_NOT_ANSWERED, "no answer": EXIT_NOT_ANSWERED}


@program.command()
@click.argument("port", shell_complete=complete_ports)
@click.argument("number", default="")
@click.option(
    "--plugin",
    "handler",
    default="",
    metavar="HANDLER",
    help="Who has the call when it is answered, such as voicemail:100.",
    shell_complete=complete_handlers,
)
@click.option("--play", multiple=True, metavar="PROMPT", help="What is played then; more than once: one by one.")
@click.option(
    "--within",
    type=click.FloatRange(1, 600),
    default=45.0,
    show_default=True,
    help="Seconds to wait for an answer.",
)
@click.option("--no-wait", is_flag=True, help="Print the call's id, and leave it alone.")
@json_option
@click.pass_context
def call(
    ctx: click.Context,
    port: str,
    number: str,
    *,
    handler: str,
    play: Sequence[str],
    within: float,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Call NUMBER on PORT, and let a plugin have the call.

    A trunk port dials the number; whether anybody answers is told by ear. A station port rings its set, which shows the
    number, if one is given. Without --plugin and --play it is hung up as soon as somebody answers: a test of the line.
    The call is followed to its end, and Ctrl-C hangs up. With --json, each step is a line. Exit status: 0 it was
    answered, 2 busy or no answer, 1 it failed.

    Example: ctportd call 1 5550100 --play hello
    """
    from ctportd.control.following import follow_call

    if handler and play:
        raise click.UsageError("--plugin and --play cannot both have the call; leave one out")
    control = control_of(ctx)

    async def work() -> str:
        placed = await control.call(port, number, handler=handler, play=play, within=within)
        if no_wait:
            _tell_id(placed, as_json=as_json)
            return "answered"
        return await follow_call(control, placed, lambda stage: _tell_stage(placed, stage, as_json=as_json))

    outcome = wait_for(work())
    sys.exit(_STATUS.get(outcome, EXIT_FAILED))


def _tell_id(placed: PlacedCall, *, as_json: bool) -> None:
    import msgspec

    from ctportd.display import show_json, shown

    if as_json:
        show_json(msgspec.json.encode(placed))
    else:
        click.echo(f"ctportd: call {shown(placed.call)} on {shown(placed.port)}")


def _tell_stage(placed: PlacedCall, stage: CallStage, *, as_json: bool) -> None:
    """One step of a call, at once: whoever reads a pipe waits for it, too."""
    import msgspec

    from ctportd.display import show_json, shown

    if as_json:
        show_json(msgspec.json.encode({"call": placed.call, "port": placed.port, **msgspec.structs.asdict(stage)}))
    else:
        click.echo(f"ctportd: {shown(_sentence(placed, stage))}")
    sys.stdout.flush()


_SENTENCES = {
    "dialling": "calling {why} on {port}",
    "ringing": "it rings there",
    "answered": "answered after {after:.0f} s",
    "given": "{why} has the call",
    "no answer": "no answer after {after:.0f} s; --within SECONDS waits longer",
    "no dial tone": "no dial tone: the line is dead or unplugged; ctportd status tells of it",
    "ended": "the call is over: {why}; ctportd calls show {call} tells all",
}


def _sentence(placed: PlacedCall, stage: CallStage) -> str:
    if stage.what not in _SENTENCES:
        return f"{stage.what}: {stage.why}" if stage.why else stage.what
    why = stage.why or "the set"
    return _SENTENCES[stage.what].format(why=why, port=placed.port, after=stage.after, call=placed.call)


@program.command()
@click.argument("port", shell_complete=complete_ports)
@json_option
@click.pass_context
def hangup(ctx: click.Context, port: str, *, as_json: bool) -> None:
    """End the call on PORT politely, and wait until its line is free.

    Its plugin puts its things in order, as when the daemon stops: a message that is being recorded is kept. Where there
    is no call it says so, with status 1.

    Example: ctportd hangup 1
    """
    import msgspec

    from ctportd.display import show_json, shown

    with working("waiting for the line to be free"):
        ended = wait_for(control_of(ctx).hang_up(port))
    if as_json:
        show_json(msgspec.json.encode(ended))
        return
    who = " ".join(filter(None, (ended.name, ended.number))) or "somebody unknown"
    state = "answered" if ended.answered else "not answered"
    click.echo(shown(f"ctportd: ended call {ended.call} with {who} on {ended.port}, {state}"))


@program.command()
@click.argument("ports", nargs=-1, metavar="[PORT]...", shell_complete=complete_ports)
@click.option("--off", is_flag=True, help="Take calls again.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the calls under way.")
@click.option(
    "--within", type=click.FloatRange(min=0), help="Seconds to wait for them. Default: as long as it takes."
)
@json_option
@click.pass_context
def drain(
    ctx: click.Context, ports: tuple[str, ...], *, off: bool, no_wait: bool, within: float | None, as_json: bool
) -> None:
    """Take no new calls on all ports, or on these, and wait for those under way.

    Nobody new is answered: lines ring on, and telephone sets are dead. Calls under way go on, also those that still
    ring. A reload leaves it so; a start of the daemon takes calls again, as --off does. Status 1 says that calls are
    left after --within.

    Example: ctportd drain 1 --within 60
    """
    import msgspec

    from ctportd.control.following import wait_drained
    from ctportd.display import show_json

    control = control_of(ctx)

    async def work() -> None:
        drained = await control.drain(ports, on=not off)
        mine = [port for port in drained.ports if not ports or port in ports or port.rpartition(":")[2] in ports]
        if not (off or no_wait):
            with working("") as shows:

                def tell(left: dict[str, str]) -> None:
                    text = _left(left)
                    shows.now(text)
                    if left and not shows.on_terminal:
                        click.echo(f"ctportd: {text}", err=True)

                await wait_drained(control, mine, within, tell)
        if as_json:
            show_json(msgspec.json.encode(await control.drained()))
        else:
            _tell_drained(ports, mine, off=off, waited=not no_wait)

    wait_for(work())


def _left(calls: dict[str, str]) -> str:
    """How many calls are waited for."""
    from ctportd.showing.tables import counted

    return f"waiting for {counted(len(calls), 'call')} to end: {', '.join(calls)}; ctportd hangup PORT ends one"


def _tell_drained(ports: tuple[str, ...], mine: list[str], *, off: bool, waited: bool) -> None:
    from ctportd.display import shown

    if off:
        click.echo(shown(f"ctportd: takes calls again on {', '.join(ports) or 'all ports'}"))
        return
    which = shown(", ".join(mine) if ports else "all ports")
    left = "; none is left" if waited else ""
    again = shown(" ".join(["ctportd drain --off", *ports]))
    click.echo(f"ctportd: no new calls on {which}{left}; {again} takes them again")
