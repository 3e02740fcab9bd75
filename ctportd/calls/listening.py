"""Hears whether a line has dial tone, before somebody has to dial on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ctportd.errors import CallEnded, CtportdError

if TYPE_CHECKING:
    from ctportd.calls.line import Line

log = structlog.stdlib.get_logger("ctportd.calls")


async def listen_for_dial_tone(line: Line, every: float) -> None:
    """Listen each so many seconds of the line, until cancelled; what is heard is told by the line's health."""
    while True:
        await line.clock.sleep(every)
        if not line.closed and not line.draining and line.port.connected:
            await _listen(line)


async def _listen(line: Line) -> None:
    """Take the line off hook for a moment, if nothing is on it. A caller who comes meanwhile goes first."""
    call = line.lend(line)
    if call is None:
        return
    try:
        await call.answer()
        await call.wait_dial_tone()
    except CallEnded:
        return
    except CtportdError as error:  # a line that cannot be heard must not end the daemon
        log.info("no dial tone is heard", port=str(line.port), error=str(error))
    finally:
        call.end("finished", grace=0.0)
        await call.left.wait()
