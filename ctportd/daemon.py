"""One run of the daemon: everything is built, started, drained and stopped here."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sdnotify
import structlog

from ctportd.calls.files import Prompts
from ctportd.calls.router import Router, Routing
from ctportd.clock import Clock
from ctportd.control.server import ControlServer
from ctportd.errors import InvalidArgument, LinkError
from ctportd.hooks.dispatch import Dispatcher
from ctportd.hooks.loader import load_plugins
from ctportd.links.connection import Connection
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.links.supervisor import Supervisor
from ctportd.listeners import ManagerListener, PortListener
from ctportd.reporting import status_of
from ctportd.status import Rotated
from ctportd.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

    from ctportd.config import Config, CtserverTable
    from ctportd.hooks.loader import Plugins
    from ctportd.links.reply import Reply
    from ctportd.logs import LogFile
    from ctportd.status import Status

DRAIN_TIMEOUT = 1.0
"""Seconds that the plugins get, after the last call, for what waits in their queues (our figure)."""

CONNECT_WAIT = 5.0
"""Seconds after which the daemon calls itself ready although connections are missing (our figure)."""

log = structlog.stdlib.get_logger("ctportd")


def load_configured_plugins(config: Config) -> Plugins:
    """Load the plugins of a configuration, and check that its ports' handlers are among them.

    Raises:
        ConfigError: The configuration and the plugins do not fit.
    """
    plugins = load_plugins(Path(config.file.plugins.directory), config.plugins, config.source)
    for port in config.file.port:
        names = [handler.partition(":")[0] for handler in port.handlers]
        plugins.check_handlers(names, f"{config.source}: [[port]] number {port.number}")
    return plugins


def _program() -> str:
    """How people call us here: ``.venv/bin/ctportd`` where that is what they typed."""
    return sys.argv[0] if Path(sys.argv[0]).name == "ctportd" else "ctportd"


class Daemon:
    """The daemon, from start to stop.

    Args:
        config: What it is to do.
        plugins: Loaded already: their code runs before the first line is connected.
        log_file: The log that rotating rolls, if there is one.

    Attributes:
        config: As given.
        plugins: As given.
        state: The folder of all that must survive.
        ports: Every telephone port by its number.
    """

    def __init__(self, config: Config, plugins: Plugins, log_file: LogFile | None) -> None:
        self.config = config
        self.plugins = plugins
        self.phase = "starting"
        self.clock = Clock(config.line_speed)
        self.started_at = self.clock.now()
        self.state = config.state
        self.store = Store(config.store_url)
        self.prompts = Prompts([Path(path) for path in config.file.prompts.paths], config.file.prompts.default_ext)
        self.dispatcher = Dispatcher(plugins.loaded.values(), self, config.file.plugins.queue)
        self.router = Router(self.clock, self.prompts, self.dispatcher)
        self.server = config.file.ctserver[0]
        self._log_file = log_file
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.supervisor = self._build_supervisor(self.server)
        manager_port = self.server.manager_port
        self._manager_connection = self._build_connection("manager", manager_port, 0, ManagerListener("manager"))
        self.manager = Manager(self._manager_connection)
        self.listeners: dict[int, PortListener] = {}
        self._connections: list[Connection] = [self._manager_connection]
        self.ports = {table.number: self._build_port(table.number) for table in config.file.port}

    # -- building

    def _build_supervisor(self, server: CtserverTable) -> Supervisor | None:
        if server.mode == "remote":
            return None
        command = [server.program, *server.arguments]
        if server.mode == "virtual":
            command = [sys.executable, "-m", "ctportd", "--config", self.config.source, "ctserver"]
        return Supervisor(server.name, command, server.start_timeout, server.stop_timeout)

    def _build_connection(
        self, name: str, tcp_port: int, port: int, listener: ManagerListener | PortListener
    ) -> Connection:
        return Connection(name, self.server.host, tcp_port, port, listener)

    def _build_port(self, number: int) -> Port:
        table = next(table for table in self.config.file.port if table.number == number)
        listener = PortListener(self.router, self.dispatcher, number)
        connection = self._build_connection(
            f"port {number}", self.server.first_port + number - 1, number, listener
        )
        port = Port(number, table.name, table.kind, connection, self.manager)
        listener.listen(port)
        self.listeners[number] = listener
        self._connections.append(connection)
        routing = Routing(table.handlers, caller_id=table.caller_id, ring_timeout=table.ring_timeout)
        self.router.add_port(port, routing)
        return port

    # -- one run

    async def run(self) -> None:
        """Run until SIGTERM, SIGINT or :meth:`stop`.

        Raises:
            CtportdError: Something that it cannot do without is not there.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            await self.store.open()
            stack.push_async_callback(self.store.close)
            await stack.enter_async_context(self._background(self.dispatcher.run(), "plugins"))
            await stack.enter_async_context(ControlServer(self, Path(self.config.file.control.socket)))
            self._catch_signals()
            self._log_failed_plugins()
            self.dispatcher.tell("daemon_started")
            if self.supervisor is not None:
                await stack.enter_async_context(self._background(self.supervisor.run(), "ctserver"))
                await self._or_stop(self.supervisor.wait_ready())
            for connection in self._connections:
                await stack.enter_async_context(self._background(connection.run(), connection.name))
            await self._or_stop(self._wait_connected())
            self._ready()
            await self._or_stop(self._stop.wait())
            await self._wind_up()
        log.info("stopped")

    async def _or_stop(self, what: Coroutine[Any, Any, object]) -> None:
        """Wait for something, or until the daemon is to stop, or until a part of it fails, which is raised."""
        first = asyncio.create_task(what)
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((first, stop, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
            for task in (first, *self._tasks):
                if task.done():
                    task.result()
        finally:
            first.cancel()
            stop.cancel()

    @asynccontextmanager
    async def _background(self, work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
        """Run something as long as the block lasts."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        try:
            yield
        finally:
            self._tasks.remove(task)
            task.cancel()
            await asyncio.wait([task])

    async def _wait_connected(self) -> None:
        """Wait for ctserver's ports, but not for ever: one that is remote may be down for days."""
        try:
            async with asyncio.timeout(CONNECT_WAIT):
                for connection in self._connections:
                    await connection.wait_connected()
        except TimeoutError:
            missing = [connection.name for connection in self._connections if not connection.connected]
            log.warning("not everything is connected yet", missing=missing)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def _log_failed_plugins(self) -> None:
        for error in self.plugins.failed.values():
            log.error("a plugin is left out", error=str(error))

    def _ready(self) -> None:
        if self._stop.is_set():
            return
        self.phase = "ready"
        sdnotify.SystemdNotifier().notify("READY=1")
        log.info("ready", ports=len(self.ports), plugins=sorted(self.plugins.loaded))
        if self.server.mode == "virtual" and self.ports:
            invocation = f"{_program()} --config {self.config.source} phone {min(self.ports)}"
            invitation = f"to place a call, type in another terminal: {invocation}"
            log.info(invitation)

    async def _wind_up(self) -> None:
        """Calls first, then what the plugins have still to do; the rest is undone in the order of the building."""
        self.phase = "stopping"
        sdnotify.SystemdNotifier().notify("STOPPING=1")
        log.info("stopping", calls=len(self.router.calls))
        await self.router.stop(self.config.file.daemon.stop_timeout)
        self.dispatcher.tell("daemon_stopping")
        await self.dispatcher.drain(DRAIN_TIMEOUT)

    # -- ctportd.control.server.Controls

    def stop(self) -> None:
        """Begin to stop."""
        self._stop.set()

    async def status(self) -> Status:
        """What the daemon is and does."""
        return await status_of(self, os.getpid(), version("ctportd"))

    async def rotate(self) -> Rotated:
        """Roll our own log, and have ctserver roll its own."""
        rolled = ""
        if self._log_file is not None:
            rolled = str(await asyncio.to_thread(self._log_file.roll, self.clock.now().astimezone()))
        try:
            await self.manager.roll_log()
            answer = "rolled"
        except LinkError as error:
            answer = str(error)
            log.warning("ctserver did not roll its log", error=answer)
        log.info("log rotated", old=rolled)
        return Rotated(rolled, {self.server.name: answer})

    async def request(self, port: str, name: str, arguments: Sequence[str]) -> Reply:
        """Send one request to a port, or to ``manager``, by its name."""
        if name == "record_stop" and port != "manager":
            name, arguments, port = "send_event", [port, "RECORD_STOP"], "manager"
        if name in ("play", "play_async") and arguments:
            found = await asyncio.to_thread(self.prompts.find, arguments[0])
            arguments = [str(found), *arguments[1:]]
        if port == "manager":
            return await self.manager.request(name, *arguments)
        if not port.isdecimal() or int(port) not in self.ports:
            known = ", ".join(["manager", *map(str, self.ports)])
            raise InvalidArgument(name, "port", f"is {port!r}, which is none of {known}")
        return await self.ports[int(port)].request(name, *arguments)
