"""The configuration as typed structures: read, checked, written.

A mistake is one sentence that names the file, the table, the key, what was found and what was expected.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli_w
from msgspec import Meta, Struct, field

from ctportd.checking import convert
from ctportd.errors import ConfigError
from ctportd.mail_table import MailTable, problem_of
from ctportd.nearest import no_such

TcpPort = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
"""Seconds, or megabytes, of which there may be none."""

Count = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z")]

_HIGHEST_TCP_PORT = 65_535

MASK = "********"
"""What is printed in place of a password."""


class _Table(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of the file: an unknown key in it is a mistake."""


class DaemonTable(_Table, frozen=True):
    """``[daemon]``: the daemon itself."""

    state: str = "state"
    drain_timeout: NotNegative = 30.0
    stop_timeout: Seconds = 5.0
    end_timeout: Seconds = 10.0
    min_free: NotNegative = 50.0
    pin_tries: Annotated[int, Meta(ge=1)] = 5
    pin_lock: Seconds = 900.0


class LogTable(_Table, frozen=True):
    """``[log]``: the log file, and how much goes into it."""

    file: str = "state/ctportd.log"
    level: Literal["debug", "info", "warning", "error"] = "info"


class CtserverTable(_Table, frozen=True):
    """``[[ctserver]]``: one ctserver, ours, a program, or one that runs elsewhere."""

    name: Name = "main"
    mode: Literal["virtual", "program", "remote"] = "virtual"
    program: str = "ctserver"
    arguments: list[str] = []
    host: str = "127.0.0.1"
    first_port: TcpPort = 1200
    manager_port: TcpPort = 1198
    dialect: Literal["keyed", "classic"] = "keyed"
    send_cid: Annotated[str, Meta(pattern=r"^[a-z_]+\Z")] = "ctsendcid"
    reconnect: bool = True
    reconnect_delay: Seconds = 1.0
    max_reconnect_delay: Seconds = 60.0
    heartbeat: NotNegative = 10.0
    heartbeat_timeout: Seconds = 10.0
    start_timeout: Seconds = 15.0
    stop_timeout: Seconds = 3.0
    max_restart_delay: Seconds = 60.0
    existing: Literal["adopt", "replace", "fail"] = "adopt"
    pid_file: str = ""


class ExchangeTable(_Table, frozen=True):
    """``[exchange]``: the virtual exchange behind our own ctserver."""

    listen: str = "127.0.0.1:1190"
    speed: Annotated[float, Meta(gt=0, le=100)] = 1.0
    country: Literal["us", "uk", "de", "au", "jp"] = "us"
    log: str = "state/ctserver.log"
    folders: list[str] = []


class PortTable(_Table, frozen=True):
    """``[[port]]``: one telephone port, and who is offered its calls."""

    number: Annotated[int, Meta(ge=1, le=65535)]
    ctserver: str = ""
    name: str = ""
    kind: Literal["trunk", "station"] = "trunk"
    handlers: list[str] = []
    caller_id: bool = True
    ring_timeout: Seconds = 8.0
    call_limit: NotNegative = 14_400.0
    dial_tone_every: NotNegative = 0.0


class NumbersTable(_Table, frozen=True):
    """``[numbers]``: what is missing in telephone numbers that come from nearby."""

    country: str = "US"
    area: Annotated[str, Meta(pattern=r"^[0-9]*\Z")] = ""


class PromptsTable(_Table, frozen=True):
    """``[prompts]``: where files to play are looked for."""

    paths: list[str] = []
    default_ext: str = ".au"
    ignore_dtmf: bool = False
    language: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,31})?\Z")] = ""


class StoreTable(_Table, frozen=True):
    """``[store]``: the database of calls and messages."""

    url: str = ""
    keep_days: Annotated[int, Meta(ge=0)] = 0


class PluginsTable(_Table, frozen=True):
    """``[plugins]``: the folder of plugins, and how far one may go."""

    directory: str = "plugins"
    queue: Count = 10_000
    hook_timeout: Seconds = 30.0
    tasks: Count = 1000
    faults: Count = 5
    fault_window: Seconds = 60.0
    quarantine: Seconds = 60.0
    hold_limit: Annotated[float, Meta(ge=0)] = 1.0
    hold_kill: Annotated[float, Meta(ge=0)] = 10.0


