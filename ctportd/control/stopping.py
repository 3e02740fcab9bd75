"""Stops a running daemon and waits until it is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import ControlError
from ctportd.processes import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.control.client import ControlClient

LONGEST_STOP = 30.0
"""Seconds beyond those that calls get; a daemon stops within 10 of them (our figure)."""

_POLL = 0.05  # seconds between two looks at whether the process is there


def _nobody(_what: str) -> None:
    """Nobody wants to know what is waited for."""


async def stop_and_wait(
    control: ControlClient, *, now: bool = False, patience: float = 0.0, tell: Callable[[str], None] = _nobody
) -> None:
    """Stop the daemon; returns when its process is gone.

    Args:
        control: Leads to the daemon.
        now: End the calls under way at once.
        patience: Seconds that the daemon gives to calls under way.
        tell: Is told what is waited for, where it may take longer than a moment.

    Raises:
        ControlError: None runs, or it does not stop.
    """
    status = await control.status()
    calls = sum(port.call is not None for port in status.ports)
    await control.stop(now=now)
    if calls and patience and not now:
        what = "1 call" if calls == 1 else f"{calls} calls"
        tell(f"waiting for {what} to end, up to {patience:g} s; `ctportd stop --now` ends them at once")
    longest = patience + LONGEST_STOP
    try:
        async with asyncio.timeout(longest):
            while runs(status.pid):  # noqa: ASYNC110 - another process's end gives no event to wait for
                await asyncio.sleep(_POLL)
    except TimeoutError as error:
        raise ControlError(
            f"ctportd (pid {status.pid}) has not stopped within {longest:g} s; see its log"
        ) from error
