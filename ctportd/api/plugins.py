"""Plugins: which there are, how they fare, and which may run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from ctportd.config.editing import enable_plugin
from ctportd.control.routes import Routes
from ctportd.errors import ConfigError, ControlError, CtportdError, InvalidArgument
from ctportd.nearest import no_such
from ctportd.reporting import plugins_of
from ctportd.status import PluginStatus, Reloaded

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


class PluginParameters(msgspec.Struct, frozen=True):
    """Which plugin.

    Attributes:
        name: Its name.
    """

    name: str


class PluginBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be done with a plugin.

    Attributes:
        action: ``reload`` loads it anew though nothing of it has changed, ``enable`` has it run, ``disable`` has it not.
    """

    action: Literal["reload", "enable", "disable"]


@routes.add("GET", "/v1/plugins", list[PluginStatus])
async def plugins(daemon: Daemon, _parameters: Nothing, _body: Nothing) -> list[PluginStatus]:
    """Tell of every plugin, those that are not enabled too."""
    return plugins_of(daemon)


@routes.add(
    "POST",
    "/v1/plugins/{name}",
    Reloaded,
    parameters=PluginParameters,
    body=PluginBody,
    problems=(ConfigError, ControlError),
)
async def plugin(daemon: Daemon, parameters: PluginParameters, body: PluginBody) -> Reloaded:
    """Load a plugin anew, or have it run or not: that is put into the configuration's file, which is loaded anew."""
    name = parameters.name
    known = daemon.plugins.where
    if name not in known:
        raise InvalidArgument("plugins", "name", f"is {name}: {no_such('plugin', name, list(known))}")
    if body.action == "reload":
        return await daemon.reload([name])
    path, enabled = Path(daemon.config.source), body.action == "enable"
    async with daemon.editing:  # of two changes at once, neither is to undo the other
        edited = await asyncio.to_thread(enable_plugin, path, name, enabled=enabled)
        try:
            return await daemon.reload()
        except CtportdError:
            if edited is not None:
                await asyncio.to_thread(edited.take_back)
            raise
