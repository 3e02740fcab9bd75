"""One run of the server as a process: it says when it is ready, and ends when it is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from ctportd.ctserver.log import ServerLog
from ctportd.ctserver.server import Server
from ctportd.errors import CtportdError, ServerError
from ctportd.terminal import ControllingTerminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ctportd.ctserver.settings import Settings

_ENDINGS = (signal.SIGTERM, signal.SIGINT)


async def serve(settings: Settings, read: Callable[[], Settings]) -> None:
    """Run until SIGTERM, SIGINT or the ``shutdown`` request; ``Started!`` is printed when all ports are open.

    SIGHUP has the settings read again; what became of that is printed. It is the end when a terminal is closed.

    Args:
        settings: What the server is to be.
        read: Reads them again, in a thread. Raises CtportdError where they cannot be.

    Raises:
        ServerError: A setting is wrong, the log cannot be opened, or a TCP port cannot be had. It is printed,
            with ``Giving up`` after it.
    """
    try:
        log = await asyncio.to_thread(_open_log, settings)
        try:
            await _run(settings, log, read)
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


async def _run(settings: Settings, log: ServerLog, read: Callable[[], Settings]) -> None:
    server = Server(settings, log)
    again = asyncio.Event()
    with _told_by_signals(server.services.stop, again), contextlib.ExitStack() as stack:
        await server.open()
        reading = asyncio.create_task(_read_again(server, again, read))
        stack.callback(reading.cancel)
        _say("Started!")
        log.logger.info("started", lines=len(settings.lines), speed=settings.speed)
        try:
            await server.services.stop.wait()
        finally:
            await server.close()
            clock = server.clock
            log.logger.info("stopped", ticks=clock.ticks, late=clock.late, lost=round(clock.lost, 3))


async def _read_again(server: Server, again: asyncio.Event, read: Callable[[], Settings]) -> None:
    """Read the settings each time that this is asked for; what cannot be read leaves everything as it was."""
    while True:
        await again.wait()
        again.clear()
        try:
            problems: Sequence[CtportdError] = await server.serve(await asyncio.to_thread(read))
        except CtportdError as error:
            problems = [error]
        told = "; ".join(" ".join(str(problem).split()) for problem in problems)
        _say(f"Not read again: {told}" if problems else "Read again!")
        server.services.log.info("settings read again", problems=told)


@contextlib.contextmanager
def _told_by_signals(stop: asyncio.Event, again: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    terminal = ControllingTerminal()

    def hang_up() -> None:
        (stop if terminal.gone else again).set()

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    for ending in _ENDINGS:
        loop.add_signal_handler(ending, stop.set)
    try:
        yield
    finally:
        for number in (*_ENDINGS, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _say(line: str) -> None:
    """Print a line for whoever started the server; on a pipe too it is there at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
