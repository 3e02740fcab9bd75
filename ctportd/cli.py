"""The command line: parses, calls, prints.

Commands import what they need when they run, so that ``ctportd --help`` need not wait for a database and a web server.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ctportd.calllog import filter_options
from ctportd.errors import ConfigError, CtportdError, InvalidArgument
from ctportd.records import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TextIO

    from ctportd.config import Config
    from ctportd.control.client import ControlClient
    from ctportd.records import CallFilter
    from ctportd.site import ConfiguredSite
    from ctportd.store import Store

EXIT_FAILED = 1
_SHOWN_CALLS = 20
EXIT_CONFIG = os.EX_CONFIG
"""EX_CONFIG of sysexits.h: the configuration has a mistake."""

_COMMANDS = "ctportd.cli.commands"  # where those of the plugins are kept in click's context

_last: list[Callable[[int], None]] = []
"""What is to be done with the exit status when all else is done."""

DEFAULT_CONFIGS = (Path("etc/ctportd.toml"), Path("/etc/ctportd/ctportd.toml"))


class _Program(click.Group):
    """The commands, those of the plugins among them; errors of ours become one sentence and an exit status."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and turn our errors into exit statuses."""
        try:
            status = super().main(*args, **kwargs | {"standalone_mode": False})
            sys.exit(status if isinstance(status, int) else 0)
        except click.UsageError as error:
            error.show()
            sys.exit(os.EX_USAGE)  # not click's 2, with which `phone` says that nobody answered
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
    path = ctx.params.get("config") or _default_config()
    if path is None:
        return {}
    from ctportd.hooks.commands import plugin_commands
    from ctportd.hooks.loader import load_plugins
    from ctportd.site import ConfiguredSite

    if _COMMANDS not in ctx.meta:  # help asks for each command by its name: the plugins run once
        config = _load(path)
        plugins = load_plugins(Path(config.file.plugins.directory), config.plugins, config.source)
        site = ConfiguredSite(config, plugins, writable=True)
        ctx.meta[_COMMANDS] = plugin_commands(plugins.loaded.values(), site)
    commands: dict[str, click.Command] = ctx.meta[_COMMANDS]
    return commands


