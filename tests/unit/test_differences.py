"""What differs between two configurations, and what becomes of it while the daemon runs."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from ctportd.config import ConfigFile, from_data
from ctportd.config.differences import EFFECTS, Differences, Effect, differences, in_force

if TYPE_CHECKING:
    from ctportd.config import Config

PORTS: list[dict[str, Any]] = [{"number": 1, "handlers": ["a"]}, {"number": 2}]


def config(**tables: Any) -> Config:
    """A configuration with these tables."""
    return from_data({"port": PORTS, **tables}, "x.toml")


def table_of(name: str) -> type[msgspec.Struct]:
    """The structure of a table."""
    kind = get_type_hints(ConfigFile, include_extras=True)[name]
    found: type[msgspec.Struct] = get_args(kind)[0] if get_origin(kind) is list else kind
    return found


KEYS = [(table, key) for table in ConfigFile.__struct_fields__ for key in table_of(table).__struct_fields__]


def test_every_key_is_known() -> None:
    """A key that is new in the tables has to be given an effect."""
    assert {(table, key) for table, keys in EFFECTS.items() for key in keys} == set(KEYS)


def other(kind: Any, value: Any) -> Any:
    """Another value that the key may have."""
    if get_origin(kind) is Literal:
        return next(option for option in get_args(kind) if option != value)
    if get_origin(kind) in (Union, types.UnionType) or hasattr(kind, "__metadata__"):
        return other(get_args(kind)[0], value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return [*value, "x"] if isinstance(value, list) else f"{value}9"


@pytest.mark.parametrize(("table", "key"), KEYS, ids=str)
def test_every_change_is_told(table: str, key: str) -> None:
    """Each key that changes shows: as a port, a ctserver, a table that is in force, or a key that waits."""
    old = config()
    struct = table_of(table)
    before = getattr(old.file, table)
    first = before[0] if isinstance(before, list) else before
    kind = get_type_hints(struct, include_extras=True)[key]
    changed = msgspec.structs.replace(first, **{key: other(kind, getattr(first, key))})
    after = [changed, *before[1:]] if isinstance(before, list) else changed
    new = msgspec.structs.replace(old, file=msgspec.structs.replace(old.file, **{table: after}))
    told = differences(old, new)
    effect = EFFECTS[table][key]
    if effect is Effect.START:
        assert told == Differences(restart=[f"[{table}] {key}"])
        assert getattr(in_force(old, new).file, table) == before
    elif (table, key) == ("port", "ctserver"):
        assert told.ports_removed == ["main:1"]  # it is nobody's: check_together refuses that
    elif (table, key) == ("port", "number"):
        assert (told.ports_added, told.ports_removed) == ([], ["main:1"])
    elif table == "port":
        assert told == Differences(ports_changed=["main:1"])
    elif (table, key) == ("ctserver", "name"):
        assert (told.servers_added, told.servers_removed) == (["main9"], ["main"])
    elif effect is Effect.SERVER:
        assert told == Differences(servers_replaced=["main"])
    else:
        assert told == Differences(changed=[f"[{table}]"])
        assert getattr(in_force(old, new).file, table) == after


def test_nothing_differs() -> None:
    """The same file twice, whether its ports name their only ctserver or not."""
    named = config(port=[{**table, "ctserver": "main"} for table in PORTS])
    assert differences(config(), config()) == Differences() == differences(config(), named)


def test_ports() -> None:
    """They are told by their addresses, in the order of the file."""
    told = differences(config(), config(port=[{"number": 3}, {"number": 2, "kind": "station"}]))
    assert told == Differences(ports_added=["main:3"], ports_removed=["main:1"], ports_changed=["main:2"])


def test_servers() -> None:
    """One that is added and one that is removed, with their ports; the exchange of a far one is nobody's business."""
    far = {"name": "far", "mode": "remote", "first_port": 2200, "manager_port": 2198}
    both = config(ctserver=[{}, far], port=[{"number": 1, "ctserver": "main"}, {"number": 1, "ctserver": "far"}])
    alone = config(port=[{"number": 1}])
    assert differences(alone, both) == Differences(servers_added=["far"], ports_added=["far:1"])
    assert differences(both, alone) == Differences(servers_removed=["far"], ports_removed=["far:1"])
    remote = config(ctserver=[far])
    assert differences(remote, config(ctserver=[far], exchange={"speed": 2.0})) == Differences()


def test_what_waits_for_a_start_waits_on() -> None:
    """It is told with every reload, and the rest is in force."""
    old = config()
    new = config(store={"url": "sqlite+aiosqlite:///x.db", "keep_days": 7}, control={"socket": "y.sock"})
    now = in_force(old, new)
    assert (now.file.store.url, now.file.store.keep_days) == ("", 7)
    assert differences(now, new) == Differences(restart=["[store] url", "[control] socket"])
