"""The commands that plugins add to the command line."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctportd.hooks.loader import load_plugins
from ctportd.hooks.results import told

if TYPE_CHECKING:
    from ctportd.config import Config
    from ctportd.hooks.loader import Plugin


def plugin_commands(config: Config) -> dict[str, click.Command]:
    """Every command that a plugin registers, by name. A plugin that fails at it is told of, and left out."""
    plugins = load_plugins(Path(config.file.plugins.directory), config.plugins, config.source)
    commands: dict[str, click.Command] = {}
    for plugin in plugins.loaded.values():
        try:
            commands |= _commands_of(plugin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - what one raises must not cost the others' commands
            problem = f"register_commands failed: {told(error)}"
            click.echo(f"ctportd: plugin {plugin.name}: {problem}", err=True)
    return commands


def _commands_of(plugin: Plugin) -> dict[str, click.Command]:
    implementation = plugin.hooks.get("register_commands")
    if implementation is None:
        return {}
    if inspect.iscoroutinefunction(implementation.function):
        raise TypeError("it is async def, and nothing waits for it here")
    group = click.Group()
    shared = {"cli": group, "settings": plugin.settings}
    implementation.function(*[shared[name] for name in implementation.argnames])
    return dict(group.commands)
