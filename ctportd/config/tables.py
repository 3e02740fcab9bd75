"""The tables of the configuration, as typed structures: every key with its default, and what it may be."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ctportd.config.mail import MailTable

TcpPort = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
"""Seconds, or megabytes, of which there may be none."""

Count = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z")]


class _Table(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of the file: an unknown key in it is a mistake."""


class DaemonTable(_Table, frozen=True):
    """``[daemon]``: the daemon itself."""

    state: str = "state"
    user: str = ""
    group: str = ""
    drain_timeout: NotNegative = 30.0
    stop_timeout: Seconds = 5.0
    end_timeout: Seconds = 10.0
    min_free: NotNegative = 50.0
    pin_tries: Annotated[int, Meta(ge=1)] = 5
    pin_lock: Seconds = 900.0


class LogTable(_Table, frozen=True):
    """``[log]``: the log file, how much goes into it, and what becomes of old ones."""

    file: str = "state/ctportd.log"
    level: Literal["debug", "info", "warning", "error"] = "info"
    keep: Annotated[int, Meta(ge=0)] = 10
    compress: bool = True
    max_size: NotNegative = 100.0


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
    watch: bool = False
    shipped: bool = True
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
