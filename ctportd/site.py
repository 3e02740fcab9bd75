"""An installation as it is configured: what plugins may use of it though no daemon runs."""

from __future__ import annotations

import asyncio
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from ctportd.calls.files import Prompts
from ctportd.calls.leg import handler_parts
from ctportd.errors import ConfigError
from ctportd.hooks.loader import load_plugins

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from ctportd.calls.numbers import Numbers
    from ctportd.config import Config
    from ctportd.hooks.dispatch import Dispatcher
    from ctportd.hooks.inquiry import Explanation, Inquiry
    from ctportd.hooks.loader import Plugins
    from ctportd.store import Store


_T = TypeVar("_T")


def load_configured_plugins(config: Config) -> Plugins:
    """Load the plugins of a configuration, and check that its ports' handlers are among them.

    Raises:
        ConfigError: The configuration and the plugins do not fit.
    """
    table = config.file.plugins
    plugins = load_plugins(Path(table.directory), config.plugins, config.source, with_shipped=table.shipped)
    check_handlers(config, plugins)
    return plugins


def check_handlers(config: Config, plugins: Plugins) -> None:
    """Check that the handlers of all ports are among the plugins, and answer calls.

    Raises:
        ConfigError: One does not.
    """
    for port in config.file.port:
        names = [handler_parts(handler)[0] for handler in port.handlers]
        plugins.check_handlers(names, f"{config.source}: [[port]] number {port.number}")


def configured_numbers(config: Config) -> Numbers:
    """What reads telephone numbers by a configuration.

    Raises:
        ConfigError: There is no such country.
    """
    from ctportd.calls.numbers import Numbers  # noqa: PLC0415 - most commands need none

    try:
        return Numbers(config.file.numbers.country, config.file.numbers.area)
    except ConfigError as error:
        raise ConfigError(f"{config.source}: {error}") from error


def configured_prompts(config: Config) -> Prompts:
    """What finds the prompts of a configuration."""
    table = config.file.prompts
    return Prompts(
        [Path(path) for path in table.paths],
        table.default_ext,
        ignore_dtmf=table.ignore_dtmf,
        language=table.language,
    )


def configured_handlers(config: Config) -> dict[str, list[str]]:
    """The handlers of each port of a configuration, by its address, such as ``main:1``."""
    return {
        f"{server.name}:{port.number}": port.handlers
        for server in config.file.ctserver
        for port in config.ports_of(server)
    }


class ConfiguredSite:
    """An installation whose daemon need not run: it looks, and changes nothing.

    What takes long to load is loaded when it is first used. The store is opened then, too, and closed at the end of an
    ``async with`` block.

    Args:
        config: The configuration.
        plugins: Its plugins, loaded.
        writable: Whether the store may be written to: for the plugins' own commands.

    Attributes:
        config: As given.
        plugins: As given.
        state: The folder of what survives.
        prompts: Finds files to play.
    """

    def __init__(self, config: Config, plugins: Plugins, *, writable: bool = False) -> None:
        self.config = config
        self.plugins = plugins
        self.state = config.state
        self.prompts = configured_prompts(config)
        self._store_url = config.store_url
        self._writable = writable

    @property
    def handlers(self) -> Mapping[str, Sequence[str]]:
        """The handlers of each port, by its address."""
        return configured_handlers(self.config)

    @property
    def mails(self) -> bool:
        """Whether there is a mail server to send letters to."""
        return bool(self.config.file.mail.host)

    @cached_property
    def numbers(self) -> Numbers:
        """Reads telephone numbers."""
        return configured_numbers(self.config)

    @cached_property
    def store(self) -> Store:
        """The database, opened when it is first used; empty where there is none yet."""
        from ctportd.store.looking import LookStore  # noqa: PLC0415 - SQLAlchemy takes longer to load than all the rest

        return LookStore(self._store_url, writable=self._writable)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """Calls the plugins, as a running daemon's does."""
        from ctportd.hooks.dispatch import Dispatcher  # noqa: PLC0415 - as above

        return Dispatcher(self.plugins, cast("Any", self), self.config.file.plugins)

    def check_handler(self, handler: str) -> str:
        """What is wrong with a handler such as ``voicemail:100``; empty where nothing is."""
        return self.dispatcher.questions.check_handler(handler)

    async def explain(self, handler: str, inquiry: Inquiry) -> Explanation:
        """What a handler would do with such a call."""
        return await self.dispatcher.questions.explain(handler, inquiry)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something to its end, in an event loop of its own, and close the store."""
        assert self.store is not None  # noqa: S101 - it is loaded before the loop turns, which that would hold up
        return asyncio.run(self._closing(work))

    async def _closing(self, work: Coroutine[Any, Any, _T]) -> _T:
        async with self:
            return await work

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if "store" in vars(self):
            await self.store.close()
