"""What all ports of a server share."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ctportd.ctserver.mixing import Switchboard
from ctportd.ctserver.sounds import SoundCache

if TYPE_CHECKING:
    from collections.abc import Callable

    import structlog

    from ctportd.ctserver.log import ServerLog
    from ctportd.ctserver.port import Port
    from ctportd.ctserver.tones import Country


class Services:
    """Sounds, disk, tones, log, and the ports themselves.

    Attributes:
        country: Whose tones are played.
        ports: Every port by its number.
        switchboard: Which ports hear each other.
        sounds: The files that are played.
        disk: The thread that writes recordings, so that no line ever waits for a disk.
        stop: Set when the server is to stop.
        broken_lines: Lines of clients that were no request.
    """

    def __init__(self, country: Country, server_log: ServerLog) -> None:
        self.country = country
        self.server_log = server_log
        self.ports: dict[int, Port] = {}
        self.switchboard = Switchboard()
        self.sounds = SoundCache()
        self.disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recordings")
        self.stop = asyncio.Event()
        self.broken_lines = 0

    async def on_disk(self, action: Callable[[], None]) -> None:
        """Do something to a file in the recordings' thread, after all that was asked of it before."""
        await asyncio.get_running_loop().run_in_executor(self.disk, action)

    @property
    def log(self) -> structlog.BoundLogger:
        """The server's logger."""
        return self.server_log.logger
