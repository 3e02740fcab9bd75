"""The daemon's status, put together."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ctportd.errors import LinkError
from ctportd.fates import Fates
from ctportd.status import CallStatus, CtserverStatus, PluginStatus, PortStatus, Status

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.daemon import Daemon
    from ctportd.hooks.hosted import Hosted
    from ctportd.servers import Server, ServerPort


HOUR = 3600.0  # seconds


async def status_of(daemon: Daemon, pid: int, version: str) -> Status:
    """Everything that ``ctportd status`` shows."""
    return Status(
        state=daemon.phase,
        pid=pid,
        version=version,
        started_at=daemon.started_at,
        config=daemon.config.source,
        ctserver=[await _ctserver(server) for server in daemon.servers],
        ports=[_port(daemon, port) for server in daemon.servers for port in server.ports.values()],
        plugins=[plugin for plugin in plugins_of(daemon) if plugin.state != "not enabled"],
        tasks=len(asyncio.all_tasks()),
        unwritten_calls=len(daemon.store.waiting),
        unlisted_messages=len(daemon.messages.unlisted),
        mail=daemon.mail.status,
        cpu=round(time.process_time(), 3),
    )


def status_line(daemon: Daemon) -> str:
    """The same in one line, as ``systemctl status`` shows it."""
    all_ports = [served.port for server in daemon.servers for served in server.ports.values()]
    ports = f"{sum(port.connected for port in all_ports)} of {len(all_ports)} ports connected"
    calls = len(daemon.router.calls)
    return f"{daemon.phase}: {ports}, {calls} call{'' if calls == 1 else 's'}"


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
        leaving=server.leaving,
    )


def _port(daemon: Daemon, served: ServerPort) -> PortStatus:
    port = served.port
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
        strays=served.listener.strays,
        call=None if call is None else _call(call),
        requests=port.fates,
        draining=draining,
        leaving=served.leaving,
        events=served.listener.events,
        calls_last_hour=daemon.router.begun_within(port, HOUR),
    )


def _call(call: Call) -> CallStatus:
    return CallStatus(
        id=call.id,
        state=_call_state(call),
        began=call.began,
        number=call.caller.number,
        name=call.caller.name,
        handler=call.handler,
        answered_at=call.answered_at,
        outgoing=call.outgoing,
    )


def _call_state(call: Call) -> str:
    if call.ended:
        return "ending"
    if call.answered:
        return "answered"
    return "calling" if call.outgoing else "ringing"


def plugins_of(daemon: Daemon) -> list[PluginStatus]:
    """Every plugin, in the order of their names: those that run, those that cannot, and those that may not."""
    plugins = daemon.plugins
    loaded = [_plugin(daemon, hosted) for hosted in daemon.dispatcher.hosted.values()]
    failed = [
        PluginStatus(name, "failed", [], error=str(error), where=plugins.where.get(name, ""))
        for name, error in plugins.failed.items()
    ]
    disabled = [
        PluginStatus(name, "not enabled", [], where=plugins.where.get(name, "")) for name in plugins.disabled
    ]
    return sorted([*loaded, *failed, *disabled], key=lambda plugin: plugin.name)


def _plugin(daemon: Daemon, hosted: Hosted) -> PluginStatus:
    until = hosted.out_until
    name = hosted.plugin.name
    refusal = daemon.plugins.refused.get(name)
    return PluginStatus(
        name=name,
        state="loaded" if until is None else "quarantined",
        hooks=sorted(hosted.plugin.hooks),
        waiting=hosted.waiting,
        called=hosted.called,
        lost=hosted.lost,
        skipped=hosted.skipped,
        tasks=len(hosted.tasks),
        faults=hosted.faults,
        last_fault=hosted.last_fault,
        until=until,
        error="" if refusal is None else str(refusal.error),
        retiring=daemon.dispatcher.retiring(name),
        where=daemon.plugins.where.get(name, ""),
    )
