"""The configuration: what it says, and having it loaded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.config import effective
from ctportd.control.routes import Routes
from ctportd.errors import ConfigError, ControlError
from ctportd.status import Reloaded

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


@routes.add("GET", "/v1/config", dict[str, Any])
async def config(daemon: Daemon, _parameters: Nothing, _body: Nothing) -> dict[str, Any]:
    """Every key of the configuration that is in force, secrets masked; keys that wait for a start are as they were."""
    return effective(daemon.config)


class ReloadBody(msgspec.Struct, forbid_unknown_fields=True):
    """How to load anew.

    Attributes:
        plugins: The names of plugins that are loaded anew though nothing of theirs has changed.
    """

    plugins: list[str] = []


@routes.add("POST", "/v1/reload", Reloaded, body=ReloadBody, problems=(ConfigError, ControlError))
async def reload(daemon: Daemon, _parameters: Nothing, body: ReloadBody) -> Reloaded:
    """Load the configuration and the plugins that have changed, all or nothing; calls under way end as they began."""
    return await daemon.reload(body.plugins)
