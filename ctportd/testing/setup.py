"""What a house is made of: its configuration, its plugins, TCP ports that are free."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import tomli_w

from ctportd.config import from_data
from ctportd.ctserver.log import ServerLog
from ctportd.ctserver.server import Server
from ctportd.errors import ServerError
from ctportd.hooks.sources import PluginFile, find_plugins
from ctportd.serving import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AsyncExitStack

    from ctportd.config import Config
    from ctportd.hooks.sources import Source

PluginSource: TypeAlias = str | Path | Mapping[str, str | Path]
"""Where plugins come from."""

SOURCE = "the test's configuration"
"""What errors call it."""

_TRIES = 5
_CHANCE = random.SystemRandom()  # who seeds the other one would have the same ports every time


@dataclass(frozen=True)
class Plan:
    """What a house is to be.

    Attributes:
        handlers: For each port, who is offered its calls.
        plugins: Each one plugin (a file, or a folder with an ``__init__.py``), a folder of plugins, or names with the
            text of each, or its file.
        stations: Which of the ports have a telephone set.
        settings: Tables ``[plugins.NAME]``.
        tables: Other tables; what they say replaces what stands there.
    """

    handlers: Mapping[int, Sequence[str]]
    plugins: Sequence[PluginSource]
    stations: frozenset[int]
    settings: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Any]


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


async def open_exchange(folder: Path, plan: Plan, stack: AsyncExitStack) -> Config:
    """Run ctserver with its exchange until the stack is left; returns the configuration that leads to it.

    Raises:
        ConfigError: The plan makes no configuration.
        ServerError: It cannot run.
    """
    for last in range(_TRIES):  # another process may take a TCP port between the look and the use
        data = await asyncio.to_thread(configuration, folder, plan)
        config = from_data(data, SOURCE)
        try:
            await _open_server(config, stack)
        except ServerError:
            if last == _TRIES - 1:
                raise
        else:
            break
    await asyncio.to_thread((folder / "ctportd.toml").write_text, tomli_w.dumps(data))
    return config


async def _open_server(config: Config, stack: AsyncExitStack) -> None:
    settings = await asyncio.to_thread(settings_of, config, config.file.ctserver[0])
    await asyncio.to_thread(config.state.mkdir, parents=True, exist_ok=True)
    log = await asyncio.to_thread(ServerLog, settings.log)
    server = Server(settings, log)
    try:
        await server.open()
    except ServerError:
        await asyncio.to_thread(log.close)
        raise
    stack.push_async_callback(asyncio.to_thread, log.close)
    stack.push_async_callback(server.close)


def configuration(folder: Path, plan: Plan) -> dict[str, Any]:
    """A configuration as its file would have it: our own ctserver on free ports, everything in ``folder``."""
    last = max(plan.handlers, default=1)
    first = free_ports(last + 2)
    state = folder / "state"
    data: dict[str, Any] = {
        "daemon": {"state": str(state), "drain_timeout": 0.0, "min_free": 0.0},
        "log": {"file": ""},
        "ctserver": [{"name": "main", "first_port": first, "manager_port": first + last}],
        "exchange": {"listen": f"127.0.0.1:{first + last + 1}", "log": str(state / "ctserver.log")},
        "port": [
            {"number": number, "handlers": list(names), "kind": "station" if number in plan.stations else "trunk"}
            for number, names in plan.handlers.items()
        ],
        # the watchdog counts real time, and takes a signal of the test's own process
        "plugins": {
            "directory": str(folder),
            "shipped": False,
            "hold_limit": 0.0,
            "hold_kill": 0.0,
            **plan.settings,
        },
        "control": {"socket": str(state / "ctportd.sock")},
    }
    for name, table in plan.tables.items():
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


def find(sources: Sequence[PluginSource], folder: Path, package: str) -> dict[str, PluginFile]:
    """The plugins of these sources, by their names; texts are written into ``folder``.

    Raises:
        FileNotFoundError: One is not there.
    """
    files: dict[str, Path] = {}
    for source in sources:
        if isinstance(source, str | Path):
            files.update(_files_of(Path(source)))
        else:
            for name, text in source.items():
                files[name] = _written(name, text, folder) if isinstance(text, str) else _file_of(text)
    return {name: _TestedFile(path, package) for name, path in files.items()}


def find_again(found: Iterable[PluginFile], folder: Path, package: str) -> dict[str, Source]:
    """Those of them that are there still, and whatever else is in ``folder`` by now."""
    before = [source.path for source in found if source.path.is_file()]
    here = [source.path for source in find_plugins(folder).values()] if folder.is_dir() else []
    paths = {(path.parent if path.name == "__init__.py" else path).stem: path for path in (*before, *here)}
    return {name: _TestedFile(path, package) for name, path in paths.items()}


class _TestedFile(PluginFile):
    """Whose the file is, nobody asks: it is run by who runs the tests, which lie beside it."""

    def check(self, name: str) -> None:
        pass


def _files_of(path: Path) -> dict[str, Path]:
    if path.is_dir() and not (path / "__init__.py").is_file():
        return {name: source.path for name, source in find_plugins(path).items()}
    return {(path.parent if path.name == "__init__.py" else path).stem: _file_of(path)}


def _file_of(path: Path) -> Path:
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{path} is no plugin: there is neither a file nor a folder of it")
    return file


def _written(name: str, text: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.removesuffix('.py')}.py"
    path.write_text(text)
    return path
