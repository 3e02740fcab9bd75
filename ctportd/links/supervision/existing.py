"""A ctserver that was found running: whether it may be used, its end, its replacement."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import psutil
import structlog

from ctportd.errors import ServerError
from ctportd.links.supervision.asking import answers
from ctportd.processes import HeldProcess

if TYPE_CHECKING:
    from ctportd.links.supervision.search import Found, Search

REPLACE_TIMEOUT = 5.0
"""Seconds that a ctserver that is replaced gets to end in order, and then its TCP ports to be free."""

_LOOK_EVERY = 0.1  # seconds; nothing tells of a TCP port that is opened or closed
_UNSEEN_LOOK_EVERY = 2.0  # seconds; for as long as ctserver runs, so not as often

log = structlog.stdlib.get_logger("ctportd.supervisor")


async def find(name: str, search: Search, patience: float) -> Found | None:
    """Look for a ctserver that runs already.

    One that listens nowhere yet, and one that is being ended, are waited for: what comes of it is what counts.

    Args:
        name: The server's name in the configuration.
        search: What to look for.
        patience: Seconds after which such a one is waited for no longer.

    Raises:
        ServerError: A TCP port is taken by a stranger, who is neither to be used nor to be ended.
    """
    deadline = asyncio.get_running_loop().time() + patience
    told = False
    while True:
        try:
            found = await asyncio.to_thread(search.look)
        except (OSError, psutil.Error) as error:  # if one is there, ours will tell that its TCP ports are taken
            log.warning("cannot look for another ctserver", ctserver=name, error=str(error))
            return None
        await _refuse_strangers(name, search, found)
        first = found[0] if found else None
        if first is None or (first.ports and not first.ending):
            return first
        if asyncio.get_running_loop().time() >= deadline:
            return None if first.ending else first
        if not told:
            doing = "ending" if first.ending else "starting"
            log.info("waiting for another ctserver", ctserver=name, process=str(first), how=first.how, doing=doing)
            told = True
        await _pause(first)


async def _refuse_strangers(name: str, search: Search, found: list[Found]) -> None:
    """A ctserver has a known name, or answers as one."""
    for one in found:
        if one.owner:
            problem = f"TCP port {min(one.ports)}: Address already in use by {one}, which ctportd {one.owner} runs"
            raise ServerError(f"ctserver {name}: {problem}: stop that ctportd, or use other ports in [[ctserver]]")
        if one.known or one.ending:
            continue
        port = search.manager_port
        if port is None or port not in one.ports or not await answers(search.host, port):
            problem = f"TCP port {min(one.ports)}: Address already in use by {one}, which is no ctserver"
            raise ServerError(f"ctserver {name}: {problem}: end it, or use other ports in [[ctserver]]")


async def _pause(found: Found) -> None:
    held = await hold(found.process) if found.process is not None else None
    if held is None:
        return
    with held, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_EVERY):
            await held.ended.wait()


async def hold(process: psutil.Process) -> HeldProcess | None:
    """Hold a process that was found; None: it has ended, and its pid may be another one's."""
    try:
        held = HeldProcess(process.pid)
    except ProcessLookupError:
        return None
    if not await asyncio.to_thread(process.is_running):  # which compares the times at which they began
        held.close()
        return None
    return held


async def wait_gone(search: Search, found: Found) -> None:
    """Wait until a ctserver that was found has ended."""
    if found.process is None:
        while await asyncio.to_thread(search.busy):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(_UNSEEN_LOOK_EVERY)
        return
    held = await hold(found.process)
    if held is not None:
        with held:
            await held.ended.wait()


async def tell_to_read(found: Found) -> None:
    """Have one of ours that was found read its configuration again."""
    held = await hold(found.process) if found.process is not None else None
    if held is not None:
        with held, contextlib.suppress(PermissionError):  # another user's keeps the ports that it has
            held.send(signal.SIGHUP)


async def replace(name: str, search: Search, found: Found) -> None:
    """End a ctserver that was found, and wait until its TCP ports are free.

    Raises:
        ServerError: It is another user's, or its ports do not get free.
    """
    log.warning("ending a ctserver that was running", ctserver=name, process=str(found), how=found.how)
    if found.process is None:
        raise ServerError(f"ctserver {name}: cannot end {found}, found {found.how}; end it by hand")
    held = await hold(found.process)
    if held is not None:
        with held:
            await _end(name, held)
    try:
        async with asyncio.timeout(REPLACE_TIMEOUT):
            while await asyncio.to_thread(search.busy):  # noqa: ASYNC110 - as above
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        problem = f"its TCP ports are not free {REPLACE_TIMEOUT:g} s after the end of {found}"
        raise ServerError(f"ctserver {name}: {problem}") from None


async def _end(name: str, held: HeldProcess) -> None:
    try:
        for which in (signal.SIGTERM, signal.SIGKILL):
            held.send(which)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPLACE_TIMEOUT):
                    await held.ended.wait()
    except PermissionError as error:
        problem = f"may not end process {held.pid}, which is another user's"
        raise ServerError(f"ctserver {name}: {problem}; end it by hand") from error
