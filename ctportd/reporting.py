"""The daemon's status, put together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import LinkError
from ctportd.fates import Fates
from ctportd.status import CallStatus, CtserverStatus, PluginStatus, PortStatus, Status

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.daemon import Daemon
    from ctportd.hooks.hosted import Hosted
    from ctportd.links.port import Port
    from ctportd.listeners import PortListener
    from ctportd.servers import Server


async def status_of(daemon: Daemon, pid: int, version: str) -> Status:
    """Everything that ``ctportd status`` shows."""
    return Status(
        state=daemon.phase,
        pid=pid,
        version=version,
        started_at=daemon.started_at,
        config=daemon.config.source,
        ctserver=[await _ctserver(server) for server in daemon.servers],
        ports=[
            _port(daemon, port, listener) for server in daemon.servers for port, listener in server.ports.items()
        ],
        plugins=_plugins(daemon),
        tasks=len(asyncio.all_tasks()),
        unwritten_calls=len(daemon.store.waiting),
        unlisted_messages=len(daemon.messages.unlisted),
        mail=daemon.mail.status,
    )


async def _ctserver(server: Server) -> CtserverStatus:
    version = ""
    if server.manager is not None and server.manager.connected:
        try:
            version = await server.manager.server_version()
        except LinkError as error:
            version = f"unknown ({error})"
    supervisor = server.supervisor
    return CtserverStatus(
        name=server.name,
        mode=server.table.mode,
        pid=supervisor.pid if supervisor else None,
        version=version,
        starts=supervisor.starts if supervisor else 0,
        requests=server.manager.fates if server.manager else Fates(),
        missed=server.heartbeat.missed if server.heartbeat else 0,
        adopted=supervisor.adopted if supervisor else False,
    )


def _port(daemon: Daemon, port: Port, listener: PortListener) -> PortStatus:
    call = daemon.router.call_on(port)
    draining = daemon.router.drained.covers(port.address)
    idle = daemon.router.trouble_of(port) or ("draining" if draining else "idle")
    return PortStatus(
        address=port.address,
        number=port.number,
        name=port.name,
        kind=port.kind,
        state=(idle if call is None else _call_state(call)) if port.connected else "disconnected",
        handlers=daemon.router.handlers_of(port),
        strays=listener.strays,
        call=None if call is None else _call(call),
        requests=port.fates,
        draining=draining,
    )


def _call(call: Call) -> CallStatus:
    return CallStatus(call.id, _call_state(call), call.began, call.caller.number, call.caller.name, call.outgoing)


def _call_state(call: Call) -> str:
    if call.ended:
        return "ending"
    if call.answered:
        return "answered"
    return "calling" if call.outgoing else "ringing"


def _plugins(daemon: Daemon) -> list[PluginStatus]:
    loaded = [_plugin(hosted) for hosted in daemon.dispatcher.hosted.values()]
    failed = [
        PluginStatus(name=name, state="failed", hooks=[], error=str(error))
        for name, error in daemon.plugins.failed.items()
    ]
    return sorted([*loaded, *failed], key=lambda plugin: plugin.name)


def _plugin(hosted: Hosted) -> PluginStatus:
    until = hosted.out_until
    return PluginStatus(
        name=hosted.plugin.name,
        state="loaded" if until is None else "quarantined",
        hooks=sorted(hosted.plugin.hooks),
        waiting=hosted.waiting,
        lost=hosted.lost,
        skipped=hosted.skipped,
        tasks=len(hosted.tasks),
        faults=hosted.faults,
        last_fault=hosted.last_fault,
        until=until,
    )
