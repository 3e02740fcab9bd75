"""``ctportd top`` on a terminal: the screen, once a second, and the keys that end it."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.live import Live

from ctportd.errors import ControlError
from ctportd.showing.picture import compared
from ctportd.showing.top import screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.control.client import ControlClient
    from ctportd.showing.picture import Picture

EVERY = 1.0
"""Seconds between two pictures."""

GLANCE = 0.5
"""Seconds over which a single picture counts what happens (our figure)."""

_LINES = 20  # of the log that tell of trouble
_LEAVE = b"qQ\x03\x1b"  # Ctrl-C comes as a byte where signals are off


async def picture(control: ControlClient, seconds: float = GLANCE) -> Picture:
    """One picture.

    Raises:
        ControlError: No daemon answers.
    """
    before = await control.status()
    await asyncio.sleep(seconds)
    return compared(await control.status(), before, seconds, await _warnings(control))


async def watch(control: ControlClient) -> None:
    """Show pictures until a key is pressed that ends it. A daemon that is not reached may come back.

    Raises:
        ControlError: No daemon answers at first.
    """
    last = compared(await control.status(), await control.status(), 0.0, await _warnings(control))
    console = Console(highlight=False, markup=False, emoji=False)
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    with _keys(leave), Live(console=console, screen=True, auto_refresh=False) as live:
        since = loop.time()
        while not leave.is_set():
            live.update(screen(last, datetime.now(UTC), console.height), refresh=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await leave.wait()
            last, since = await _next(control, last, loop.time() - since), loop.time()


async def _next(control: ControlClient, last: Picture, seconds: float) -> Picture:
    try:
        return compared(await control.status(), last.status, seconds, await _warnings(control))
    except ControlError as error:
        return msgspec.structs.replace(last, problem=str(error), events={}, called={}, load=0.0)


async def _warnings(control: ControlClient) -> list[dict[str, Any]]:
    asked = {"level": "warning", "lines": str(_LINES), "follow": "false"}
    return [msgspec.json.decode(sent.data) async for sent in control.follow("/v1/logs", asked)]


@contextmanager
def _keys(leave: asyncio.Event) -> Iterator[None]:
    """Read keys one by one as long as the block lasts, unseen; some of them end it."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()

    def read() -> None:
        pressed = os.read(terminal, 64)
        if not pressed or any(key in _LEAVE for key in pressed[:1]):
            leave.set()
            loop.remove_reader(terminal)

    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
