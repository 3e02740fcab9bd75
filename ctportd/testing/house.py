"""A house with telephone lines: daemon, exchange and telephones in the test's own process and event loop."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.control.client import ControlClient
from ctportd.daemon import Daemon
from ctportd.hooks.generations import forget_all
from ctportd.hooks.loader import load_found
from ctportd.phone.client import Phone
from ctportd.phone.prompts import texts
from ctportd.phone.state import FRAME_SECONDS
from ctportd.site import check_handlers
from ctportd.store import Store
from ctportd.testing.capture import capturing, into
from ctportd.testing.clock import HouseClock
from ctportd.testing.reloading import HouseSource
from ctportd.testing.setup import find, find_again, open_exchange
from ctportd.testing.telephone import PATIENCE, Telephone
from ctportd.testing.time import LeapingTime, database_counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import ModuleType

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins
    from ctportd.hooks.sources import PluginFile, Source
    from ctportd.phone.happenings import Happening
    from ctportd.records import CallRecord, VoiceMessage
    from ctportd.status import Reloaded, Status
    from ctportd.testing.capture import Line
    from ctportd.testing.setup import Plan

__tracebackhide__ = True  # pytest shows the line of the test, and what it says

_serial = count(1)


class House:
    """A daemon with its lines. The fixture ``ctportd_line`` makes, starts and ends it.

    Attributes:
        folder: Where it lives: the state folder, and plugins that were given as text.
        clock: What it takes for the date and time of day; it can be set.
        log: What was logged, line by line: ``event``, ``level``, and ``port``, ``call`` and ``plugin`` where they are.
        expect_faults: Whether plugins may fail; else that fails the test.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.log: list[Line] = []
        self.expect_faults = False
        self._plan = plan
        self._leaping = LeapingTime.of(asyncio.get_running_loop())
        self.clock = HouseClock(self._leaping)
        self._stack = AsyncExitStack()
        self._package = f"ctportd_plugins_{next(_serial)}"
        self._found: dict[str, PluginFile] = {}
        self._config: Config
        self._running: asyncio.Task[None] | None = None
        self._daemon: Daemon | None = None

    # -- its life

    async def start(self) -> None:
        """Start all, and wait until it is ready.

        Raises:
            CtportdError: It cannot start; what is wrong with a plugin is raised, too.
        """
        enter = self._stack.enter_context
        enter(self._leaping.running())
        enter(database_counted())
        enter(capturing())
        await asyncio.to_thread(texts)  # for those who read what a telephone heard
        self._config = await open_exchange(self.folder, self._plan, self._stack)
        self._stack.callback(self._unload)
        self._stack.push_async_callback(self._end)
        await self._run()

    async def _run(self) -> None:
        """Run the daemon beside the ctserver that runs already, which is not its own to start."""
        source = HouseSource(self.config_path, self._find_again)
        config = await asyncio.to_thread(source.config)
        plugins = await asyncio.to_thread(self._load, config)
        daemon = self._daemon = Daemon(config, plugins, None, now=self.clock.now, source=source)
        with into(self.log):
            running = self._running = asyncio.create_task(daemon.run(), name="daemon")
        await self.until(lambda: daemon.phase != "starting" or running.done())
        if running.done():
            running.result()

    def _load(self, config: Config) -> Plugins:
        self._unload()
        self._found = find(self._plan.plugins, self.folder / "plugins", self._package)
        plugins = load_found(self._found, config.plugins, config.source)
        check_handlers(config, plugins)
        for failure in plugins.failed.values():
            if not self.expect_faults:
                raise failure
        return plugins

    def _find_again(self) -> Mapping[str, Source]:
        return find_again(self._found.values(), self.folder / "plugins", self._package)

    def _unload(self) -> None:
        forget_all(self._package)

    async def stop(self) -> None:
        """Stop the daemon as SIGTERM does: calls under way have ``[daemon] drain_timeout``, which is 0 here at first."""
        running, self._running = self._running, None
        if running is not None:
            self.daemon.stop()
            await running

    async def _end(self) -> None:
        if self._running is not None:
            self.daemon.stop_now()
        await self.stop()

    async def restart(self) -> None:
        """Stop the daemon in order, and start it anew: plugins are loaded again, and know what is on disk only.

        Lines and telephones are there all the time. A call under way is ended at once.
        """
        await self._end()
        await self._run()

    async def reload(self, plugins: Sequence[str] = ()) -> Reloaded:
        """Have the daemon load :attr:`config_path` anew, and these plugins even if they have not changed.

        Plugins are files by now: those that were given as text are in ``plugins`` below :attr:`folder`.

        Raises:
            ConfigError: The file, or a plugin, has a mistake. Everything is as it was.
        """
        with into(self.log):
            return await self.daemon.reload(plugins)

    async def close(self) -> None:
        """End all: telephones, daemon, exchange."""
        await self._stack.aclose()

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

    @property
    def config_path(self) -> Path:
        """A file with its configuration, for ``ctportd --config``: the daemon answers on its control socket."""
        return self.folder / "ctportd.toml"

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

    async def status(self) -> Status:
        """What ``ctportd status`` tells."""
        return await ControlClient(Path(self._config.file.control.socket)).status()

    async def calls(self) -> list[CallRecord]:
        """The log of calls, newest first: what is in the database, whether the daemon runs or not."""
        async with self._looking() as store:
            return await store.calls()

    async def messages(self, mailbox: str | None = None) -> list[VoiceMessage]:
        """The messages of a mailbox, or of all, oldest first, as above."""
        async with self._looking() as store:
            return await store.messages(mailbox)

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[Store]:
        await self.settle()
        store = Store(self._config.store_url)
        await store.open(create=False)
        try:
            yield store
        finally:
            await store.close()

    # -- time

    def real_time(self) -> AbstractContextManager[None]:
        """Let time go as it does in life in this block, as where another process, or a far server, has its part."""
        return self._leaping.real()

    async def settle(self) -> None:
        """Wait until all is done that does not wait for time to pass."""
        await asyncio.sleep(FRAME_SECONDS)

    async def until(self, happened: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until something has happened; it is looked at each 20 ms of the line's time.

        Raises:
            AssertionError: It has not, within so many seconds of the line's time.
        """
        try:
            async with asyncio.timeout(within):
                while not happened():  # noqa: ASYNC110 - only a look can tell
                    await asyncio.sleep(FRAME_SECONDS)
        except TimeoutError:
            raise AssertionError(f"it has not happened within {within:g} s of the line's time") from None

    async def idle(self, within: float = PATIENCE) -> None:
        """Wait until no line has a call, and what was to be done about the last ones is done."""
        await self.until(lambda: not self.daemon.router.calls, within)
        await self.settle()
