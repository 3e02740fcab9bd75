"""Where the daemon of a house has its configuration and plugins from, each time that they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd.config import load
from ctportd.errors import ConfigError
from ctportd.hooks.renewal import give_back, load_changed_found, load_each_found
from ctportd.site import check_handlers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins
    from ctportd.hooks.sources import Source as Found


class HouseSource:
    """The configuration's file of a house, whose ctserver runs already, and is not the daemon's own to start.

    Args:
        path: The file.
        find: Finds the plugins.
    """

    def __init__(self, path: Path, find: Callable[[], Mapping[str, Found]]) -> None:
        self._path = path
        self._find = find

    def config(self) -> Config:
        """The configuration as its file says it now. Raises ConfigError."""
        config = load(self._path)
        beside = [msgspec.structs.replace(table, mode="remote") for table in config.file.ctserver]
        return msgspec.structs.replace(config, file=msgspec.structs.replace(config.file, ctserver=beside))

    def plugins(self, config: Config, before: Plugins, anew: frozenset[str]) -> Plugins:
        """The plugins of a configuration. Raises ConfigError, or PluginError."""
        plugins = load_changed_found(self._find(), config.plugins, config.source, before, anew)
        try:
            check_handlers(config, plugins)
        except ConfigError:
            give_back(plugins, before)
            raise
        return plugins

    def each_plugin(self, config: Config, before: Plugins) -> Plugins:
        """The plugins of a configuration, each for itself."""
        return load_each_found(self._find(), config.plugins, config.source, before)
