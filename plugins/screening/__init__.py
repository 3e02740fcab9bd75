"""Judges callers, and does something about those who are not wanted.

Lists of callers to allow and to block, by number, name, wildcards or regular expressions, stand in the configuration, in
files, and in the store, where ``ctportd callers`` and the owner's telephone put them. What they come to is
``call.verdict`` for every plugin; name ``screening`` first in a port's ``handlers`` to have it acted upon.
``screening:control`` is for the owner, by telephone. docs/screening.md tells all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import hookimpl

from .acting import act
from .actions import action_of
from .control import CONTROL, control
from .explaining import explain
from .lint import problems
from .service import screening_of
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import click

    from ctportd import Call, Caller, Daemon, Explanation, Inquiry, Problem, Site, Verdict

__all__ = ["Settings"]


@hookimpl
async def daemon_started(settings: Settings, daemon: Daemon) -> None:
    """Read the lists before the first call comes."""
    await screening_of(settings, daemon).sources.refresh()


@hookimpl
async def screen_caller(caller: Caller, port: str, at: datetime, settings: Settings, site: Site) -> Verdict:
    """Judge a caller by the lists of now."""
    return (await screening_of(settings, site).judge_call(caller, port, at)).verdict


@hookimpl
async def call_started(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Remember what the verdict was about, now that there is a call."""
    await screening_of(settings, daemon).began(call)


@hookimpl
async def caller_name(number: str, name: str, settings: Settings, site: Site) -> str:
    """The alias of a caller, or the name that stands beside the number on a list."""
    return await screening_of(settings, site).name_of(number, name)


@hookimpl
async def number_dialled(call: Call, number: str, settings: Settings, daemon: Daemon) -> None:
    """Whom we call may call back."""
    await screening_of(settings, daemon).dialled(call, number)


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings, daemon: Daemon) -> None:
    """Act upon the verdict: callers who are let through are not even answered."""
    screening = screening_of(settings, daemon)
    if target == CONTROL:
        await control(call, screening, daemon)
    else:
        await act(call, action_of(call.verdict), screening)


@hookimpl
def check_target(target: str, settings: Settings) -> str | None:
    """Only ``control`` is known, and wants a PIN."""
    if target not in ("", CONTROL):
        return f"there is no screening:{target}, only screening and screening:{CONTROL}"
    if target == CONTROL and not settings.pin:
        return f"screening:{CONTROL} lets nobody in without [plugins.screening] pin"
    return None


@hookimpl
def takes_all(target: str) -> bool:
    """Whether handlers behind it are in vain."""
    return target == CONTROL


@hookimpl
async def explain_call(inquiry: Inquiry, target: str, settings: Settings, site: Site) -> Explanation:
    """What would be done with a caller."""
    return await explain(inquiry, target, settings, site)


@hookimpl
def check_settings(settings: Settings, site: Site) -> Iterable[Problem]:
    """What is probably not meant."""
    return problems(settings, site)


@hookimpl
def register_commands(cli: click.Group, settings: Settings, site: Site) -> None:
    """Add ``ctportd callers``."""
    from .commands import callers  # noqa: PLC0415 - a daemon needs none of it

    cli.add_command(callers(settings, site))
