"""What the authors of plugins have on the command line: to begin one, and to see which are found."""

from __future__ import annotations

import keyword
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from ctportd.config import PluginsTable
from ctportd.errors import PluginError
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.sources import find_installed, find_plugins
from ctportd.status import PluginStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins


def list_plugins(config: Config) -> list[PluginStatus]:
    """Every plugin of a configuration, in the order of their names; those that can be are loaded for it.

    Raises:
        ConfigError: The configuration and the plugins do not fit.
    """
    table = config.file.plugins
    plugins = load_plugins(Path(table.directory), config.plugins, config.source, with_shipped=table.shipped)
    return [_found(name, where, plugins) for name, where in sorted(plugins.where.items())]


def _found(name: str, where: str, plugins: Plugins) -> PluginStatus:
    if name in plugins.failed:
        return PluginStatus(name, "failed", [], where=where, error=str(plugins.failed[name]))
    if name in plugins.disabled:
        return PluginStatus(name, "not enabled", [], where=where)
    return PluginStatus(name, "loaded", sorted(plugins.loaded[name].hooks), where=where)


def make_plugin(name: str, directory: Path) -> list[Path]:
    """Write a plugin into a folder of plugins, and its test into ``tests`` beside the folder; returns the two files.

    Raises:
        PluginError: The name will not do, one of the files is there, or cannot be written; then nothing is written.
    """
    _check_name(name, directory)
    plugin = directory / f"{name}.py"
    test = directory.parent / "tests" / f"test_{name}.py"
    for path in (plugin, test):
        if path.exists():
            raise PluginError(name, f"{path} is there already; take another name, or remove it first")
    words = {"name": name, "folder": directory.absolute().name}
    try:
        _write(plugin, "plugin.py.txt", words)
        _write(test, "test.py.txt", words)
    except OSError as error:
        raise PluginError(name, f"{error.filename} cannot be written: {error.strerror}") from error
    return [plugin, test]


def _check_name(name: str, directory: Path) -> None:
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name.startswith("_"):
        raise PluginError(
            name, "is no name for a plugin: a word of letters, digits and _ is expected, such as night_bell"
        )
    if name in PluginsTable.__struct_fields__ or name == "ctportd":
        raise PluginError(
            name, f"is no name for a plugin: [plugins] {name} means something else; take another one"
        )
    if directory.is_dir() and name in find_plugins(directory):
        raise PluginError(name, f"is in {directory} already; take another name")
    installed = find_installed()
    if name in installed:
        raise PluginError(name, f"is in the installed package {installed[name].where}; take another name")


def _write(path: Path, template: str, words: Mapping[str, str]) -> None:
    text = (files("ctportd") / "templates" / template).read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(Template(text).substitute(words))
