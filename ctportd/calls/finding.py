"""Who calls: what the exchange says of a caller, and what the plugins know and think."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.calls.caller import Caller
from ctportd.calls.routing import judge
from ctportd.errors import CallEnded, LinkError

if TYPE_CHECKING:
    from ctportd.calls.call import Call
    from ctportd.calls.routing import Handlers
    from ctportd.calls.verdict import Verdict

CID_WAIT = 3.0
"""Seconds of the line to wait for the ``cid`` event after it was asked for (our figure: decoding takes no time)."""

log = structlog.stdlib.get_logger("ctportd.calls")


async def find_caller(call: Call, handlers: Handlers, *, ask_line: bool) -> None:
    """Find out all that there is to know, before anybody is told of the call.

    Args:
        call: It rings, or its set was lifted.
        handlers: The plugins.
        ask_line: Whether the exchange sends caller ID.
    """
    if ask_line:
        with suppress(CallEnded):
            await _read_caller_id(call)
    await _judge_caller(call, handlers)


async def _read_caller_id(call: Call) -> None:
    """Caller ID comes between the first and the second ring: listen after the one, read after the other."""
    try:
        await call.port.listen_for_cid()
        await call.wait_rings(2)
        await call.port.read_cid()
        async with call.clock.timeout(CID_WAIT):
            await call.wait_caller()
    except TimeoutError:
        call.note("no caller ID")
        log.info("no caller ID came")
    except LinkError as error:
        log.warning("cannot read caller ID", error=str(error))


async def _judge_caller(call: Call, handlers: Handlers) -> None:
    """What the plugins think of the caller is known before anybody is asked to answer."""
    call.verdict, caller = await judge(handlers, call.caller, call.port.address, call.began)
    call.note("verdict", **{key: said for key, said in msgspec.structs.asdict(call.verdict).items() if said})
    if caller != call.caller:
        call.identify(caller)


async def name_called(call: Call, number: str, handlers: Handlers) -> None:
    """Who is called stands in the caller's place: by this number, and by the name that a plugin knows."""
    name = await handlers.caller_name(number, "") if number else ""
    call.identify(Caller(number, name))


def judged(verdict: Verdict) -> dict[str, str]:
    """What the log tells of a verdict."""
    return {"verdict": verdict.kind, "rule": verdict.rule, "by": verdict.by} if verdict.by else {}
