"""What all ports of a server share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.ctserver.disk import Disk
from ctportd.ctserver.folders import Folders
from ctportd.ctserver.mixing import Switchboard
from ctportd.ctserver.sounds import SoundCache

if TYPE_CHECKING:
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
        recordable: Where recordings may be made.
        disk: Writes them, so that no line ever waits for a disk.
        stop: Set when the server is to stop.
        broken_lines: Lines of clients that were no request.
    """

    def __init__(
        self,
        country: Country,
        server_log: ServerLog,
        playable: Folders | None = None,
        recordable: Folders | None = None,
    ) -> None:
        """``playable``: where files that are played may be; as for ``recordable``, anywhere unless it is given."""
        self.country = country
        self.server_log = server_log
        self.ports: dict[int, Port] = {}
        self.switchboard = Switchboard()
        self.sounds = SoundCache(playable or Folders())
        self.recordable = recordable or Folders()
        self.disk = Disk()
        self.stop = asyncio.Event()
        self.broken_lines = 0

    @property
    def log(self) -> structlog.BoundLogger:
        """The server's logger."""
        return self.server_log.logger
