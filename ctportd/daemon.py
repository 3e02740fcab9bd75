"""One run of the daemon: everything is built, started, drained and stopped here."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.api import ROUTES
from ctportd.calls.numbers import Numbers
from ctportd.calls.placing import place
from ctportd.calls.router import Router
from ctportd.clock import Clock, utc_now
from ctportd.control.server import ControlServer
from ctportd.hooks.dispatch import Dispatcher
from ctportd.keepalive import KeepAlive
from ctportd.links.ports import Ports
from ctportd.mail.service import Mail
from ctportd.messages.service import Messages
from ctportd.pins.guard import PinGuard
from ctportd.reporting import status_line
from ctportd.running import run_command, search_for
from ctportd.servers import Server
from ctportd.site import configured_handlers, configured_prompts
from ctportd.store.durable import DurableStore
from ctportd.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from datetime import datetime

    from ctportd.calls.outgoing import OutgoingCall
    from ctportd.config import Config, CtserverTable
    from ctportd.hooks.inquiry import Explanation, Inquiry
    from ctportd.hooks.loader import Plugins
    from ctportd.links.supervisor import Supervisor
    from ctportd.logs import LogFile

PART_TIMEOUT = 2.0
"""Seconds that a part of the daemon gets to end when it is told to: it needs milliseconds (our figure)."""

DRAIN_TIMEOUT = 1.0
"""Seconds that the plugins get, after the last call, for what waits in their queues (our figure)."""

CONNECT_WAIT = 5.0
"""Seconds after which the daemon calls itself ready although connections are missing (our figure)."""

STOP_TIME = 30.0
"""Seconds that stopping may take beside what the configuration gives to the calls: ctserver's ends, and a database that
hangs for 15 s (our figure)."""

log = structlog.stdlib.get_logger("ctportd")


def _program() -> str:
    """How people call us here: ``.venv/bin/ctportd`` where that is what they typed."""
    return sys.argv[0] if Path(sys.argv[0]).name == "ctportd" else "ctportd"


class Daemon:
    """The daemon, from start to stop.

    Args:
        config: What it is to do.
        plugins: Loaded already: their code runs before the first line is connected.
        log_file: The log that rotating rolls, if there is one.
        now: Tells the date and time of day, in UTC.
        systemd: Told how the daemon is.

    Attributes:
        config: As given.
        log_file: As given.
        phase: ``starting``, ``ready``, ``draining`` or ``stopping``.
        state: The folder of all that must survive.
        numbers: Reads telephone numbers.
        servers: Every ctserver.
        ports: Every telephone port of every ctserver.
        handlers: The handlers of each port, by its address.
    """

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        log_file: LogFile | None,
        *,
        now: Callable[[], datetime] = utc_now,
        systemd: Systemd | None = None,
    ) -> None:
        self.config = config
        self.log_file = log_file
        self.phase = "starting"
        self._now = now
        self._systemd = systemd or Systemd()
        self.clock = self._clock_of(config.file.ctserver[0])
        self.started_at = self.clock.now()
        self.state = config.state
        self.store = DurableStore(config.store_url, config.file.store.keep_days)
        self.numbers = Numbers(config.file.numbers.country, config.file.numbers.area)
        self.prompts = configured_prompts(config)
        self.handlers = configured_handlers(config)
        self.dispatcher = Dispatcher(plugins, self, config.file.plugins)
        self.mail = Mail(
            self.state, config.file.mail, self.clock.now, self.dispatcher.tell, keep=self.store.keep_steps
        )
        table = config.file.daemon
        self.messages = Messages(self.state, self.store, table.min_free, self.dispatcher.tell, self.clock.now)
        self.pins = PinGuard(
            self.store, table.pin_tries, table.pin_lock, self.clock.now, self.dispatcher.pin_locked
        )
        self.store.when_remade.append(self.pins.keep_all)
        self.router = Router(self.prompts, self.dispatcher, self.store.keep_steps)
        self.end_timeout = config.file.daemon.end_timeout
        self.servers = [self._build_server(table) for table in config.file.ctserver]
        self.ports = Ports(port for server in self.servers for port in server.ports)
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def _build_server(self, table: CtserverTable) -> Server:
        command = run_command(self.config, table)
        server = Server(table, command, search_for(self.config, table, command) if command else None)
        clock = self._clock_of(table)
        for port in self.config.ports_of(table):
            server.add_port(port, self, clock)
        return server

    @property
    def plugins(self) -> Plugins:
        """Those that are on duty, and why others are not."""
        return self.dispatcher.plugins

    @property
    def mails(self) -> bool:
        """Whether there is a mail server to send letters to."""
        return self.mail.configured

    def _clock_of(self, table: CtserverTable) -> Clock:
        return Clock(self.config.line_speed(table), self._now)

    # -- ctportd.hooks.services.Site

    def check_handler(self, handler: str) -> str:
        """What is wrong with a handler such as ``voicemail:100``; empty where nothing is."""
        return self.dispatcher.questions.check_handler(handler)

    async def explain(self, handler: str, inquiry: Inquiry) -> Explanation:
        """What a handler would do with such a call."""
        return await self.dispatcher.questions.explain(handler, inquiry)

    # -- ctportd.hooks.services.Daemon

    async def call(
        self, port: str, number: str = "", handler: str = "", *, play: Sequence[str] = (), within: float = 45.0
    ) -> OutgoingCall:
        """Make a call on a port, and let a handler have it when it is answered."""
        return await place(self, port, number, handler, play, within)

    # -- one run

    async def run(self) -> None:
        """Run until :meth:`stop`.

        Raises:
            CtportdError: Something that it cannot do without is not there.
        """
        await asyncio.to_thread(self.state.mkdir, parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            await self.store.open()
            stack.push_async_callback(self.store.close)
            await stack.enter_async_context(self._background(self.store.run(), "store"))
            await stack.enter_async_context(self._background(self.dispatcher.run(), "plugins"))
            control = await stack.enter_async_context(
                ControlServer(ROUTES, self, Path(self.config.file.control.socket))
            )
            life = KeepAlive(self._systemd, control, lambda: status_line(self))
            await stack.enter_async_context(self._background(life.run(), "signs of life"))
            await self.mail.open()  # nobody else is at it now: a second daemon would have met with our socket
            if self.mail.configured:
                await stack.enter_async_context(self._background(self.mail.run(), "mail"))
            self._log_missing_plugins()
            self.dispatcher.tell("daemon_started")
            await stack.enter_async_context(self._background(self.messages.run(), "messages"))
            for server in self.servers:
                await self._start_server(server, stack)
            await self._or_stop(self._wait_connected())
            await stack.enter_async_context(self._background(self.router.look_after_lines(), "health of lines"))
            self._ready()
            await self._or_stop(self._stop.wait())
            await self._wind_up()
        log.info("stopped")

    async def _start_server(self, server: Server, stack: AsyncExitStack) -> None:
        """Start a ctserver, if it is ours to start, and connect to it as soon as its ports are open.

        One that does not start does not keep the others waiting for longer than ``start_timeout``.
        """
        if server.supervisor is not None:
            process = self._background(
                server.supervisor.run(), f"ctserver {server.name}", server.table.stop_timeout + PART_TIMEOUT
            )
            await stack.enter_async_context(process)
            await self._or_stop(self._wait_for_process(server.supervisor, server.table.start_timeout))
        for connection in server.connections:
            await stack.enter_async_context(self._background(server.connect(connection), connection.name))
        if server.heartbeat is not None:
            heartbeat = self._background(server.heartbeat.run(), f"heartbeat of {server.name}")
            await stack.enter_async_context(heartbeat)
        for watch in server.ring_watches:
            await stack.enter_async_context(self._background(watch.run(), f"rings of {server.name}"))

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
    async def _background(
        self, work: Coroutine[Any, Any, None], name: str, within: float = PART_TIMEOUT
    ) -> AsyncIterator[None]:
        """Run something as long as the block lasts; then it has ``within`` seconds to end."""
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        try:
            yield
        finally:
            self._tasks.remove(task)
            task.cancel()
            _, late = await asyncio.wait([task], timeout=within)
            if late:
                log.error("a part of the daemon does not come to an end, and is left behind", part=name)

    @staticmethod
    async def _wait_for_process(supervisor: Supervisor, seconds: float) -> None:
        with suppress(TimeoutError):  # the supervisor has told why, and goes on trying
            async with asyncio.timeout(seconds):
                await supervisor.wait_ready()

    async def _wait_connected(self) -> None:
        """Wait for all ports, but not for ever: a ctserver that is remote may be down for days."""
        connections = [connection for server in self.servers for connection in server.connections]
        try:
            async with asyncio.timeout(CONNECT_WAIT):
                for connection in connections:
                    await connection.wait_connected()
        except TimeoutError:
            missing = [connection.name for connection in connections if not connection.connected]
            log.warning("not everything is connected yet", missing=missing)

    def _log_missing_plugins(self) -> None:
        for name, package in self.plugins.hidden.items():
            log.info(
                "an installed plugin is left out: the folder has one of its name", plugin=name, package=package
            )
        for error in self.plugins.failed.values():
            log.error("a plugin is left out", error=str(error))

    def _ready(self) -> None:
        if self._stop.is_set():
            return
        self.phase = "ready"
        self._systemd.ready()
        log.info("ready", ports=len(self.ports), plugins=sorted(self.plugins.loaded))
        server = self.config.virtual
        if server is not None and self.config.ports_of(server):
            number = min(port.number for port in self.config.ports_of(server))
            invocation = f"{_program()} --config {self.config.source} phone {number}"
            invitation = f"to place a call, type in another terminal: {invocation}"
            log.info(invitation)

    async def _wind_up(self) -> None:
        """Calls first, then what the plugins have still to do; the rest is undone in the order of the building."""
        self.phase = "draining"
        table = self.config.file.daemon
        self._systemd.stopping(table.drain_timeout + table.stop_timeout + STOP_TIME)
        log.info("stopping", calls=len(self.router.calls), **self._patience())
        await self.router.drain(table.drain_timeout, self._hurry)
        self.phase = "stopping"
        await self.router.stop(table.stop_timeout, self._hurry)
        self.dispatcher.stopping()
        await self.dispatcher.drain(DRAIN_TIMEOUT)

    def _patience(self) -> dict[str, str]:
        """What people are told who wait for calls to end."""
        seconds = self.config.file.daemon.drain_timeout
        if not self.router.calls or not seconds:
            return {}
        return {"waiting": f"up to {seconds:g} s for their ends; tell me once more to end them at once"}

    def stop(self) -> None:
        """Begin to stop: no new calls, and some time for those under way. Told again, they are ended at once."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def stop_now(self) -> None:
        """Stop, and end the calls under way at once."""
        self._hurry.set()
        self._stop.set()
