"""The daemon's status, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.errors import LinkError
from ctportd.status import CallStatus, CtserverStatus, PluginStatus, PortStatus, Status

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.daemon import Daemon


async def status_of(daemon: Daemon, pid: int, version: str) -> Status:
    """Everything that ``ctportd status`` shows."""
    return Status(
        state=daemon.phase,
        pid=pid,
        version=version,
        started_at=daemon.started_at,
        config=daemon.config.source,
        ctserver=[await _ctserver(daemon)],
        ports=[_port(daemon, number) for number in daemon.ports],
        plugins=_plugins(daemon),
    )


async def _ctserver(daemon: Daemon) -> CtserverStatus:
    version = ""
    if daemon.manager.connected:
        try:
            version = await daemon.manager.server_version()
        except LinkError as error:
            version = f"unknown ({error})"
    supervisor = daemon.supervisor
    return CtserverStatus(
        name=daemon.server.name,
        mode=daemon.server.mode,
        pid=supervisor.pid if supervisor else None,
        version=version,
        starts=supervisor.starts if supervisor else 0,
    )


def _port(daemon: Daemon, number: int) -> PortStatus:
    port = daemon.ports[number]
    call = daemon.router.call_on(number)
    state = "idle" if call is None else _call_state(call)
    return PortStatus(
        number=number,
        name=port.name,
        kind=port.kind,
        state=state if port.connected else "disconnected",
        handlers=daemon.router.handlers_of(number),
        strays=daemon.listeners[number].strays,
        call=None if call is None else _call(call),
    )


def _call(call: Call) -> CallStatus:
    return CallStatus(call.id, _call_state(call), call.began, call.caller.number, call.caller.name)


def _call_state(call: Call) -> str:
    if call.ended:
        return "ending"
    return "answered" if call.answered else "ringing"


def _plugins(daemon: Daemon) -> list[PluginStatus]:
    loaded = [
        PluginStatus(
            name=name,
            state="loaded",
            hooks=sorted(hosted.plugin.hooks),
            waiting=hosted.waiting,
            lost=hosted.lost,
            faults=hosted.faults,
        )
        for name, hosted in daemon.dispatcher.hosted.items()
    ]
    failed = [
        PluginStatus(name=name, state="failed", hooks=[], error=str(error))
        for name, error in daemon.plugins.failed.items()
    ]
    return sorted([*loaded, *failed], key=lambda plugin: plugin.name)
