"""The commands that plugins add to the command line."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Protocol

import click

from ctportd.hooks.results import told
from ctportd.hooks.services import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from ctportd.hooks.loader import Plugin


class RunningSite(Site, Protocol):
    """A site that runs what is ``async def``."""

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something to its end, and close the store."""


def plugin_commands(plugins: Iterable[Plugin], site: RunningSite) -> dict[str, click.Command]:
    """Every command that a plugin registers, by name. A plugin that fails at it is told of, and left out.

    Args:
        plugins: The plugins.
        site: What they are given as ``site``.
    """
    commands: dict[str, click.Command] = {}
    for plugin in plugins:
        try:
            commands |= _commands_of(plugin, site)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - what one raises must not cost the others' commands
            problem = f"register_commands failed: {told(error)}"
            click.echo(f"ctportd: plugin {plugin.name}: {problem}", err=True)
    return commands


def _commands_of(plugin: Plugin, site: RunningSite) -> dict[str, click.Command]:
    implementation = plugin.hooks.get("register_commands")
    if implementation is None:
        return {}
    if inspect.iscoroutinefunction(implementation.function):
        raise TypeError("it is async def, and nothing waits for it here")
    group = click.Group()
    shared = {"cli": group, "settings": plugin.settings, "site": site}
    implementation.function(*[shared[name] for name in implementation.argnames])
    _wait_for(group, site)
    return dict(group.commands)


def _wait_for(command: click.Command, site: RunningSite) -> None:
    """Let a command, and all below it, be ``async def``."""
    if command.callback is not None:
        command.callback = _waiting(command.callback, site)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _wait_for(below, site)


def _waiting(callback: Callable[..., Any], site: RunningSite) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        result = callback(*args, **kwargs)
        return site.run(result) if inspect.iscoroutine(result) else result

    return run
