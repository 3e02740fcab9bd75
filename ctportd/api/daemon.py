"""The daemon as a whole."""

from __future__ import annotations

import asyncio
import os
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from ctportd.control.routes import Routes
from ctportd.reporting import status_of
from ctportd.rotating import rotate_logs
from ctportd.status import Rotated, Status

if TYPE_CHECKING:
    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()


class StopBody(msgspec.Struct, forbid_unknown_fields=True):
    """How to stop. ``now``: the calls under way are ended at once."""

    now: bool = False


class Stopping(msgspec.Struct, frozen=True):
    """What the daemon does from now on."""

    state: str = "stopping"


@routes.add("GET", "/v1/status", Status)
async def status(daemon: Daemon, _parameters: Nothing, _body: Nothing) -> Status:
    """What the daemon is and does: its ctservers, ports, calls and plugins."""
    return await status_of(daemon, os.getpid(), await asyncio.to_thread(version, "ctportd"))


@routes.add("POST", "/v1/stop", Stopping, body=StopBody)
async def stop(daemon: Daemon, _parameters: Nothing, body: StopBody) -> Stopping:
    """Begin to stop, with some time for the calls under way; answers at once."""
    if body.now:
        daemon.stop_now()
    else:
        daemon.stop()
    return Stopping()


@routes.add("POST", "/v1/rotate", Rotated)
async def rotate(daemon: Daemon, _parameters: Nothing, _body: Nothing) -> Rotated:
    """Roll our own log, and have every ctserver roll its own."""
    return await rotate_logs(daemon)
