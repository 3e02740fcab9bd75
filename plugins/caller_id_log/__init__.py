"""Logs every call: when it came, on which port, from whom, what was thought of that, when it was answered, how it ended.

``ctportd calls`` shows the log, ``ctportd stats`` counts it, and a letter each Monday tells of the week before.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from ctportd import INCOMING, MAIL_ADDRESS, OUTGOING, CallRecord, Problem, hookimpl, region_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

    from ctportd import Call, Daemon, Site


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.caller_id_log]``.

    Attributes:
        regions: Whether to log where a number is from, such as ``New York, NY``: the world's area codes take 100 MB of
            memory.
        report_to: Addresses to which the statistics of the week before are mailed each Monday.
    """

    regions: bool = False
    report_to: list[Annotated[str, Meta(pattern=MAIL_ADDRESS)]] = []


_tasks: set[asyncio.Task[None]] = set()  # which nobody else holds


@hookimpl
def daemon_started(settings: Settings, daemon: Daemon) -> None:
    """Begin to look whether a report is due, if anybody wants one."""
    if settings.report_to:
        from .report import report_weekly  # noqa: PLC0415 - charts, which few daemons draw

        task = asyncio.create_task(report_weekly(settings.report_to, daemon), name="report of calls")
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


@hookimpl
def plugin_retiring() -> None:
    """Leave the report to the newer one: nobody wants it twice."""
    for task in _tasks:
        task.cancel()


@hookimpl
async def call_started(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Begin the record: a call that nobody answers is logged too."""
    await _log(call, settings, daemon)


@hookimpl
async def call_answered(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Note when it was answered."""
    await _log(call, settings, daemon)


@hookimpl
async def call_ended(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Note when and how it ended."""
    await _log(call, settings, daemon)


@hookimpl
def register_commands(cli: click.Group, site: Site) -> None:
    """Add ``ctportd stats``."""
    from .commands import stats  # noqa: PLC0415 - a daemon needs none of it

    cli.add_command(stats(site))


@hookimpl
def check_settings(settings: Settings, site: Site) -> Iterator[Problem]:
    """Tell of reports that could not be sent."""
    if settings.report_to and not site.mails:
        what = "asks for mail, but [mail] host is not set: nothing would be sent"
        yield Problem("[plugins.caller_id_log] report_to", what)


async def _log(call: Call, settings: Settings, daemon: Daemon) -> None:
    number = daemon.numbers.of(call.caller.number)
    region = await asyncio.to_thread(region_of, number.e164) if settings.regions and number.country else ""
    await daemon.store.save_call(
        CallRecord(
            id=call.id,
            port=call.port.address,
            began=call.began,
            number=call.caller.number,
            name=call.caller.name,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
            end_reason=call.end_reason,
            e164=number.e164,
            country=number.country,
            region=region,
            verdict=call.verdict.kind if call.verdict.by else "",
            rule=call.verdict.rule,
            direction=OUTGOING if call.outgoing else INCOMING,
        )
    )
