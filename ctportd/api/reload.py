"""The configuration: loaded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ctportd.control.routes import Routes
from ctportd.status import Reloaded

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


class ReloadBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which plugins are loaded anew though nothing of theirs has changed."""

    plugins: list[str] = []


@routes.add("POST", "/v1/reload", Reloaded, body=ReloadBody)
async def reload(daemon: Daemon, _parameters: Nothing, body: ReloadBody) -> Reloaded:
    """Load the configuration and the plugins that have changed, all or nothing; calls under way end as they began."""
    return await daemon.reload(body.plugins)