class ControlTable(_Table, frozen=True):
    """``[control]``: the socket on which the running daemon listens to the command line."""

    socket: str = "state/ctportd.sock"


class ConfigFile(_Table, frozen=True):
    """The whole file, but for the tables ``[plugins.NAME]``: each plugin checks its own."""

    daemon: DaemonTable = DaemonTable()
    log: LogTable = LogTable()
    ctserver: list[CtserverTable] = field(default_factory=lambda: [CtserverTable()])
    exchange: ExchangeTable = ExchangeTable()
    port: list[PortTable] = []
    numbers: NumbersTable = NumbersTable()
    prompts: PromptsTable = PromptsTable()
    store: StoreTable = StoreTable()
    plugins: PluginsTable = PluginsTable()
    control: ControlTable = ControlTable()
    mail: MailTable = MailTable()


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
    _check_together(config)
    return config


def dump(config: Config) -> str:
    """The configuration as TOML, every key with the value that is in force, passwords masked."""
    data = msgspec.to_builtins(config.file)
    data["plugins"].update(config.plugins)
    return tomli_w.dumps(_masked(data))


def _masked(data: Any) -> Any:
    """Data without what stands under keys named ``password``, at any depth."""
    if isinstance(data, list):
        return [_masked(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {key: MASK if key == "password" and value else _masked(value) for key, value in data.items()}


def split_address(address: str) -> tuple[str, int]:
    """``host:port`` in its parts; ``[::1]:1190`` too.

    Raises:
        ValueError: It is no such thing.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError(address)
    return host, int(port)


def _check_together(config: Config) -> None:
    """What no single key can get wrong, but several together can."""
    source, file = config.source, config.file
    try:
        split_address(file.exchange.listen)
    except ValueError:
        told = f"found {file.exchange.listen!r}, expected host:port, such as 127.0.0.1:1190"
        raise ConfigError(f"{source}: [exchange] listen: {told}") from None
    _check_servers(source, file.ctserver)
    _check_ports(source, file)
    problem = problem_of(file.mail)
    if problem:
        raise ConfigError(f"{source}: [mail] {problem}")


def _check_servers(source: str, servers: list[CtserverTable]) -> None:
    if not servers:
        raise ConfigError(f"{source}: [[ctserver]]: found no table, expected one or more")
    seen: set[str] = set()
    for server in servers:
        if server.name in seen:
            raise ConfigError(
                f"{source}: [[ctserver]] name: {server.name!r} stands twice, expected each name once"
            )
        seen.add(server.name)
    virtual = [server.name for server in servers if server.mode == "virtual"]
    if len(virtual) > 1:
        told = f"{' and '.join(virtual)} are virtual, expected one at most: there is one [exchange]"
        raise ConfigError(f"{source}: [[ctserver]] mode: {told}")


def _check_ports(source: str, file: ConfigFile) -> None:
    servers = {server.name: server for server in file.ctserver}
    seen: set[tuple[str, int]] = set()
    taken = {(server.host, server.manager_port) for server in file.ctserver} | {
        split_address(file.exchange.listen)
    }
    for port in file.port:
        where = f"{source}: [[port]] number {port.number}"
        if not port.ctserver and len(servers) > 1:
            raise ConfigError(f"{where}: the key 'ctserver' is missing, expected one of {', '.join(servers)}")
        if port.ctserver and port.ctserver not in servers:
            raise ConfigError(f"{where} ctserver: {no_such('ctserver', port.ctserver, servers)}")
        server = servers[port.ctserver] if port.ctserver else file.ctserver[0]
        if port.dial_tone_every and (port.kind != "trunk" or server.dialect != "keyed"):
            told = "expected 0 here: it is for trunks of a ctserver of the keyed dialect"
            raise ConfigError(f"{where} dial_tone_every: {told}")
        if (server.name, port.number) in seen:
            raise ConfigError(f"{where}: stands twice, expected each port once")
        seen.add((server.name, port.number))
        tcp_port = server.first_port + port.number - 1
        if tcp_port > _HIGHEST_TCP_PORT or (server.host, tcp_port) in taken:
            raise ConfigError(f"{where}: its TCP port would be {tcp_port}, which is not free for it")
        taken.add((server.host, tcp_port))
