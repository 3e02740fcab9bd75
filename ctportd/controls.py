"""What can be asked of a running daemon through its control interface."""

from __future__ import annotations

import asyncio
import os
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from ctportd.errors import InvalidArgument, LinkError, NotSupported
from ctportd.reporting import status_of
from ctportd.status import Rotated
from ctportd.wire.requests import request_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.daemon import Daemon
    from ctportd.links.manager import Manager
    from ctportd.links.reply import Reply
    from ctportd.logs import LogFile
    from ctportd.servers import Server
    from ctportd.status import Status

MANAGER = "manager"
"""What the manager connection is called where a port is named."""

log = structlog.stdlib.get_logger("ctportd")


class DaemonControls:
    """The daemon, as :class:`ctportd.control.server.Controls` wants it.

    Args:
        daemon: The daemon.
        log_file: The log that rotating rolls, if there is one.
    """

    def __init__(self, daemon: Daemon, log_file: LogFile | None) -> None:
        self._daemon = daemon
        self._log_file = log_file

    def stop(self) -> None:
        """Begin to stop, with some time for the calls under way."""
        self._daemon.stop()

    def stop_now(self) -> None:
        """Begin to stop, and end the calls under way at once."""
        self._daemon.stop_now()

    async def status(self) -> Status:
        """What the daemon is and does."""
        return await status_of(self._daemon, os.getpid(), await asyncio.to_thread(version, "ctportd"))

    async def rotate(self) -> Rotated:
        """Roll our own log, and have every ctserver roll its own."""
        rolled = ""
        if self._log_file is not None:
            rolled = str(await asyncio.to_thread(self._log_file.roll, self._daemon.clock.now().astimezone()))
        answers = {server.name: await self._roll(server) for server in self._daemon.servers}
        log.info("log rotated", old=rolled)
        return Rotated(rolled, answers)

    @staticmethod
    async def _roll(server: Server) -> str:
        if server.manager is None:
            return "its dialect has no request for it"
        try:
            await server.manager.roll_log()
        except LinkError as error:
            log.warning("ctserver did not roll its log", ctserver=server.name, error=str(error))
            return str(error)
        return "rolled"

    async def file_message(self, id: int, action: str, folder: str) -> str:  # noqa: A002 - what it is called
        """Delete, restore, purge or move a message; returns its folder, empty where it is gone."""
        message = await self._daemon.store.message(id)
        if message is None:
            raise InvalidArgument("messages", "id", f"is {id}, and there is no such message")
        messages = self._daemon.messages
        log.info("a message is filed by command", mailbox=message.mailbox, id=id, action=action)
        if action == "purge":
            await messages.purge(message)
            return ""
        if action == "move":
            return (await messages.update(message, folder=folder)).folder
        return (await (messages.discard(message) if action == "delete" else messages.restore(message))).folder

    async def request(self, port: str, name: str, arguments: Sequence[str]) -> Reply:
        """Send one request by its name to a port, or to ``manager`` (of the first ctserver) or ``NAME:manager``."""
        if name in ("play", "play_async") and arguments:
            found = await asyncio.to_thread(self._daemon.prompts.find, arguments[0])
            arguments = [str(found), *arguments[1:]]
        manager = self._manager(port, name)
        if manager is not None:
            return await manager.request(name, *arguments)
        addressed = self._daemon.ports.find(port, name)
        if name == "record_stop":
            return await addressed.record_stop()
        return await addressed.request(name, *arguments)

    def _manager(self, port: str, name: str) -> Manager | None:
        """The manager connection that was named, if one was."""
        named = [server for server in self._daemon.servers if port in (MANAGER, f"{server.name}:{MANAGER}")]
        for server in named:
            if server.manager is not None:
                return server.manager
        if named:
            raise NotSupported(f"manager of {named[0].name}", named[0].table.dialect, request_named(name).cmd)
        return None
