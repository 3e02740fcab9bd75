"""Where the daemon of a house has its configuration and plugins from, each time that they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd.config import load
from ctportd.site import check_handlers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins


class HouseSource:
    """The configuration's file of a house, whose ctserver runs already, and is not the daemon's own to start.

    Args:
        path: The file.
        load: Loads the plugins of a configuration.
    """

    def __init__(self, path: Path, load: Callable[[Config], Plugins]) -> None:
        self._path = path
        self._load = load

    def config(self) -> Config:
        """The configuration as its file says it now. Raises ConfigError."""
        config = load(self._path)
        beside = [msgspec.structs.replace(table, mode="remote") for table in config.file.ctserver]
        return msgspec.structs.replace(config, file=msgspec.structs.replace(config.file, ctserver=beside))

    def plugins(self, config: Config, before: Plugins, anew: frozenset[str]) -> Plugins:  # noqa: ARG002
        """The plugins of a configuration. Raises ConfigError."""
        check_handlers(config, before)
        return before
