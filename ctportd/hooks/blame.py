"""Which plugin's code stands in a traceback, a stack or a frame."""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import ctportd
from ctportd.logs import current_hook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType, TracebackType

    from ctportd.hooks.loader import Plugin

_OURS = str(Path(ctportd.__file__).parent) + os.sep
_HOOKS = str(Path(__file__).parent) + os.sep  # from here plugins are called: what is further out is not theirs
_RUN = asyncio.Handle._run.__code__  # noqa: SLF001 - where the loop calls: what is further out began nothing


class Blame:
    """Knows the plugins by their files: one file, or any below a plugin's folder."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        for plugin in plugins:
            file = getattr(plugin.module, "__file__", None)
            if file is None:
                continue
            if hasattr(plugin.module, "__path__"):
                self._folders[os.path.dirname(file) + os.sep] = plugin.name  # noqa: PTH120 - compared as text
            else:
                self._files[file] = plugin.name
        self.of_file = lru_cache(4096)(self._of_file)  # tracebacks and stacks are long, their files few

    def _of_file(self, file: str) -> str | None:
        """The plugin that a file belongs to, if it is any's."""
        if file in self._files:
            return self._files[file]
        return next((name for folder, name in self._folders.items() if file.startswith(folder)), None)

    def of_frame(self, frame: FrameType | None) -> str | None:
        """The plugin whose code is the innermost in a stack."""
        while frame is not None:
            name = self.of_file(frame.f_code.co_filename)
            if name is not None:
                return name
            frame = frame.f_back
        return None

    def of_error(self, error: BaseException) -> str | None:
        """The plugin whose code is the innermost in an error's traceback; for a group, in that of its errors."""
        name = self._of_traceback(error.__traceback__)
        if name is None and isinstance(error, BaseExceptionGroup):
            return next(filter(None, map(self.of_error, error.exceptions)), None)
        return name

    def _of_traceback(self, traceback: TracebackType | None) -> str | None:
        name = started = None
        while traceback is not None:
            frame = traceback.tb_frame
            file = frame.f_code.co_filename
            name = self.of_file(file) or name
            if frame.f_code is _RUN:
                started = _started_in(frame)
            elif file.startswith(_OURS):
                started = None  # ctportd's own callback, though a plugin made it come
            traceback = traceback.tb_next
        return name or started

    def began(self, frame: FrameType | None) -> bool:
        """Whether what is begun in this frame, while a plugin's hook or task runs, is the plugin's own doing.

        It is not where ctportd's code does it on its own account, though a plugin has called that.
        """
        while frame is not None and frame.f_code is not _RUN:
            file = frame.f_code.co_filename
            if self.of_file(file) is not None or file.startswith(_HOOKS):
                return True
            if file.startswith(_OURS):
                return False
            frame = frame.f_back
        return True


def _started_in(frame: FrameType) -> str | None:
    """The plugin in whose hook a callback was scheduled: ``call_soon(sys.exit)`` leaves no code of it to be seen."""
    handle = frame.f_locals.get("self")
    if not isinstance(handle, asyncio.Handle):
        return None
    running = handle._context.get(current_hook)  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public tells it
    return running[0] if running else None
