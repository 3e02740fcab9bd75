"""Logs every call: when it came, on which port, from whom, when it was answered and how it ended.

``ctportd calls`` shows the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import CallRecord, hookimpl

if TYPE_CHECKING:
    from ctportd import Call, Daemon


@hookimpl
async def call_started(call: Call, daemon: Daemon) -> None:
    """Begin the record: a call that nobody answers is logged too."""
    await _log(call, daemon)


@hookimpl
async def call_answered(call: Call, daemon: Daemon) -> None:
    """Note when it was answered."""
    await _log(call, daemon)


@hookimpl
async def call_ended(call: Call, daemon: Daemon) -> None:
    """Note when and how it ended."""
    await _log(call, daemon)


async def _log(call: Call, daemon: Daemon) -> None:
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
        )
    )
