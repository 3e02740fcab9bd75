"""Answers with menus: callers press keys, dial extensions or names; the hours decide which menu they hear.

All of it is in the configuration, under ``[plugins.auto_attendant]``; docs/attendant.md tells how. What a key leads to
is written as

- ``menu:NAME``: another menu; ``back``, ``top``, ``repeat``: the one before, the first, the same;
- ``transfer:NUMBER``: a hook flash, and the number; ``station:PORT``: the telephone set on a port;
- ``names``: dialling by name; ``play:PROMPT``: a prompt; ``language:NAME``: another language;
- ``override:HOURS``: setting hours aside; ``hangup``: good-bye; ``exit``: out of the menus;
- ``PLUGIN`` or ``PLUGIN:TARGET``: another plugin, such as ``voicemail:100``; the menu comes again when that is done.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from ctportd import hookimpl, no_such

from .calendars import Calendars
from .explaining import Explainer
from .leading import Leader
from .settings import Settings

if TYPE_CHECKING:
    import click

    from ctportd import Call, Daemon, Explanation, Inquiry, Problem, Site

__all__ = ["Settings"]

log = structlog.get_logger("auto_attendant")

calendars = Calendars()
"""Files, as they were read last: the same for whoever asks."""


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings, daemon: Daemon) -> None:
    """Lead the caller through the menus, from ``target`` or from the first one."""
    problem = check_target(target, settings)
    if problem:
        log.error("the call cannot be taken", problem=problem)
        return
    await call.answer()
    await Leader(call, settings, daemon, calendars).lead(target or settings.menu)


@hookimpl
def check_target(target: str, settings: Settings) -> str | None:
    """Whether there is such a menu."""
    name = target or settings.menu
    return None if name in settings.menus else no_such("menu", name, settings.menus)


@hookimpl
def takes_all(target: str, settings: Settings) -> bool:
    """A menu answers everybody."""
    return (target or settings.menu) in settings.menus


@hookimpl
async def explain_call(inquiry: Inquiry, target: str, settings: Settings, site: Site) -> Explanation:
    """Tell of the hours, the menu, and the way that the keys lead."""
    return await Explainer(inquiry, settings, site, calendars).explain(target or settings.menu)


@hookimpl
async def check_settings(settings: Settings, site: Site) -> list[Problem]:
    """Look through the menus, without the event loop: it takes files."""
    from .lint import problems  # noqa: PLC0415 - a daemon that runs needs none of it

    return await asyncio.to_thread(lambda: list(problems(settings, site)))


@hookimpl
def register_commands(cli: click.Group, settings: Settings, site: Site) -> None:
    """Add ``ctportd attendant``."""
    from .commands import attendant_command  # noqa: PLC0415 - as above

    cli.add_command(attendant_command(settings, site, calendars))
