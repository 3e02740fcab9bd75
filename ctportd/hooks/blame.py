"""Which plugin's code stands in a traceback, a stack or a frame."""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import ctportd
from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType, TracebackType

    from ctportd.hooks.loader import Plugin

_OURS = str(Path(ctportd.__file__).parent) + os.sep
_HOOKS = str(Path(__file__).parent) + os.sep  # from here plugins are called: what is further out is not theirs
_RUN = asyncio.Handle._run.__code__  # noqa: SLF001 - where the loop calls: what is further out began nothing


class Blame:
    """Knows the plugins by their files: one file, or any below a plugin's folder.

    Where there are several generations of one plugin, the names of modules tell them apart.
    """

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.know(plugins)

    def know(self, plugins: Iterable[Plugin]) -> None:
        """Know these from now on, and no others; of one name, the newest last."""
        files: dict[str, list[Plugin]] = {}
        folders: dict[str, list[Plugin]] = {}
        for plugin in plugins:
            file = getattr(plugin.module, "__file__", None)
            if file is None:
                continue
            if hasattr(plugin.module, "__path__"):
                folder = os.path.dirname(file) + os.sep  # noqa: PTH120 - compared as text
                folders.setdefault(folder, []).insert(0, plugin)
            else:
                files.setdefault(file, []).insert(0, plugin)

        def of_file(file: str) -> Sequence[Plugin]:
            """The generations of the plugin that a file belongs to, if it is any's; the newest first."""
            if file in files:
                return files[file]
            return next((found for folder, found in folders.items() if file.startswith(folder)), ())

        self.of_file = lru_cache(4096)(of_file)  # tracebacks and stacks are long, their files few

    def _of_code(self, frame: FrameType) -> Plugin | None:
        """The plugin to which the code of a frame belongs."""
        found = self.of_file(frame.f_code.co_filename)
        if len(found) <= 1:
            return found[0] if found else None
        module = f"{frame.f_globals.get('__name__', '')}."
        return next((one for one in found if module.startswith(f"{one.module.__name__}.")), found[0])

    def of_frame(self, frame: FrameType | None) -> Plugin | None:
        """The plugin whose code is the innermost in a stack."""
        while frame is not None:
            plugin = self._of_code(frame)
            if plugin is not None:
                return plugin
            frame = frame.f_back
        return None

    def of_error(self, error: BaseException) -> Plugin | None:
        """The plugin whose code is the innermost in an error's traceback; for a group, in that of its errors."""
        plugin = self._of_traceback(error.__traceback__)
        if plugin is None and isinstance(error, BaseExceptionGroup):
            return next(filter(None, map(self.of_error, error.exceptions)), None)
        return plugin

    def _of_traceback(self, traceback: TracebackType | None) -> Plugin | None:
        plugin = started = None
        while traceback is not None:
            frame = traceback.tb_frame
            plugin = self._of_code(frame) or plugin
            if frame.f_code is _RUN:
                started = _started_in(frame)
            elif frame.f_code.co_filename.startswith(_OURS):
                started = None  # ctportd's own callback, though a plugin made it come
            traceback = traceback.tb_next
        return plugin or started

    def began(self, frame: FrameType | None) -> bool:
        """Whether what is begun in this frame, while a plugin's hook or task runs, is the plugin's own doing.

        It is not where ctportd's code does it on its own account, though a plugin has called that.
        """
        while frame is not None and frame.f_code is not _RUN:
            file = frame.f_code.co_filename
            if self.of_file(file) or file.startswith(_HOOKS):
                return True
            if file.startswith(_OURS):
                return False
            frame = frame.f_back
        return True


def _started_in(frame: FrameType) -> Plugin | None:
    """The plugin in whose hook a callback was scheduled: ``call_soon(sys.exit)`` leaves no code of it to be seen."""
    handle = frame.f_locals.get("self")
    if not isinstance(handle, asyncio.Handle):
        return None
    running = handle._context.get(current_hook)  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public tells it
    return cast("Plugin", running[0]) if running else None
