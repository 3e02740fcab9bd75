"""Watches the folder of plugins, as long as somebody works there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from watchfiles import awatch

from ctportd.hooks.sources import passing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

STEP = 200
"""Milliseconds without a change after which changes are over: editors write in several steps (our figure)."""

LONGEST = 800
"""Milliseconds after which they are taken though there are more (our figure)."""

LOOK_EVERY = 1000
"""Milliseconds after which it is looked whether the folder is the one that is watched still (our figure)."""

AGAIN = 1.0
"""Seconds after which a folder is watched again that could not be (our figure)."""

log = structlog.stdlib.get_logger("ctportd.plugins")


async def watch(directory: Path, changed: Callable[[], Awaitable[object]]) -> None:
    """Tell whenever something in a folder of plugins has changed, until cancelled.

    A folder that is not there, or is put there anew, is watched as soon as that can be.

    Args:
        directory: The folder; absolute, as the paths are that are told.
        changed: Is waited for; what changes meanwhile is told after it.
    """
    told = ""
    while True:
        try:
            async for _ in _changes(directory):
                told = ""
                await changed()
        except (OSError, RuntimeError) as error:  # the library raises the latter where inotify fails
            if str(error) != told:
                told = str(error)
                log.warning("the folder of plugins cannot be watched; it is tried again", error=told)
        await asyncio.sleep(AGAIN)
        await changed()  # of what has happened meanwhile nothing was told


async def _changes(directory: Path) -> AsyncIterator[None]:
    """One for each time that something of a plugin has changed; ends when the folder is another one."""
    watched = await asyncio.to_thread(_identity, directory)
    first = True  # what changed before the kernel began to watch was not told
    async for changes in awatch(
        directory,
        watch_filter=None,
        debounce=LONGEST,
        step=STEP,
        rust_timeout=LOOK_EVERY,
        yield_on_timeout=True,
        force_polling=False,
    ):
        if first or _matter((path for _, path in changes), directory):
            first = False
            yield
        if await asyncio.to_thread(_identity, directory) != watched:
            return


def _identity(directory: Path) -> tuple[int, int]:
    found = directory.stat()
    return found.st_dev, found.st_ino


def _matter(paths: Iterable[str], directory: Path) -> bool:
    """Whether one of the paths is a part of a plugin."""
    return any(not any(map(passing, Path(path).parts[len(directory.parts) :])) for path in paths)
