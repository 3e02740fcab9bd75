"""One run of the daemon: everything is built, started, drained and stopped here."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from ctportd import logs
from ctportd.api import ROUTES
from ctportd.calls.placing import place
from ctportd.calls.router import Router
from ctportd.clock import Clock, utc_now
from ctportd.control.server import ControlServer
from ctportd.fleet import Fleet
from ctportd.hooks.dispatch import Dispatcher
from ctportd.keepalive import KeepAlive
from ctportd.links.ports import Ports
from ctportd.live.hub import Hub
from ctportd.logs.level import set_level
from ctportd.mail.service import Mail
from ctportd.messages.service import Messages
from ctportd.parts import Parts
from ctportd.pins.guard import PinGuard
from ctportd.reloading.reloader import Reloader
from ctportd.reloading.renewal import FolderWatch
from ctportd.reloading.source import FileSource
from ctportd.reporting import status_line
from ctportd.running import keeping_of
from ctportd.site import configured_handlers, configured_numbers, configured_prompts
from ctportd.store.durable import DurableStore
from ctportd.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from datetime import datetime

    from ctportd.calls.outgoing import OutgoingCall
    from ctportd.config import Config
    from ctportd.hooks.inquiry import Explanation, Inquiry
    from ctportd.hooks.loader import Plugins
    from ctportd.logs import LogFile
    from ctportd.reloading.reloader import Prepared
    from ctportd.reloading.source import Source
    from ctportd.servers import Server
    from ctportd.status import Reloaded

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
        source: Where configuration and plugins are loaded from anew; None: the configuration's file.
        systemd: Told how the daemon is.

    Attributes:
        config: As given, or as it was loaded anew.
        log_file: As given.
        phase: ``starting``, ``ready``, ``draining`` or ``stopping``.
        state: The folder of all that must survive.
        numbers: Reads telephone numbers.
        parts: What it does all at once.
        fleet: Every ctserver.
        ports: Every telephone port of every ctserver.
        handlers: The handlers of each port, by its address.
        live: What happens, for those who follow it.
        editing: Held by whoever changes the configuration's file.
    """

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        log_file: LogFile | None,
        *,
        now: Callable[[], datetime] = utc_now,
        source: Source | None = None,
        systemd: Systemd | None = None,
    ) -> None:
        self.config = config
        self.log_file = log_file
        self.phase = "starting"
        self._now = now
        self._systemd = systemd or Systemd()
        self.clock = self._clock()
        self.started_at = self.clock.now()
        self.state = config.state
        self.store = DurableStore(config.store_url, config.file.store.keep_days)
        self.numbers = configured_numbers(config)
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
        self.parts = Parts()
        self.ports = Ports()
        self.fleet = Fleet(config, self, self.ports, now)
        self._reloader = Reloader(self, source or FileSource(Path(config.source)), self._systemd)
        self._folder_watch = FolderWatch(self.parts, self._reloader.renew_plugins)
        self.editing = asyncio.Lock()
        self.live = Hub(self._listen, self.router.call_on, self.clock.now)
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    @property
    def servers(self) -> list[Server]:
        """Every ctserver."""
        return self.fleet.servers

    def _listen(self, listener: Callable[[str, dict[str, Any]], None] | None) -> None:
        self.dispatcher.audience.listener = listener

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.dispatcher.tell("phase", phase=phase)

    @property
    def plugins(self) -> Plugins:
        """Those that are on duty, and why others are not."""
        return self.dispatcher.plugins

    @property
    def mails(self) -> bool:
        """Whether there is a mail server to send letters to."""
        return self.mail.configured

    def _clock(self) -> Clock:
        return Clock(self.config.line_speed(self.config.file.ctserver[0]), self._now)

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
            stack.enter_context(logs.tapped(self.live.lines.add))
            running = self.parts.running
            await stack.enter_async_context(running(self.store.run(), "store"))
            await stack.enter_async_context(running(self.dispatcher.run(), "plugins"))
            control = await stack.enter_async_context(
                ControlServer(ROUTES, self, Path(self.config.file.control.socket))
            )
            life = KeepAlive(self._systemd, control, lambda: status_line(self))
            await stack.enter_async_context(running(life.run(), "signs of life"))
            await self.mail.open()  # nobody else is at it now: a second daemon would have met with our socket
            await stack.enter_async_context(running(self.mail.run(), "mail"))
            self._log_missing_plugins()
            self.dispatcher.tell("daemon_started")
            await stack.enter_async_context(running(self.messages.run(), "messages"))
            stack.push_async_callback(self.fleet.stop)
            stack.callback(self._reloader.stop)
            stack.callback(self._folder_watch.stop)
            await self._or_stop(self.fleet.start())
            await self._or_stop(self._wait_connected())
            self._ready()
            await self._or_stop(self._stop.wait())
            await self._wind_up()
        log.info("stopped")

    async def _or_stop(self, what: Coroutine[Any, Any, object]) -> None:
        """Wait for something, or until the daemon is to stop, or until a part of it fails, which is raised."""
        waiting = [asyncio.create_task(one) for one in (what, self.parts.fail(), self._stop.wait())]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in waiting:
                task.cancel()

    async def _wait_connected(self) -> None:
        """Wait for all ports, but not for ever: a ctserver that is remote may be down for days."""
        connections = list(self.fleet.connections)
        try:
            async with asyncio.timeout(CONNECT_WAIT):
                for connection in connections:
                    await connection.wait_connected()
        except TimeoutError:
            missing = [connection.name for connection in connections if not connection.connected]
            log.warning("not everything is connected yet", missing=missing)

    def _log_missing_plugins(self) -> None:
        if hidden := sorted(self.plugins.hidden):
            log.info("installed plugins are left out: the folder has ones of their names", plugins=hidden)
        for error in self.plugins.failed.values():
            log.error("a plugin is left out", error=str(error))

    def _ready(self) -> None:
        if self._stop.is_set():
            return
        self._enter("ready")
        self._systemd.ready()
        self._reloader.begin()
        self._folder_watch.use(self.config)
        log.info("ready", ports=len(self.ports), plugins=sorted(self.plugins.loaded))
        server = self.config.virtual
        if server is not None and self.config.ports_of(server):
            number = min(port.number for port in self.config.ports_of(server))
            invocation = f"{_program()} --config {self.config.source} phone {number}"
            invitation = f"to place a call, type in another terminal: {invocation}"
            log.info(invitation)

    # -- what is changed while it runs

    async def reload(self, plugins: Iterable[str] = ()) -> Reloaded:
        """Load the configuration's file, and the plugins that have changed, and go by them; all of it or nothing.

        Calls under way end as they have begun. One reload comes after the other.

        Args:
            plugins: Those that are loaded anew though nothing of theirs has changed.

        Raises:
            ConfigError: The file, or a plugin, has a mistake. Everything is as it was.
            ControlError: The daemon is stopping.
        """
        return await self._reloader.reload(plugins)

    def put_in_force(self, prepared: Prepared) -> None:
        """Go by what was loaded and checked. It waits for nothing, and cannot fail."""
        before, config = self.config, prepared.config
        self.config = config
        self.numbers, self.handlers = prepared.numbers, prepared.handlers
        self.prompts = prepared.prompts
        self.router.speak_with(prepared.prompts)
        self.clock = self._clock()
        if config.file.log.level != before.file.log.level:
            set_level(config.file.log.level)
        if self.log_file is not None:
            self.log_file.keeping = keeping_of(config.file.log)
        self.store.keep_days = config.file.store.keep_days
        self.mail.use(config.file.mail)
        table = config.file.daemon
        self.messages.min_free = table.min_free
        self.pins.use(table.pin_tries, table.pin_lock)
        self.take_plugins(prepared.plugins)
        self._folder_watch.use(config)
        self.fleet.apply(config)

    def take_plugins(self, plugins: Plugins) -> None:
        """Have these plugins on duty from now on; calls keep those with which they began."""
        self.dispatcher.replace(plugins, self.config.file.plugins)

    def tell_reloaded(self, reloaded: Reloaded) -> None:
        """Tell those who follow what happens."""
        self.dispatcher.tell("reloaded", reloaded=reloaded)

    # -- its end

    async def _wind_up(self) -> None:
        """Calls first, then what the plugins have still to do; the rest is undone in the order of the building."""
        self._enter("draining")
        self.fleet.close()
        self._reloader.begin()  # that is, refuse what was asked for while it started
        table = self.config.file.daemon
        self._systemd.stopping(table.drain_timeout + table.stop_timeout + STOP_TIME)
        log.info("stopping", calls=len(self.router.calls), **self._patience())
        await self.router.drain(table.drain_timeout, self._hurry)
        self._enter("stopping")
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
