"""The interface itself, and the configuration in force."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.checks import Checked, check_running
from ctportd.control.routes import Routes
from ctportd.errors import ConfigError
from ctportd.site import ConfiguredSite

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


class Served(msgspec.Struct, frozen=True):
    """One thing that can be asked.

    Attributes:
        method: ``GET`` or ``POST``.
        path: With its parameters in braces.
        summary: What it does.
    """

    method: str
    path: str
    summary: str


class Index(msgspec.Struct, frozen=True):
    """What there is.

    Attributes:
        api: The version of the interface, with which each path begins.
        version: That of ctportd.
        paths: What can be asked.
    """

    api: str
    version: str
    paths: list[Served]


@routes.add("GET", "/v1", Index)
async def index(_daemon: Daemon, _parameters: Nothing, _body: Nothing) -> Index:
    """What can be asked, and of which version of ctportd."""
    from ctportd.api import ROUTES  # noqa: PLC0415 - it is made of this module, too

    served = [Served(route.method, route.path, route.summary) for route in ROUTES]
    return Index("v1", await asyncio.to_thread(version, "ctportd"), served)


@routes.add("GET", "/v1/openapi.json", dict[str, Any])
async def openapi(_daemon: Daemon, _parameters: Nothing, _body: Nothing) -> dict[str, Any]:
    """This interface, described for programs in OpenAPI 3.1."""
    from ctportd.api import ROUTES  # noqa: PLC0415 - as above
    from ctportd.control.openapi import document  # noqa: PLC0415 - few ask for it

    return await asyncio.to_thread(document, ROUTES)


@routes.add("GET", "/v1/check", Checked, problems=(ConfigError,))
async def check(daemon: Daemon, _parameters: Nothing, _body: Nothing) -> Checked:
    """What ``ctportd check`` finds, of the configuration that is in force and the plugins that run.

    The configuration's file may have changed since: ``ctportd check`` looks at that.
    """
    async with ConfiguredSite(daemon.config, daemon.plugins) as site:
        return await check_running(site)
