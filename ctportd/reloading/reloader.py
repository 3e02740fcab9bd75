"""Configuration and plugins are loaded anew, all or nothing: checked as a whole, then put in force in one step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from ctportd.checks import check_configuration
from ctportd.config.differences import differences, in_force
from ctportd.errors import ConfigError, ControlError, CtportdError, PluginError
from ctportd.hooks.loader import Plugins
from ctportd.hooks.renewal import give_back
from ctportd.reloading.renewal import is_same, tell_changes
from ctportd.site import ConfiguredSite, configured_handlers, configured_numbers, configured_prompts
from ctportd.status import Reloaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ctportd.calls.files import Prompts
    from ctportd.calls.numbers import Numbers
    from ctportd.config import Config
    from ctportd.config.differences import Differences
    from ctportd.reloading.source import Source
    from ctportd.systemd import Systemd

_STOPPING = "nothing is loaded anew: the daemon is stopping"

log = structlog.stdlib.get_logger("ctportd")


class Running(Protocol):
    """The daemon, as it is reloaded."""

    config: Config
    phase: str
    handlers: dict[str, list[str]]

    @property
    def plugins(self) -> Plugins:
        """Those that are on duty."""

    def take_plugins(self, plugins: Plugins) -> None:
        """Have these on duty. It waits for nothing, and cannot fail."""

    def put_in_force(self, prepared: Prepared) -> None:
        """Go by what was loaded and checked. It waits for nothing, and cannot fail."""

    def tell_reloaded(self, reloaded: Reloaded) -> None:
        """Tell those who follow what happens."""


@dataclass(frozen=True)
class Prepared:
    """What was loaded and checked, and is to be put in force.

    Attributes:
        config: The configuration; keys that wait for the next start are as they were.
        differences: What is new in it.
        plugins: The plugins.
        numbers: What reads telephone numbers by it.
        prompts: What finds prompts by it.
        handlers: The handlers of each port.
        hints: What is probably not meant.
    """

    config: Config
    differences: Differences
    plugins: Plugins
    numbers: Numbers
    prompts: Prompts
    handlers: dict[str, list[str]]
    hints: list[str]


class Reloader:
    """Reloads a daemon, one time after the other.

    Args:
        daemon: The daemon.
        source: Where configuration and plugins come from.
        systemd: Told when a reload begins, and when it is over.
    """

    def __init__(self, daemon: Running, source: Source, systemd: Systemd) -> None:
        self._daemon = daemon
        self._source = source
        self._systemd = systemd
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[Reloaded] | None = None
        self._asked: set[str] = set()
        self._started = asyncio.Event()
        self._tasks: set[asyncio.Task[Reloaded]] = set()

    def begin(self) -> None:
        """The daemon has started: what was asked for meanwhile is done now."""
        self._started.set()

    def stop(self) -> None:
        """Begin no more."""
        for task in self._tasks:
            task.cancel()

    async def reload(self, plugins: Iterable[str] = ()) -> Reloaded:
        """Load the file and the plugins that have changed, and go by them from now on.

        While one reload is under way, all that are asked for are one, which comes after it.

        Args:
            plugins: Those that are loaded anew though nothing of theirs has changed.

        Raises:
            ConfigError: The file, or a plugin, has a mistake. Everything is as it was.
            ControlError: The daemon is stopping.
        """
        self._asked |= set(plugins)
        if self._next is None:
            self._next = asyncio.create_task(self._take_turn(), name="reload")
            self._tasks.add(self._next)
            self._next.add_done_callback(self._tasks.discard)
        task = self._next
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # and nobody has cancelled us
                raise ControlError(_STOPPING) from None
            raise

    async def _take_turn(self) -> Reloaded:
        async with self._turn:
            await self._started.wait()
            self._next, plugins, self._asked = None, frozenset(self._asked), set()
            if self._daemon.phase != "ready":
                raise ControlError(_STOPPING)
            self._systemd.reloading()
            try:
                return await self._reload(plugins)
            finally:
                if self._daemon.phase == "ready":
                    self._systemd.ready()

    async def _reload(self, plugins: frozenset[str]) -> Reloaded:
        try:
            prepared = await asyncio.to_thread(self._prepare, plugins)
        except CtportdError as error:
            log.error("reload refused, everything is as it was", error=str(error))  # noqa: TRY400 - it says all
            raise
        before = self._daemon.plugins
        if self._daemon.phase != "ready":
            give_back(prepared.plugins, before)
            raise ControlError(_STOPPING)
        self._daemon.put_in_force(prepared)
        reloaded = _told(before, prepared.plugins, prepared.differences, prepared.hints)
        self._daemon.tell_reloaded(reloaded)
        log.info("reloaded", **{key: value for key, value in msgspec.structs.asdict(reloaded).items() if value})
        return reloaded

    async def renew_plugins(self) -> None:
        """Load the plugins that have changed, each for itself, and have them on duty from now on.

        Raises:
            ConfigError: There is no folder of plugins.
            PluginError: One takes too long to load.
        """
        async with self._turn:
            before = self._daemon.plugins
            plugins = await asyncio.to_thread(self._source.each_plugin, self._daemon.config, before)
            if self._daemon.phase != "ready":
                give_back(plugins, before)
            elif not is_same(before, plugins):
                self._daemon.take_plugins(plugins)
                self._daemon.tell_reloaded(_told(before, plugins))
                tell_changes(before, plugins, self._daemon.handlers)

    def _prepare(self, anew: frozenset[str]) -> Prepared:
        """Load all, and check it; for a thread.

        Raises:
            ConfigError: It has a mistake.
        """
        told = self._source.config()
        changed = differences(self._daemon.config, told)
        config = in_force(self._daemon.config, told)
        numbers = configured_numbers(config)
        running = self._daemon.plugins
        # plugins read numbers as they read their settings: where it is done another way, all have to do so again
        before = Plugins({}) if "[numbers]" in changed.changed else running
        try:
            plugins = self._source.plugins(config, before, anew)
        except PluginError as error:
            raise ConfigError(str(error)) from error
        try:
            hints = _hints(ConfiguredSite(config, plugins))
        except BaseException:
            give_back(plugins, running)
            raise
        handlers = configured_handlers(config)
        return Prepared(config, changed, plugins, numbers, configured_prompts(config), handlers, hints)


def _hints(site: ConfiguredSite) -> list[str]:
    """What is probably not meant in a configuration that has no mistake.

    Raises:
        ConfigError: It has one.
    """
    problems = check_configuration(site).problems
    serious = [str(problem) for problem in problems if problem.serious]
    if serious:
        raise ConfigError(f"{site.config.source}: {'; '.join(serious)}")
    return [str(problem) for problem in problems]


def _told(
    before: Plugins, after: Plugins, changed: Differences | None = None, hints: Sequence[str] = ()
) -> Reloaded:
    """What a reload came to; without a new configuration, where there is none."""
    was, now = before.loaded, after.loaded
    return Reloaded(
        plugins_added=sorted(now.keys() - was.keys()),
        plugins_replaced=sorted(name for name in now.keys() & was.keys() if now[name] is not was[name]),
        plugins_removed=sorted(was.keys() - now.keys()),
        hints=list(hints),
        **({} if changed is None else msgspec.structs.asdict(changed)),
    )
