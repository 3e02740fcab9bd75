"""The logs rolled: our own, and that of every ctserver."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from ctportd.errors import LinkError
from ctportd.status import Rotated

if TYPE_CHECKING:
    from ctportd.daemon import Daemon
    from ctportd.logfile import Rolled
    from ctportd.servers import Server

log = structlog.stdlib.get_logger("ctportd")


async def rotate_logs(daemon: Daemon) -> Rotated:
    """Roll our own log, and have every ctserver roll its own. What cannot be done is told, and stops nothing."""
    file = daemon.log_file
    rolled = None
    if file is not None:
        rolled = await asyncio.to_thread(file.rotate, daemon.clock.now().astimezone())
    answers = {server.name: await _roll(server) for server in daemon.servers}
    if rolled is None:
        return Rotated("", answers)
    tell_rolled(rolled)
    return Rotated(
        log=str(rolled.old or ""),
        ctserver=answers,
        moved=rolled.moved,
        compressed=[str(path) for path in rolled.compressed],
        removed=[str(path) for path in rolled.removed],
        problems=rolled.problems,
        file=str(file.path) if file is not None else "",
    )


def tell_rolled(rolled: Rolled) -> None:
    """Have the log tell what a rotation came to."""
    if rolled.old is not None:
        log.info(
            "log rotated",
            old=str(rolled.old),
            compressed=[path.name for path in rolled.compressed],
            removed=[path.name for path in rolled.removed],
        )
    if rolled.moved:
        log.info("another program has moved the log away, and a new one is written")
    for problem in rolled.problems:
        log.error("the log is not rotated as it should be", problem=problem)


async def _roll(server: Server) -> str:
    if server.manager is None:
        return "its dialect has no request for it"
    try:
        await server.manager.roll_log()
    except LinkError as error:
        log.warning("ctserver did not roll its log", ctserver=server.name, error=str(error))
        return str(error)
    return "rolled"
