"""What differs between two configurations, and what becomes of each difference while the daemon runs."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ctportd.config.file import Config
    from ctportd.config.tables import CtserverTable, PortTable


class Effect(Enum):
    """When a key that was changed is in force, after a reload."""

    NOW = "at once"
    CALL = "with the next call"
    PORT = "when the port has been connected anew"
    SERVER = "when the ctserver has been replaced"
    START = "at the next start"


def _all(keys: str, effect: Effect) -> dict[str, Effect]:
    return dict.fromkeys(keys.split(), effect)


EFFECTS: dict[str, dict[str, Effect]] = {
    "daemon": _all("drain_timeout stop_timeout min_free pin_tries pin_lock", Effect.NOW)
    | _all("state user group", Effect.START)
    | {"end_timeout": Effect.CALL},
    "log": {"file": Effect.START} | _all("level keep compress max_size", Effect.NOW),
    "ctserver": _all(
        "name mode program arguments host first_port manager_port dialect send_cid reconnect reconnect_delay "
        "max_reconnect_delay heartbeat heartbeat_timeout start_timeout stop_timeout max_restart_delay existing "
        "pid_file",
        Effect.SERVER,
    ),
    "exchange": _all("listen speed country log", Effect.SERVER) | {"folders": Effect.NOW},
    "port": _all("number ctserver name kind", Effect.PORT)
    | _all("handlers caller_id ring_timeout call_limit dial_tone_every", Effect.CALL),
    "numbers": _all("country area", Effect.CALL),
    "prompts": _all("paths default_ext ignore_dtmf language", Effect.CALL),
    "store": {"url": Effect.START, "keep_days": Effect.NOW},
    "plugins": _all("directory shipped", Effect.CALL)
    | _all("watch queue hook_timeout tasks faults fault_window quarantine hold_limit hold_kill", Effect.NOW),
    "control": {"socket": Effect.START},
    "mail": _all(
        "host port security ca_file user password password_file sender timeout give_up_after", Effect.NOW
    ),
}
"""Each key of each table but those of plugins: a plugin whose own table has changed is replaced between calls."""

_REPEATED = ("ctserver", "port")
"""The tables of which there may be several: they are compared one by one."""


class Differences(msgspec.Struct, frozen=True):
    """What a configuration has that another one had not.

    Attributes:
        ports_added: Addresses of ports, such as ``main:2``.
        ports_removed: Likewise.
        ports_changed: Likewise: those whose next calls go another way, and those that are connected anew.
        servers_added: Names of ctservers.
        servers_removed: Likewise.
        servers_replaced: Likewise.
        changed: Other tables that are in force at once, or with the next calls, such as ``[mail]``.
        restart: Keys that wait for the next start, such as ``[store] url``.
    """

    ports_added: list[str] = []
    ports_removed: list[str] = []
    ports_changed: list[str] = []
    servers_added: list[str] = []
    servers_removed: list[str] = []
    servers_replaced: list[str] = []
    changed: list[str] = []
    restart: list[str] = []


def differences(old: Config, new: Config) -> Differences:
    """What a new configuration changes."""
    servers = (
        {server.name: server for server in old.file.ctserver},
        {server.name: server for server in new.file.ctserver},
    )
    before, after = ports_of(old), ports_of(new)
    others = [
        (table, key)
        for table in EFFECTS
        if table not in _REPEATED
        for key in changed_keys(table, getattr(old.file, table), getattr(new.file, table))
    ]
    waiting = [(table, key) for table, key in others if EFFECTS[table][key] is Effect.START]
    in_force = [one for one in others if one not in waiting and EFFECTS[one[0]][one[1]] is not Effect.SERVER]
    return Differences(
        ports_added=[address for address in after if address not in before],
        ports_removed=[address for address in before if address not in after],
        ports_changed=[
            address
            for address, table in after.items()
            if address in before and changed_keys("port", before[address], table)
        ],
        servers_added=[name for name in servers[1] if name not in servers[0]],
        servers_removed=[name for name in servers[0] if name not in servers[1]],
        servers_replaced=[
            name
            for name, table in servers[1].items()
            if name in servers[0] and replaces_server(old, servers[0][name], new, table)
        ],
        changed=list(dict.fromkeys(f"[{table}]" for table, _ in in_force)),
        restart=[f"[{table}] {key}" for table, key in waiting],
    )


def ports_of(config: Config) -> dict[str, PortTable]:
    """The ports of a configuration by their addresses, such as ``main:2``."""
    return {
        f"{server.name}:{port.number}": port for server in config.file.ctserver for port in config.ports_of(server)
    }


def replaces_server(old: Config, before: CtserverTable, new: Config, after: CtserverTable) -> bool:
    """Whether a ctserver must be replaced for what its table, and ``[exchange]`` where it is ours, says now."""
    if changed_keys("ctserver", before, after):
        return True
    exchange = changed_keys("exchange", old.file.exchange, new.file.exchange)
    return after.mode == "virtual" and any(EFFECTS["exchange"][key] is Effect.SERVER for key in exchange)


def reconnects_port(before: PortTable, after: PortTable) -> bool:
    """Whether a port must be connected anew for what its table says now."""
    return any(EFFECTS["port"][key] is Effect.PORT for key in changed_keys("port", before, after))


def changed_keys(table: str, before: msgspec.Struct, after: msgspec.Struct) -> list[str]:
    """The keys in which two tables of a kind differ. Whether a port names its only ctserver is no difference."""
    return [
        key
        for key in EFFECTS[table]
        if (table, key) != ("port", "ctserver") and getattr(before, key) != getattr(after, key)
    ]


def in_force(old: Config, new: Config) -> Config:
    """A new configuration as far as it is in force before the next start."""
    tables = {}
    for table, effects in EFFECTS.items():
        kept = [key for key, effect in effects.items() if effect is Effect.START]
        if kept:
            before = getattr(old.file, table)
            as_before = {key: getattr(before, key) for key in kept}
            tables[table] = msgspec.structs.replace(getattr(new.file, table), **as_before)
    return msgspec.structs.replace(new, file=msgspec.structs.replace(new.file, **tables))
