"""``ctportd check``: what can be known to be wrong before anything runs."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.files import SHIPPED
from ctportd.errors import ConfigError
from ctportd.hooks.owners import check_program_owner
from ctportd.site import load_configured_plugins

if TYPE_CHECKING:
    from ctportd.config import Config

log = structlog.stdlib.get_logger("ctportd")


def check_configuration(config: Config) -> str:
    """Load everything that a run would load; returns what is well, as a few words.

    Raises:
        ConfigError: The configuration, or a plugin of it, would not do.
    """
    check_programs(config)
    plugins = load_configured_plugins(config)
    for error in plugins.failed.values():
        raise ConfigError(str(error)) from error
    check_folders(config)
    ports, loaded = len(config.file.port), len(plugins.loaded)
    doors = "".join(
        f"; but {where} {host!r} lets strangers use the lines: nothing there asks for a password"
        for where, host in open_doors(config).items()
    )
    hidden = "".join(
        f"; the plugin {name!r} is the folder's, and not that of the package {package}"
        for name, package in plugins.hidden.items()
    )
    good = f"good: {_count(ports, 'port')}, {_count(loaded, 'plugin')} ({', '.join(plugins.loaded)})"
    return f"{config.source}: {good}{hidden}{doors}"


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


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
