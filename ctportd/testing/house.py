"""A house with telephone lines: daemon, exchange and telephones in the test's own process and event loop."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd import config
from ctportd.ctserver.log import ServerLog
from ctportd.ctserver.server import Server
from ctportd.daemon import Daemon, check_handlers
from ctportd.errors import ServerError
from ctportd.hooks.loader import load_found
from ctportd.phone.client import Phone
from ctportd.serving import settings_of
from ctportd.testing.capture import capturing, into
from ctportd.testing.clock import HouseClock
from ctportd.testing.setup import configuration, plugin_files
from ctportd.testing.telephone import PATIENCE, Telephone
from ctportd.testing.time import LeapingTime, database_counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins
    from ctportd.phone.happenings import Happening
    from ctportd.records import CallRecord, VoiceMessage
    from ctportd.store import Store
    from ctportd.testing.capture import Line

FRAME = 0.02
"""Seconds of a frame of voice: a line's time goes in these steps."""

_SOURCE = "the test's configuration"
_TRIES = 5  # another process may take a TCP port between the look and the use

_serial = count(1)


def _nobody_owns(_name: str, _path: Path) -> None:
    """A test's code is run by whoever runs the test, and what it tests with it."""


class House:
    """A daemon with its lines. The fixture ``ctportd_line`` makes, starts and ends it.

    Attributes:
        folder: Where it lives: the state folder, and plugins that were given as text.
        clock: What it takes for the date and time of day; it can be set.
        log: What was logged, line by line: ``event``, ``level``, and ``port``, ``call`` and ``plugin`` where they are.
        expect_faults: Set it where a plugin is to fail: else that fails the test.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[Line] = []
        self.expect_faults = False
        self._leaping = LeapingTime.of(asyncio.get_running_loop())
        self._stack = AsyncExitStack()
        self._package = f"ctportd_plugins_{next(_serial)}"
        self._config: Config
        self._running: asyncio.Task[None] | None = None
        self._daemon: Daemon | None = None

    # -- its life

    async def start(
        self,
        handlers: Mapping[int, Sequence[str]],
        plugins: Sequence[str | Path | Mapping[str, str | Path]],
        stations: Iterable[int],
        settings: Mapping[str, Mapping[str, Any]],
        tables: Mapping[str, Any],
    ) -> None:
        """Start all, and wait until it is ready.

        Raises:
            CtportdError: It cannot start; what is wrong with a plugin is raised too.
        """
        enter = self._stack.enter_context
        enter(self._leaping.running())
        enter(database_counted(self._leaping))
        enter(capturing())
        self.clock = HouseClock(self._leaping)
        files = await asyncio.to_thread(plugin_files, plugins, self.folder / "plugins")
        self._stack.callback(self._unload)
        for last in range(_TRIES):
            data = await asyncio.to_thread(configuration, self.folder, handlers, stations, settings, tables)
            self._config = config.from_data(data, _SOURCE)
            try:
                await self._open_server()
            except ServerError:
                if last == _TRIES - 1:
                    raise
            else:
                break
        loaded = await asyncio.to_thread(
            load_found, files, self._config.plugins, _SOURCE, _nobody_owns, self._package
        )
        check_handlers(self._config, loaded)
        for failure in loaded.failed.values():
            raise failure
        await self._run(loaded)

    async def _open_server(self) -> None:
        table = self._config.file.ctserver[0]
        settings = await asyncio.to_thread(settings_of, self._config, table)
        if settings.log is not None:
            await asyncio.to_thread(settings.log.parent.mkdir, parents=True, exist_ok=True)
        log = await asyncio.to_thread(ServerLog, settings.log)
        server = Server(settings, log)
        try:
            await server.open()
        except ServerError:
            await asyncio.to_thread(log.close)
            raise
        self._stack.push_async_callback(asyncio.to_thread, log.close)
        self._stack.push_async_callback(server.close)

    async def _run(self, plugins: Plugins) -> None:
        """Run the daemon beside the ctserver that runs already, which is not its own to start."""
        file = self._config.file
        elsewhere = msgspec.structs.replace(file.ctserver[0], mode="remote")
        beside = msgspec.structs.replace(self._config, file=msgspec.structs.replace(file, ctserver=[elsewhere]))
        daemon = self._daemon = Daemon(beside, plugins, None, now=self.clock.now)
        with into(self.log):
            running = self._running = asyncio.create_task(daemon.run(), name="daemon")
        self._stack.push_async_callback(self._stop)
        await self.until(lambda: daemon.phase != "starting" or running.done())
        if running.done():
            running.result()

    async def _stop(self) -> None:
        assert self._running is not None  # noqa: S101 - called for one that runs
        self.daemon.stop_now()
        await self._running

    async def close(self) -> None:
        """End all: telephones, daemon, exchange."""
        await self._stack.aclose()

    def _unload(self) -> None:
        for name in [name for name in sys.modules if (name + ".").startswith(self._package + ".")]:
            del sys.modules[name]

    # -- telephones

    async def call(self, port: int = 1, *, number: str = "", name: str = "", rings: int | None = 10) -> Telephone:
        """Call a port, with this caller ID; it rings from now on.

        Args:
            port: The number of a trunk port.
            number: The caller's number; empty: none is sent.
            name: The caller's name.
            rings: After how many rings the caller gives up; None: never.
        """
        happened: list[Happening] = []
        phone = await Phone.dial(
            self.exchange_url, port, number=number, name=name, rings=rings, listen=happened.append
        )
        return self._connected(phone, happened)

    async def attach(self, port: int) -> Telephone:
        """The telephone set of a station port, on hook."""
        happened: list[Happening] = []
        return self._connected(await Phone.attach(self.exchange_url, port, listen=happened.append), happened)

    async def subscribe(self, number: str) -> Telephone:
        """A telephone of the exchange with this number, which the lines can dial, on hook."""
        happened: list[Happening] = []
        return self._connected(await Phone.subscribe(self.exchange_url, number, listen=happened.append), happened)

    def _connected(self, phone: Phone, happened: list[Happening]) -> Telephone:
        self._stack.push_async_callback(phone.close)
        return Telephone(phone, happened)

    # -- what it is and does

    @property
    def daemon(self) -> Daemon:
        """The running daemon."""
        assert self._daemon is not None  # noqa: S101 - whoever has a house has one that was started
        return self._daemon

    @property
    def store(self) -> Store:
        """Its database."""
        return self.daemon.store

    @property
    def exchange_url(self) -> str:
        """Where telephones attach."""
        return f"ws://{self._config.file.exchange.listen}/phone"

    def plugin(self, name: str) -> ModuleType:
        """The module of a plugin, as this house has loaded it."""
        return self.daemon.plugins.loaded[name].module

    @property
    def errors(self) -> list[str]:
        """The faults of plugins, in few words."""
        return [
            f"{name}: {hosted.last_fault}"
            for name, hosted in self.daemon.dispatcher.hosted.items()
            if hosted.faults
        ]

    async def calls(self) -> list[CallRecord]:
        """The log of calls, newest first."""
        await self.settle()
        return await self.store.calls()

    async def messages(self, mailbox: str | None = None) -> list[VoiceMessage]:
        """The messages of a mailbox, or of all, oldest first."""
        await self.settle()
        return await self.store.messages(mailbox)

    # -- what it waits for

    async def settle(self) -> None:
        """Wait until all is done that does not wait for time to pass."""
        await asyncio.sleep(FRAME)

    async def until(self, happened: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until something has happened; it is looked at each 20 ms of the line's time.

        Raises:
            AssertionError: It has not, within so many seconds of the line's time.
        """
        try:
            async with asyncio.timeout(within):
                while not happened():  # noqa: ASYNC110 - only a look can tell
                    await asyncio.sleep(FRAME)
        except TimeoutError:
            raise AssertionError(f"it has not happened within {within:g} s of the line's time") from None

    async def idle(self, within: float = PATIENCE) -> None:
        """Wait until no line has a call, and what was to be done about the last ones is done."""
        await self.until(lambda: not self.daemon.router.calls, within)
        await self.settle()
