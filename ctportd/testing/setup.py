"""What a house is made of: its configuration, its plugins, TCP ports that are free."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctportd.hooks.loader import find_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Handlers = "Mapping[int, Sequence[str]] | Sequence[Sequence[str]]"

_CHANCE = random.SystemRandom()  # who seeds the other one would have the same ports every time


def free_ports(count: int) -> int:
    """The first of so many consecutive TCP ports that are free; below those that the kernel hands out by itself."""
    for _ in range(200):
        first = _CHANCE.randrange(15_000, 32_000 - count)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = stack.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            return first
    raise RuntimeError(f"no {count} consecutive TCP ports are free")


def configuration(
    folder: Path,
    handlers: Mapping[int, Sequence[str]],
    stations: Iterable[int],
    settings: Mapping[str, Mapping[str, Any]],
    tables: Mapping[str, Any],
) -> dict[str, Any]:
    """A configuration as its file would have it: our own ctserver on free ports, everything in ``folder``.

    Args:
        folder: Where the house lives.
        handlers: For each port, who is offered its calls.
        stations: Which of the ports have a telephone set.
        settings: Tables ``[plugins.NAME]``.
        tables: Other tables; what they say replaces what stands here.
    """
    last = max(handlers, default=1)
    first = free_ports(last + 2)
    state = folder / "state"
    data: dict[str, Any] = {
        "daemon": {"state": str(state), "drain_timeout": 0.0, "min_free": 0.0},
        "log": {"file": ""},
        "ctserver": [{"name": "main", "first_port": first, "manager_port": first + last}],
        "exchange": {"listen": f"127.0.0.1:{first + last + 1}", "log": str(state / "ctserver.log")},
        "port": [
            {"number": number, "handlers": list(names), "kind": "station" if number in set(stations) else "trunk"}
            for number, names in handlers.items()
        ],
        "plugins": {"directory": str(folder), "hold_limit": 0.0, "hold_kill": 0.0, **settings},
        "control": {"socket": str(state / "ctportd.sock")},
    }
    for name, table in tables.items():
        _merge(data, name, table)
    return data


def _merge(data: dict[str, Any], name: str, table: Any) -> None:
    """Put a table over what stands there; those of ports by their numbers, that of ctserver into the only one."""
    if name == "port":
        for changed in table:
            number = changed["number"]
            before = next((port for port in data["port"] if port["number"] == number), None)
            if before is None:
                data["port"].append(changed)
            else:
                before.update(changed)
    elif name == "ctserver":
        data["ctserver"][0].update(table)
    else:
        data.setdefault(name, {}).update(table)


def plugin_files(sources: Iterable[str | Path | Mapping[str, str | Path]], folder: Path) -> dict[str, Path]:
    """The plugins of these sources, each name with the file to load.

    Args:
        sources: Each one plugin (a file, or a folder with an ``__init__.py``), a folder of plugins, or names with
            the text of each, or its file.
        folder: Where texts are written.

    Raises:
        FileNotFoundError: One is not there.
    """
    found: dict[str, Path] = {}
    for source in sources:
        if isinstance(source, str | Path):
            found.update(_found(Path(source)))
        else:
            for name, text in source.items():
                found[name] = _written(name, text, folder) if isinstance(text, str) else _only(text)
    return found


def _found(path: Path) -> dict[str, Path]:
    if path.is_dir() and not (path / "__init__.py").is_file():
        return find_plugins(path)
    return {path.stem: _only(path)}


def _only(path: Path) -> Path:
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{path} is no plugin: there is neither a file nor a folder of it")
    return file


def _written(name: str, text: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.removesuffix('.py')}.py"
    path.write_text(text)
    return path
