"""One run of the server as a process: it says when it is ready, and ends when it is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from ctportd.ctserver.log import ServerLog
from ctportd.ctserver.server import Server
from ctportd.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.ctserver.settings import Settings

_ENDINGS = (signal.SIGTERM, signal.SIGINT)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM, SIGINT or the ``shutdown`` request; ``Started!`` is printed when all ports are open.

    Raises:
        ServerError: A setting is wrong, the log cannot be opened, or a TCP port cannot be had. It is printed,
            with ``Giving up`` after it.
    """
    try:
        log = await asyncio.to_thread(_open_log, settings)
        try:
            await _run(settings, log)
        finally:
            await asyncio.to_thread(log.close)
    except ServerError as error:
        _say(f"ctserver: {error}")
        _say("Giving up")
        raise


def _open_log(settings: Settings) -> ServerLog:
    try:
        return ServerLog(settings.log, settings.log_keeping)
    except OSError as error:
        raise ServerError(f"the log {settings.log} cannot be opened: {error.strerror or error}") from error


async def _run(settings: Settings, log: ServerLog) -> None:
    server = Server(settings, log)
    with _told_by_signals(server.services.stop):
        await server.open()
        _say("Started!")
        log.logger.info("started", lines=len(settings.lines), speed=settings.speed)
        try:
            await server.services.stop.wait()
        finally:
            await server.close()
            clock = server.clock
            log.logger.info("stopped", ticks=clock.ticks, late=clock.late, lost=round(clock.lost, 3))


@contextlib.contextmanager
def _told_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for ending in _ENDINGS:
        loop.add_signal_handler(ending, stop.set)
    try:
        yield
    finally:
        for ending in _ENDINGS:
            loop.remove_signal_handler(ending)


def _say(line: str) -> None:
    """Print a line for whoever started the server; on a pipe too it is there at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
