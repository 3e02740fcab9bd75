"""Stops a running daemon and waits until it is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import ControlError
from ctportd.processes import runs

if TYPE_CHECKING:
    from ctportd.control.client import ControlClient

LONGEST_STOP = 30.0
"""Seconds; a daemon stops within 10 of them unless its configuration gives calls longer (our figure)."""

_POLL = 0.05  # seconds between two looks at whether the process is there


async def stop_and_wait(control: ControlClient) -> None:
    """Stop the daemon; returns when its process is gone.

    Raises:
        ControlError: None runs, or it does not stop.
    """
    pid = (await control.status()).pid
    await control.stop()
    try:
        async with asyncio.timeout(LONGEST_STOP):
            while runs(pid):  # noqa: ASYNC110 - another process's end gives no event to wait for
                await asyncio.sleep(_POLL)
    except TimeoutError as error:
        raise ControlError(
            f"ctportd (pid {pid}) has not stopped within {LONGEST_STOP:g} s; see its log"
        ) from error