@click.group(cls=_Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
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
@click.version_option(package_name="ctportd")
@click.pass_context
def program(ctx: click.Context, *, config: Path | None, daemonize: bool, pid_file: Path | None) -> None:
    """A daemon for telephone lines. Without a command it runs, in the foreground.

    Example: ctportd --config etc/ctportd.toml
    """
    ctx.obj = config
    if ctx.invoked_subcommand is None:
        loaded = _config(ctx)
        _run_daemon(loaded, (pid_file or loaded.state / "ctportd.pid") if daemonize else None)


def main() -> None:
    """Entry point of the ``ctportd`` script."""
    try:
        program(prog_name="ctportd")
    except SystemExit as end:
        for leave in _last:
            leave(end.code if isinstance(end.code, int) else EXIT_FAILED)
        raise


# -- what the commands share


def _default_config() -> Path | None:
    path = next((path for path in DEFAULT_CONFIGS if path.is_file()), None)
    if path is not None and not path.is_absolute():
        from ctportd.hooks.owners import check_found_config

        check_found_config(path)
    return path


def _load(path: Path) -> Config:
    from ctportd.config import load
    from ctportd.hooks.owners import check_config_owner

    check_config_owner(path)
    return load(path)


def _config(ctx: click.Context) -> Config:
    path = ctx.obj or _default_config()
    if path is None:
        tried = " nor ".join(str(path) for path in DEFAULT_CONFIGS)
        raise ConfigError(f"there is no configuration: neither {tried} exists; name one with --config FILE")
    return _load(path)


def _site(ctx: click.Context) -> ConfiguredSite:
    """The installation, for commands that ask its plugins: what these log is not for who asks."""
    from ctportd import logs
    from ctportd.site import ConfiguredSite, load_configured_plugins

    config = _config(ctx)
    ctx.with_resource(logs.quiet())
    return ConfiguredSite(config, load_configured_plugins(config))


def _control(ctx: click.Context) -> ControlClient:
    from ctportd.control.client import ControlClient

    return ControlClient(Path(_config(ctx).file.control.socket))


def _with_store(ctx: click.Context, use: Any) -> Any:
    from ctportd.store import Store

    async def work(store: Store) -> Any:
        await store.open(create=False)
        try:
            return await use(store)
        finally:
            await store.close()

    return _await(work(Store(_config(ctx).store_url)))


def _await(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


json_option = click.option("--json", "as_json", is_flag=True, help="For programs: JSON.")
mask_option = click.option("--mask", is_flag=True, help="Without names, and with the last digits of numbers only.")


# -- running


def _run_daemon(config: Config, pid_file: Path | None) -> None:
    from ctportd.hooks.running import leave_behind
    from ctportd.starting import run_daemon

    _last.append(leave_behind)
    run_daemon(config, pid_file)


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
    _await(serve_configured(_config(ctx)))


@program.command()
@json_option
@click.option("--strict", is_flag=True, help="Hints are mistakes, too.")
@click.pass_context
def check(ctx: click.Context, *, as_json: bool, strict: bool) -> None:
    """Check the configuration and its plugins without running them.

    Mistakes end it with status 78. A hint is what is probably not meant.

    Example: ctportd --config etc/ctportd.toml check
    """
    from ctportd import display, printing
    from ctportd.checks import check_configuration

    checked = check_configuration(_site(ctx))
    display.show(checked, printing.check_lines, as_json=as_json)
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
    from ctportd import display, explaining
    from ctportd.calls.caller import Caller

    site = _site(ctx)

    try:
        asked = explaining.port_of(port, site.handlers)
        moment, answers = explaining.moment_of(at), explaining.keys_of(keys)
    except InvalidArgument as error:
        raise click.UsageError(str(error)) from error
    explained = site.run(explaining.explain_call(site, asked, Caller(number, name), moment, answers))
    display.show(explained, explaining.explanation_lines, as_json=as_json)


@program.command()
@click.pass_context
def config(ctx: click.Context) -> None:
    """Print the configuration as it is in force, with every default.

    Example: ctportd config
    """
    from ctportd.config import dump

    click.echo(dump(_config(ctx)), nl=False)


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


@program.group()
def plugin() -> None:
    """Begin a plugin, or list those that are found.

    Example: ctportd plugin new night_bell
    """


@plugin.command("new")
@click.argument("name")
@click.option(
    "--directory", default="plugins", type=click.Path(path_type=Path), help="Of plugins. Default: plugins."
)
def new_plugin(name: str, directory: Path) -> None:
    """Write a plugin, and a test that calls it, to begin with: both work as they stand.

    Example: ctportd plugin new night_bell
    """
    from ctportd.workshop import make_plugin

    written, test = make_plugin(name, directory)
    click.echo(f"wrote {written} and {test}")
    click.echo(f"to test it:        pytest {test}    (which needs pip install 'ctportd[testing]')")
    click.echo(f'to let it answer:  handlers = ["{name}"] in a [[port]] of the configuration')
    click.echo("to call it:        ctportd, and in another terminal: ctportd phone 1")


@plugin.command("list")
@json_option
@click.pass_context
def plugin_list(ctx: click.Context, *, as_json: bool) -> None:
    """List the plugins of the folder and of installed packages, and why one cannot be loaded.

    Example: ctportd plugin list
    """
    from ctportd import display
    from ctportd.printing import plugins_table
    from ctportd.workshop import list_plugins

    display.show(list_plugins(_config(ctx)), plugins_table, as_json=as_json)


# -- a running daemon


@program.command()
@json_option
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Show the running daemon: ports, calls, plugins, ctserver.

    Example: ctportd status
    """
    from ctportd import display, printing

    display.show(_await(_control(ctx).status()), printing.status_tables, as_json=as_json)


@program.command()
@click.pass_context
def rotate(ctx: click.Context) -> None:
    """Roll the daemon's log, and have ctserver roll its own.

    Example: ctportd rotate
    """
    from ctportd.display import shown

    rotated = _await(_control(ctx).rotate())
    click.echo(f"ctportd: the old log is {shown(rotated.log)}" if rotated.log else "ctportd: writes no log file")
    for name, answer in rotated.ctserver.items():
        click.echo(f"ctserver {shown(name)}: {shown(answer)}")
    if any(answer != "rolled" for answer in rotated.ctserver.values()):
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

    table = _config(ctx).file.daemon

    def tell(what: str) -> None:
        click.echo(f"ctportd: {what}", err=True)

    _await(stop_and_wait(_control(ctx), now=now, patience=table.drain_timeout + table.stop_timeout, tell=tell))
    click.echo("ctportd: stopped")


@program.command(context_settings={"ignore_unknown_options": True})
@click.argument("port")
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

    reply = _await(_control(ctx).request(port, name, list(arguments)))
    show_json(msgspec.json.encode(reply))


# -- the store


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
    from ctportd import display, printing
    from ctportd.masking import masked_call

    if ctx.invoked_subcommand is not None:
        return

    async def read(store: Store) -> Any:
        return await store.calls(limit if limit or file else _SHOWN_CALLS, which)

    found = _with_store(ctx, read)
    if mask:
        found = [masked_call(call) for call in found]
    if file is None:
        display.show(found, printing.calls_table, as_json=as_json)
    else:
        file.write(printing.calls_csv(found))


@calls.command("show")
@click.argument("call")
@json_option
@mask_option
@click.pass_context
def show_call(ctx: click.Context, call: str, *, as_json: bool, mask: bool) -> None:
    """Show what happened on a call, step by step.

    CALL is its id, a beginning of it, or "last". Times are those after the first ring.

    Example: ctportd calls show last
    """
    from ctportd import display, telling

    async def read(store: Store) -> Any:
        return await telling.story_of(store, call)

    story = _with_store(ctx, read)
    display.show(telling.masked(story) if mask else story, telling.story_tables, as_json=as_json)


@program.group(invoke_without_command=True)
@json_option
@click.option("--mailbox", "-m", help="Those of one mailbox only.")
@click.option("--folder", "-f", type=click.Choice(FOLDERS, case_sensitive=False), help="Those of one folder only.")
@click.pass_context
def messages(ctx: click.Context, *, as_json: bool, mailbox: str | None, folder: str | None) -> None:
    """Show the voice messages that were left, oldest first.

    Example: ctportd messages --mailbox 100 --folder INBOX
    """
    from ctportd import display, printing

    if ctx.invoked_subcommand is not None:
        return

    async def read(store: Store) -> Any:
        return [message for message in await store.messages(mailbox) if folder in (None, message.folder)]

    display.show(_with_store(ctx, read), printing.messages_table, as_json=as_json)


def _file_messages(ctx: click.Context, ids: tuple[int, ...], action: str, folder: str = "") -> None:
    """Have the running daemon do something to each message, so that its counts follow."""
    from ctportd.display import shown

    for id_ in ids:
        where = _await(_control(ctx).file_message(id_, action, folder))
        click.echo(f"ctportd: message {id_} is in {shown(where)}" if where else f"ctportd: message {id_} is gone")


_ids_argument = click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=1))


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


# -- mail


@program.command()
@json_option
@click.pass_context
def outbox(ctx: click.Context, *, as_json: bool) -> None:
    """Show the letters that no mail server has accepted yet, oldest first.

    Example: ctportd outbox
    """
    from ctportd import display, printing
    from ctportd.mail.outbox import Outbox

    display.show(Outbox(_config(ctx).state).letters(), printing.outbox_table, as_json=as_json)


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

    said = _await(send_test_letter(_config(ctx).file.mail, address))
    click.echo(f"ctportd: the mail server has accepted the letter: {shown(said)}")


# -- a virtual telephone


@program.command(context_settings={"ignore_unknown_options": True})
@click.argument("port", type=click.IntRange(min=1))
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

    host, tcp_port = _config(ctx).exchange_address
    url = f"ws://{host}:{tcp_port}/phone"
    call = run_phone(url, port, number=number, name=name, save=save, as_json=as_json, steps=steps, rings=rings)
    sys.exit(_await(call))
