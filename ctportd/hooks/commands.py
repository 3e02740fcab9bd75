"""The commands that plugins add to the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctportd.hooks.loader import load_plugins

if TYPE_CHECKING:
    from ctportd.config import Config


def plugin_commands(config: Config) -> dict[str, click.Command]:
    """Every command that a plugin registers, by name. A plugin that fails at it is told of, and left out."""
    plugins = load_plugins(Path(config.file.plugins.directory), config.plugins, config.source)
    commands: dict[str, click.Command] = {}
    for plugin in plugins.loaded.values():
        implementation = plugin.hooks.get("register_commands")
        if implementation is None:
            continue
        group = click.Group()
        shared = {"cli": group, "settings": plugin.settings}
        try:
            implementation.function(*[shared[name] for name in implementation.argnames])
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises must not cost the others' commands
            click.echo(f"ctportd: plugin {plugin.name}: register_commands failed: {error}", err=True)
        else:
            commands |= group.commands
    return commands
