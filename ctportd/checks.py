"""``ctportd check``: what can be known to be wrong before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.calls.files import SHIPPED
from ctportd.daemon import load_configured_plugins
from ctportd.errors import ConfigError

if TYPE_CHECKING:
    from ctportd.config import Config


def check_configuration(config: Config) -> str:
    """Load everything that a run would load; returns what is well, as a few words.

    Raises:
        ConfigError: The configuration, or a plugin of it, would not do.
    """
    plugins = load_configured_plugins(config)
    for error in plugins.failed.values():
        raise ConfigError(str(error)) from error
    check_folders(config)
    ports, loaded = len(config.file.port), len(plugins.loaded)
    return (
        f"{config.source}: good: {_count(ports, 'port')}, {_count(loaded, 'plugin')} ({', '.join(plugins.loaded)})"
    )


def check_folders(config: Config) -> None:
    """Folders whose files ctserver is to play or to write: its protocol cannot carry a space in a path.

    Raises:
        ConfigError: One has a space in its path.
    """
    folders = {
        "[daemon] state": config.state,
        "[plugins] directory": Path(config.file.plugins.directory).absolute(),
        "the prompts of ctportd": SHIPPED,
    }
    for what, folder in folders.items():
        if " " in str(folder):
            problem = f"found {str(folder)!r}, which has a space in it: ctserver's protocol cannot carry one"
            raise ConfigError(f"{config.source}: {what}: {problem}; move it to a folder without")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
