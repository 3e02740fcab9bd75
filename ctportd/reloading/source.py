"""Where a daemon's configuration and plugins come from, each time that they are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ctportd.config import load
from ctportd.errors import ConfigError
from ctportd.hooks.owners import check_config_owner
from ctportd.hooks.renewal import give_back, load_changed, load_each_changed
from ctportd.site import check_handlers

if TYPE_CHECKING:
    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins


class Source(Protocol):
    """Loads what a daemon runs by. Its methods look at the disk, and are for threads."""

    def config(self) -> Config:
        """The configuration as its file says it now. Raises ConfigError."""

    def plugins(self, config: Config, before: Plugins, anew: frozenset[str]) -> Plugins:
        """The plugins of a configuration: those that have not changed are the same objects as before.

        Args:
            config: The configuration.
            before: Those that run.
            anew: Which are loaded anew though nothing of theirs has changed.

        Raises:
            ConfigError: The configuration and the plugins do not fit.
            PluginError: One cannot be loaded.
        """

    def each_plugin(self, config: Config, before: Plugins) -> Plugins:
        """Likewise, each plugin for itself: one that cannot be loaded stays as it was, and is among the refused ones.

        Raises:
            ConfigError: There is no folder of plugins.
            PluginError: One takes too long to load.
        """


class FileSource:
    """A configuration's file, and the plugins that it names.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def config(self) -> Config:
        """The configuration as its file says it now. Raises ConfigError."""
        check_config_owner(self._path)
        return load(self._path)

    def plugins(self, config: Config, before: Plugins, anew: frozenset[str]) -> Plugins:
        """The plugins of a configuration. Raises ConfigError, or PluginError."""
        table = config.file.plugins
        directory = Path(table.directory)
        plugins = load_changed(directory, config.plugins, config.source, before, anew, with_shipped=table.shipped)
        try:
            check_handlers(config, plugins)
        except ConfigError:
            give_back(plugins, before)
            raise
        return plugins

    def each_plugin(self, config: Config, before: Plugins) -> Plugins:
        """The plugins of a configuration, each for itself. Raises ConfigError, or PluginError."""
        table = config.file.plugins
        directory = Path(table.directory)
        return load_each_changed(directory, config.plugins, config.source, before, with_shipped=table.shipped)
