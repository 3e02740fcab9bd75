"""The file of the configuration: read, checked, written.

A mistake is one sentence that names the file, the table, the key, what was found and what was expected.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import tomli_w

from ctportd.checking import convert
from ctportd.config.secrets import masked
from ctportd.config.tables import ConfigFile, PluginsTable
from ctportd.config.together import check_together, split_address
from ctportd.errors import ConfigError

if TYPE_CHECKING:
    from ctportd.config.tables import CtserverTable, PortTable


class Config(msgspec.Struct, frozen=True):
    """A configuration that was read and checked.

    Attributes:
        source: The file that it was read from.
        file: What it says.
        plugins: Each plugin's own table, by the plugin's name, as it stands in the file.
    """

    source: str
    file: ConfigFile
    plugins: dict[str, dict[str, Any]]

    @property
    def state(self) -> Path:
        """The folder of all that must survive; relative to ``$STATE_DIRECTORY`` under systemd."""
        return Path(os.environ.get("STATE_DIRECTORY", "").split(":")[0]).absolute() / self.file.daemon.state

    @property
    def store_url(self) -> str:
        """The database: SQLite in the state folder unless one is named."""
        path = (
            str(self.state / "ctportd.db").replace("%", "%25").replace("?", "%3F")
        )  # which mean something in a URL
        return self.file.store.url or f"sqlite+aiosqlite:///{path}"

    @property
    def exchange_address(self) -> tuple[str, int]:
        """Host and TCP port of the virtual exchange."""
        return split_address(self.file.exchange.listen)

    def line_speed(self, server: CtserverTable) -> float:
        """How much faster than life the lines of a ctserver run: 1 on a card."""
        return self.file.exchange.speed if server.mode == "virtual" else 1.0

    @property
    def virtual(self) -> CtserverTable | None:
        """Our own ctserver, if the configuration has one."""
        return next((server for server in self.file.ctserver if server.mode == "virtual"), None)

    def ports_of(self, server: CtserverTable) -> list[PortTable]:
        """The telephone ports of a ctserver. A port that names none is that of the only one."""
        return [port for port in self.file.port if port.ctserver in ("", server.name)]


def load(path: Path) -> Config:
    """Read and check a configuration.

    Raises:
        ConfigError: The file cannot be read, is no TOML, or does not say what a configuration can say.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: no TOML, or a number with thousands of digits
        raise ConfigError(f"{path}: is no TOML: {error}") from error
    return from_data(data, str(path))


def from_data(data: dict[str, Any], source: str) -> Config:
    """Check what a file says.

    Raises:
        ConfigError: As for :func:`load`.
    """
    plugins = data.get("plugins")
    tables: dict[str, dict[str, Any]] = {}
    if isinstance(plugins, dict):
        keys = PluginsTable.__struct_fields__  # these are never plugins: a table under such a name is a mistake
        tables = {name: value for name, value in plugins.items() if isinstance(value, dict) and name not in keys}
        data = {**data, "plugins": {name: value for name, value in plugins.items() if name not in tables}}
    config = Config(source, convert(data, ConfigFile, source), tables)
    check_together(source, config.file)
    return config


def effective(config: Config) -> dict[str, Any]:
    """Every key of a configuration with the value that is in force, secrets masked."""
    data = msgspec.to_builtins(config.file)
    data["plugins"].update(config.plugins)
    shown: dict[str, Any] = masked(data)
    return shown


def dump(data: dict[str, Any]) -> str:
    """A configuration's data as TOML."""
    return tomli_w.dumps(data)
