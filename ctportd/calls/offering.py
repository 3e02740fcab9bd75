"""A call is offered to one plugin after the other, until one is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ctportd.errors import CallEnded, CtportdError, LinkError, PluginError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ctportd.calls.call import Call

    Give = Callable[[Call, str], Awaitable[None]]

APOLOGY = "error"
"""The prompt that a caller hears whose plugin has failed."""

log = structlog.stdlib.get_logger("ctportd.calls")


async def offer(call: Call, handlers: Sequence[str], give: Give) -> None:
    """Offer the call to one plugin after the other, until one is done with it; ``give`` lets one have it.

    One that fails, or passes it on, has let the call pass, though it be answered already: the caller is still there.
    """
    passed = False
    for handler in handlers:
        call.taken = call.passed_on = False
        call.note("offered", handler=handler)
        if not await _goes_well(call, handler, give):
            passed = True
        elif call.passed_on:
            passed = True
            call.note("passed", handler=handler)
        elif call.taken or (call.answered and not passed):  # a set that was lifted is answered from the beginning
            await hang_up(call)
            return
        else:
            call.note("passed", handler=handler)
    if call.answered:
        await _apologise(call)
    call.note("nobody answers")
    log.info("nobody answers this call", handlers=handlers)
    await call.wait_ended()


async def _goes_well(call: Call, handler: str, give: Give) -> bool:
    """Let one plugin have the call; returns whether it came to its own end, and did not fail."""
    try:
        await give(call, handler)
    except CallEnded:
        raise
    except PluginError as error:
        call.note("failed", handler=handler, error=str(error))
        log.error("a plugin cannot have the call", handler=handler, error=str(error))  # noqa: TRY400 - it says all
    except LinkError as error:
        call.note("failed", handler=handler, error=str(error))
        log.warning("ctserver failed a plugin", handler=handler, error=str(error))
        if not call.port.connected:
            call.end("disconnected")
            raise CallEnded(call.end_reason) from error
    except Exception as error:
        call.note("failed", handler=handler, error=type(error).__name__)  # its text may hold anything: a PIN
        log.exception("a plugin failed on a call", handler=handler)
    else:
        return True
    return False


async def hang_up(call: Call) -> None:
    """Hang up; a call that cannot be is over all the same."""
    try:
        await call.hangup()
    except LinkError as error:
        log.warning("the call could not be hung up", error=str(error))
        call.end("failed" if call.port.connected else "disconnected")


async def _apologise(call: Call) -> None:
    """A caller whose plugin failed hears so; the line is never left off hook."""
    try:
        await call.play(APOLOGY, ignore_keys=True)
    except CtportdError as error:
        log.warning("cannot apologise to the caller", error=str(error))
    call.end("failed")
    call.check()
