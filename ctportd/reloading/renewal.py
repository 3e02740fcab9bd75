"""Plugins alone are loaded anew, each for itself, when something changes in their folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd.calls.leg import handler_parts
from ctportd.errors import CtportdError
from ctportd.hooks.watch import watch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ctportd.config import Config
    from ctportd.hooks.loader import Plugins
    from ctportd.parts import Parts

log = structlog.stdlib.get_logger("ctportd.plugins")


class FolderWatch:
    """Watches the folder of plugins while the configuration wants that.

    Args:
        parts: Among which it runs.
        renew: Loads what has changed.
    """

    def __init__(self, parts: Parts, renew: Callable[[], Awaitable[None]]) -> None:
        self._parts = parts
        self._renew = renew
        self._watched: str | None = None
        self._part: asyncio.Task[None] | None = None

    def use(self, config: Config) -> None:
        """Watch what this configuration says, from now on."""
        table = config.file.plugins
        wanted = table.directory if table.watch else None
        if wanted == self._watched:
            return
        self.stop()
        self._watched = wanted
        if wanted is not None:
            self._part = self._parts.begin(watch(Path(wanted).absolute(), self._changed), "watch of plugins")
            log.info("the folder of plugins is watched", directory=wanted)

    def stop(self) -> None:
        """Watch no more."""
        if self._part is not None:
            self._part.cancel()
        self._watched = self._part = None

    async def _changed(self) -> None:
        try:
            await self._renew()
        except CtportdError as error:
            log.error("plugins are not loaded anew", error=str(error))  # noqa: TRY400 - it says all
        except Exception:  # whatever nobody has foreseen of plugins ends no daemon
            log.exception("plugins are not loaded anew")


def is_same(before: Plugins, after: Plugins) -> bool:
    """Whether nothing has changed: the same plugins, and the same reasons why others are not there."""
    return (
        before.loaded == after.loaded
        and before.disabled == after.disabled
        and {name: one.error for name, one in before.refused.items()}
        == {name: one.error for name, one in after.refused.items()}
        and before.failed.keys() == after.failed.keys()
    )


def tell_changes(before: Plugins, after: Plugins, handlers: Mapping[str, Sequence[str]]) -> None:
    """Log what a change of plugins has come to.

    Args:
        before: Those that were on duty.
        after: Those that are now.
        handlers: The handlers of each port: one that is gone leaves its calls to the next.
    """
    for name in sorted(after.loaded.keys() - before.loaded.keys()):
        log.info("a plugin is loaded", plugin=name)
    for name in sorted(after.loaded.keys() & before.loaded.keys()):
        if after.loaded[name] is not before.loaded[name]:
            log.info("a plugin is replaced; calls under way end with the older one", plugin=name)
    for name, refusal in after.refused.items():
        known = before.refused.get(name)
        if known is None or known.error is not refusal.error:
            older = "goes on" if name in after.loaded else "there is none"
            log.error("a plugin cannot be loaded", plugin=name, error=str(refusal.error), older=older)
    for name in sorted(before.loaded.keys() - after.loaded.keys()):
        ports = [port for port, named in handlers.items() if name in {handler_parts(one)[0] for one in named}]
        log.info("a plugin is taken out", plugin=name)
        if ports:
            log.error("the handler of ports is gone: their calls go to the next one", plugin=name, ports=ports)
