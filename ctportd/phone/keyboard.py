"""A terminal's keyboard as a telephone's: each key counts at once, and nothing is echoed."""

from __future__ import annotations

import asyncio
import os
import re
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

HANG_UP = "hq\x03\x04"
"""Keys that hang up: h, q, Ctrl-C and Ctrl-D."""

_LOCAL_FLAGS = 3  # where termios keeps them

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")
"""What arrow and function keys send: the A in it is no key of a telephone."""


class Keyboard:
    """The keyboard, while entered. Ctrl-C is a key like others, and Ctrl-Z does not stop a call."""

    def __init__(self, terminal: int) -> None:
        """``terminal`` is the file descriptor."""
        self._terminal = terminal
        self._keys: asyncio.Queue[str | None] = asyncio.Queue()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._terminal)
        modes = termios.tcgetattr(self._terminal)
        modes[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, modes)
        asyncio.get_running_loop().add_reader(self._terminal, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        # a terminal whose window was closed is beyond help
        with suppress(termios.error):
            # flushed: what was typed for the telephone is not for the shell
            termios.tcsetattr(self._terminal, termios.TCSAFLUSH, self._before)

    async def keys(self) -> AsyncIterator[str]:
        """Each key that is pressed, until :meth:`stop`."""
        while (key := await self._keys.get()) is not None:
            yield key

    def stop(self) -> None:
        """End :meth:`keys`, after what was typed before."""
        self._keys.put_nowait(None)

    def _read(self) -> None:
        try:
            typed = os.read(self._terminal, 1024)
        except OSError:  # the terminal's window was closed
            typed = b""
        if not typed:
            asyncio.get_running_loop().remove_reader(self._terminal)
        for key in _ESCAPE.sub("", typed.decode("utf-8", "replace")) if typed else HANG_UP[0]:
            self._keys.put_nowait(key)
