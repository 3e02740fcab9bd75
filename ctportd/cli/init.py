"""``ctportd init``: a configuration to begin with, and a whole installation under /etc and /var."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ctportd.cli.program import program

if TYPE_CHECKING:
    from ctportd.installing.wishes import Wishes

_DEFAULT = Path("etc/ctportd.toml")


@program.command()
@click.argument("where", required=False, type=click.Path(path_type=Path))
@click.option("--virtual", is_flag=True, help="Virtual lines, to try it without a card.")
@click.option("--program", "card", default="", help="A card: the ctserver that the daemon is to run.")
@click.option("--remote", default="", help="The host on which a ctserver runs already.")
@click.option("--ports", type=click.IntRange(1, 1000), help="How many telephone ports. Default: 4.")
@click.option("--mailbox", help="The number of the mailbox that takes messages. Default: 100.")
@click.option("--name", help="Whose mailbox it is.")
@click.option("--pin", help="The owner's PIN, or its hash. Every user of this machine sees it while this runs.")
@click.option("--email", help="Who is told of messages by mail.")
@click.option(
    "--attendant/--no-attendant", default=None, help="Whether a menu answers. Default: the mailbox does."
)
@click.option("--country", help="Of the lines, such as US or DE. Default: US.")
@click.option("--area", help="The area code of the lines.")
@click.option("--mail-server", help="The mail server that takes letters.")
@click.option("--mail-from", help="The address that letters come from.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: what no option says has its default.")
@click.option("--system", is_flag=True, help="Lay out /etc and /var, with units of systemd.")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="With --system: a folder that stands for /, such as a package's.",
)
@click.option("--dry-run", is_flag=True, help="With --system: tell what would be made, and make nothing.")
@click.option("--sample", is_flag=True, help="Print every key there is, with what it means, and make nothing.")
def init(
    where: Path | None, *, system: bool, root: Path | None, dry_run: bool, sample: bool, yes: bool, **options: Any
) -> None:
    """Write a commented configuration, by asking on a terminal, or by options; nothing is overwritten.

    WHERE is a folder, in which it becomes etc/ctportd.toml, or a file that ends in .toml. Default: the current folder.

    Example: ctportd init --virtual --ports 2 --yes
    """
    if sample:
        from ctportd.shipped import shipped

        click.echo(shipped("etc/ctportd.toml").read_text(encoding="utf-8"), nl=False)
        return
    if not system and (root or dry_run):
        raise click.UsageError("--root and --dry-run are for --system")
    if system and where:
        raise click.UsageError("--system has its own places: leave out WHERE, or name --root")
    asks = _on_terminal() and not (yes or dry_run)
    if system:
        _init_system((root or Path("/")).absolute(), options, asks=asks, dry_run=dry_run)
    else:
        _init_folder(where or Path(), options, asks=asks)


def _on_terminal() -> bool:
    return sys.stdin.isatty()


def _init_folder(where: Path, options: dict[str, Any], *, asks: bool) -> None:
    from ctportd.conduct import strict_umask
    from ctportd.errors import InvalidArgument
    from ctportd.installing.steps import Step
    from ctportd.installing.system import README
    from ctportd.installing.wishes import Places
    from ctportd.installing.writing import configuration

    file = where.suffix == ".toml"
    path, folder = (where, Path()) if file else (where / _DEFAULT, where)
    if path.exists():
        raise InvalidArgument(
            "init", str(path), "is there already, and is left as it is: name another place, or remove it"
        )
    wishes, pin = _wishes(options, asks=asks)
    text = configuration(wishes, Places(), str(path))
    strict_umask()
    made = [
        Step(path, text, 0o640),
        Step(folder / "plugins", mode=0o755),
        Step(folder / "plugins" / "README", README),
    ]
    for step in made:
        click.echo(step.take())
    _tell_pin(wishes, pin)
    ctportd = f"ctportd --config {path}" if file else "ctportd"
    click.echo("\nNext:")
    if folder != Path():
        click.echo(f"  cd {folder}")
    click.echo(f"  {ctportd} check      tells what is wrong, and what is probably not meant")
    click.echo(f"  {ctportd}            runs it")
    if wishes.lines == "virtual":
        click.echo(f"  {ctportd} phone 1    calls it, in another terminal")


def _init_system(root: Path, options: dict[str, Any], *, asks: bool, dry_run: bool) -> None:
    from ctportd.installing import system
    from ctportd.installing.wishes import SYSTEM, Wishes
    from ctportd.installing.writing import configuration

    path = root / "etc/ctportd/ctportd.toml"
    if path.exists():  # it is left as it is, whatever the options say: there is nothing to ask
        wishes, pin, text = Wishes(), "", ""
    else:
        wishes, pin = _wishes(options, asks=asks)
        text = configuration(wishes, SYSTEM, str(path))
    command = _command()
    for step in system.user_steps(root):
        click.echo(step.take(dry_run=dry_run))
    click.echo(f"would make the user {system.USER}, if there is none" if dry_run else system.make_user(root))
    for step in system.steps(root, text, command, card=wishes.lines == "program"):
        click.echo(step.take(dry_run=dry_run))
    if dry_run:
        return
    if text:
        _tell_pin(wishes, pin)
    hidden = system.hidden_by_the_unit(command)
    if hidden:
        click.echo(
            f"\nThe service will not start: {hidden} is in somebody's home, which the unit hides from it.\n"
            "Install ctportd elsewhere, such as into /opt/ctportd, and remove ctportd.service before you say this again."
        )
    click.echo("\nNext:")
    click.echo("  systemctl daemon-reload")
    click.echo("  systemctl enable --now ctportd       (without systemd: ctportd --daemonize --user ctportd)")
    click.echo("  ctportd status")


def _command() -> list[str]:
    """What runs this ctportd, by a path that holds for a service."""
    named = Path(sys.argv[0])
    if named.name == "ctportd":
        found = named.absolute() if named.exists() else shutil.which("ctportd")
        if found:
            return [str(found)]
    return [sys.executable, "-m", "ctportd"]


def _wishes(options: dict[str, Any], *, asks: bool) -> tuple[Wishes, str]:
    """What is wanted, and the PIN where nobody has chosen one."""
    from ctportd.installing.wishes import Wishes

    ask = _Questions(options, asks=asks)
    lines, where = _lines(options, ask)
    ports = ask.about("ports", "How many telephone ports", 4, type=click.IntRange(1, 1000))
    mailbox = ask.about("mailbox", "The number of the mailbox for messages", "100")
    if not re.fullmatch("[A-Za-z0-9_-]+", mailbox):
        raise click.UsageError(f"--mailbox: found {mailbox!r}, expected a number, such as 100")
    owner = ask.about("name", "Whose mailbox is it", "")
    pin, told = _pin(options["pin"], asks=asks)
    attendant = ask.about(
        "attendant", "Shall a menu answer, and not the mailbox at once", default=False, type=bool
    )
    country = ask.about("country", "The country of the lines, such as US or DE", "US")
    area = ask.about("area", "Their area code", "")
    server = ask.about("mail_server", "The mail server that takes letters (empty: no mail)", "")
    email = sender = ""
    if server:
        email = ask.about("email", "Who is told of messages by mail", "")
        sender = ask.about("mail_from", "The address that letters come from", email)
    elif options["email"] or options["mail_from"]:
        raise click.UsageError("--email and --mail-from need a --mail-server that takes the letters")
    return Wishes(
        lines=lines, where=where, ports=ports, mailbox=mailbox, owner=owner, pin=pin, email=email, attendant=attendant,
        country=country, area=area, mail_server=server, mail_sender=sender,
    ), told  # fmt: skip


class _Questions:
    """Asks for what no option says, where there is a terminal."""

    def __init__(self, options: dict[str, Any], *, asks: bool) -> None:
        self._options = options
        self.asks = asks

    def about(self, option: str, question: str, default: Any, **how: Any) -> Any:
        """What the option says, what is answered, or the default."""
        given = self._options[option]
        if given is not None:
            return given
        if not self.asks:
            return default
        if how.get("type") is bool:
            return click.confirm(question, default=default)
        return click.prompt(question, default=default, show_default=default != "", **how)


def _lines(options: dict[str, Any], ask: _Questions) -> tuple[Any, str]:
    named = [("program", options["card"]), ("remote", options["remote"]), ("virtual", options["virtual"])]
    given = [(kind, value) for kind, value in named if value]
    if len(given) > 1:
        raise click.UsageError("--virtual, --program and --remote: one of the three")
    if given:
        kind, value = given[0]
        return kind, value if isinstance(value, str) else ""
    if not ask.asks:
        return "virtual", ""
    choice = click.Choice(["virtual", "program", "remote"])
    click.echo(
        "Lines: virtual ones to try it, a card whose program the daemon runs, or a ctserver that runs already."
    )
    kind = click.prompt("Which", default="virtual", type=choice)
    questions = {"program": ("The card's program", "/usr/sbin/ctserver"), "remote": ("Its host", "127.0.0.1")}
    where = click.prompt(questions[kind][0], default=questions[kind][1]) if kind in questions else ""
    return kind, where


def _pin(given: str | None, *, asks: bool) -> tuple[str, str]:
    """The hash of the owner's PIN, and the PIN itself if it was chosen by us."""
    import secrets

    from ctportd.pins.hashing import hash_pin

    if given is not None and given.startswith("scrypt:"):
        return given, ""
    if given is None and asks:
        question = "The PIN of its owner (empty: one is made up)"
        given = (
            click.prompt(question, default="", hide_input=True, show_default=False, confirmation_prompt=True)
            or None
        )
    try:
        if given is not None:
            return hash_pin(given), ""
        made_up = f"{secrets.randbelow(1_000_000):06}"
        return hash_pin(made_up), made_up
    except ValueError as error:
        raise click.UsageError(f"--pin: {error}") from error


def _tell_pin(wishes: Wishes, pin: str) -> None:
    if pin:
        click.echo(f"\nThe PIN of mailbox {wishes.mailbox} is {pin}. It is written down nowhere else.")
