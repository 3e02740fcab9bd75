"""Where a daemon's configuration and plugins come from, each time that they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ctportd.config import load
from ctportd.hooks.owners import check_config_owner
from ctportd.site import check_handlers

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins


class Source(Protocol):
    """Loads what a daemon runs by. Both methods look at the disk, and are for a thread."""

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

    def plugins(self, config: Config, before: Plugins, anew: frozenset[str]) -> Plugins:  # noqa: ARG002
        """The plugins of a configuration. Raises ConfigError."""
        check_handlers(config, before)
        return before
