"""``ctportd check``: what can be known to be wrong before anything runs."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from ctportd.calls.files import SHIPPED
from ctportd.config.secrets import is_secret
from ctportd.errors import ConfigError, MailError, PluginError
from ctportd.hooks.inquiry import Problem
from ctportd.hooks.owners import check_program_owner
from ctportd.mail.server import credentials
from ctportd.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.config import Config
    from ctportd.site import ConfiguredSite

_SECRET_FILE = ("password_file",)

log = structlog.stdlib.get_logger("ctportd")


class Checked(msgspec.Struct, frozen=True):
    """What there is to say of a configuration.

    Attributes:
        file: The configuration's.
        ports: How many there are.
        plugins: Those that were loaded.
        problems: What will not do, or is probably not meant.
    """

    file: str
    ports: int
    plugins: list[str]
    problems: list[Problem]


def check_configuration(site: ConfiguredSite) -> Checked:
    """Look for whatever a run, or a caller, would meet with.

    Args:
        site: The installation, with its plugins loaded.

    Raises:
        ConfigError: The daemon would not start, or leave a plugin out.
    """
    config = site.config
    check_programs(config)
    for error in site.plugins.failed.values():
        raise ConfigError(str(error)) from error
    check_folders(config)
    doors = [
        Problem(where, f"{host!r} lets strangers use the lines: nothing there asks for a password", serious=False)
        for where, host in open_doors(config).items()
    ]
    hidden = [
        Problem(f"[plugins.{name}]", f"is the folder's, and not that of the installed {package}", serious=False)
        for name, package in site.plugins.hidden.items()
    ]
    own = [
        *doors,
        *hidden,
        *missing_folders(config),
        *check_mail(config),
        *check_secrets(config),
        *check_ports(site),
    ]
    problems = [*own, *site.run(site.dispatcher.questions.problems())]
    return Checked(config.source, len(config.file.port), list(site.plugins.loaded), problems)


def check_ports(site: ConfiguredSite) -> Iterator[Problem]:
    """Ports whose calls go nowhere, and handlers that will not do or that no call reaches."""
    for table in site.config.file.port:
        where = f"[[port]] number {table.number} handlers"
        if not table.handlers and table.kind == "trunk":
            yield Problem(where, "is empty: nobody answers its calls; name a plugin", serious=False)
        for handler in table.handlers:
            problem = site.check_handler(handler)
            if problem:
                yield Problem(where, f"{handler!r} will not do: {problem}")
        yield from _unreached(site, table.handlers, where)


def _unreached(site: ConfiguredSite, handlers: list[str], where: str) -> Iterator[Problem]:
    """The handlers behind one that takes every call."""
    for place, handler in enumerate(handlers):
        try:
            takes_all = site.dispatcher.questions.takes_all(handler)
        except PluginError as error:
            yield Problem(where, f"{handler!r} cannot be checked: {error}", serious=False)
            continue
        if takes_all and handlers[place + 1 :]:
            behind = " and ".join(map(repr, handlers[place + 1 :]))
            verb = "is" if place + 2 == len(handlers) else "are"
            what = f"{behind} {verb} never asked: {handler!r} before takes every call; change the order, or leave it out"
            yield Problem(where, what, serious=False)
            return


def check_mail(config: Config) -> Iterator[Problem]:
    """Files without which no letter can be sent. Looks at the disk."""
    if config.file.mail.host:
        try:
            credentials(config.file.mail)
        except MailError as error:
            where, _, what = str(error).partition("] ")
            yield Problem(f"{where}]", what)


def check_secrets(config: Config) -> Iterator[Problem]:
    """Files that everybody can read, with passwords or PINs in them: of each, the first. Looks at the disk."""
    told: set[str] = set()
    for where, file in _secrets({**msgspec.to_builtins(config.file), "plugins": config.plugins}, config.source):
        if file not in told and _everybody_reads(Path(file)):
            told.add(file)
            yield Problem(where, f"everybody on this machine can read it in {file}: chmod o-r it", serious=False)


def _secrets(data: dict[str, Any], source: str, table: str = "") -> Iterator[tuple[str, str]]:
    """Each key that holds a password or a PIN, or names a file that does, with the file in which that is."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _secrets(value, source, f"{table}.{key}" if table else key)
        elif value and is_secret(key):
            yield f"[{table}] {key}", source
        elif value and key in _SECRET_FILE:
            yield f"[{table}] {key}", value


def _everybody_reads(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # told of elsewhere
        return False


def missing_folders(config: Config) -> list[Problem]:
    """Folders of prompts that are not there. Looks at the disk."""
    return [
        Problem("[prompts] paths", f"there is no folder {path!r}; make it, or leave it out")
        for path in config.file.prompts.paths
        if not Path(path).is_dir()
    ]


def check_programs(config: Config) -> None:
    """Programs that the daemon would run, where it is root: nobody else may be able to change them.

    Raises:
        ConfigError: Somebody can.
    """
    for table in config.file.ctserver:
        if table.mode == "program":
            check_program_owner(config.source, table.program)


def check_folders(config: Config) -> None:
    """Folders whose files ctserver is to play or to write: its protocol cannot carry a space in a path.

    Raises:
        ConfigError: One has a space in its path.
    """
    folders = {
        "[daemon] state": config.state,
        "[plugins] directory": Path(config.file.plugins.directory).absolute(),
        "the prompts of ctportd": SHIPPED,
        "the plugins of ctportd": shipped("plugins"),
    }
    for what, folder in folders.items():
        if " " in str(folder):
            problem = f"found {str(folder)!r}, which has a space in it: ctserver's protocol cannot carry one"
            raise ConfigError(f"{config.source}: {what}: {problem}; move it to a folder without")


def warn_of_open_doors(config: Config) -> None:
    """Log each address on which strangers could reach the lines: nothing there asks for a password."""
    for where, host in open_doors(config).items():
        log.warning("listens to more than this machine, and asks nobody for a password", where=where, host=host)


def open_doors(config: Config) -> dict[str, str]:
    """What our own ctserver listens on that is not loopback: each key of the configuration with its host."""
    server = config.virtual
    if server is None:
        return {}
    doors = {"[[ctserver]] host": server.host, "[exchange] listen": config.exchange_address[0]}
    return {where: host for where, host in doors.items() if not _is_loopback(host)}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
