"""Notices when the event loop is held, tells by whom, and interrupts a plugin that does not let go."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from ctportd.errors import HookInterrupted
from ctportd.hooks.hold import Hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from ctportd.hooks.blame import Blame
    from ctportd.hooks.loader import Plugin

STEP = 0.25
"""Seconds between two looks of the thread, at most (our figure)."""

SIGNAL = signal.SIGURG
"""Interrupts the main thread. By default it does nothing, so one that comes late does no harm."""

log = structlog.stdlib.get_logger("ctportd.plugins")


class Watchdog:
    """A thread that asks the event loop for a sign of life, again and again.

    It tells in the log who holds the loop, while it is held. A plugin's code that holds it for much longer is
    interrupted by a signal, whose handler raises HookInterrupted in the midst of it.

    Args:
        blame: Knows the plugins by their files.
        limit: Seconds after which it tells (0: never).
        kill: Seconds after which a plugin is interrupted (0: never).
        fault: Told of a plugin that has held the loop, on the loop, once that turns again: plugin, what, error.
    """

    def __init__(
        self, blame: Blame, limit: float, kill: float, fault: Callable[[Plugin, str, BaseException], None]
    ) -> None:
        self._blame = blame
        self._fault = fault
        self._hold = Hold(limit, kill)
        self._step = min(STEP, *(seconds / 4 for seconds in (limit, kill) if seconds)) if limit or kill else 0.0
        self._over = threading.Event()
        self._asked = self._answered = 0
        self._aim: tuple[Plugin, int] | None = None
        self._thread_id = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running loop as long as the block lasts."""
        in_main = threading.current_thread() is threading.main_thread()
        if not self._step or not in_main:  # only the main thread can be interrupted
            yield
            return
        self._over.clear()
        self._thread_id = threading.get_ident()
        before = signal.signal(SIGNAL, self._interrupt)
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._over.set()
            signal.signal(SIGNAL, before)

    # -- in the thread

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        before = time.monotonic()
        while not self._over.wait(self._step):
            now = time.monotonic()
            passed = min(now - before, 2 * self._step)  # a process that was stopped, or starved, proves nothing
            before = now
            try:
                self._look(loop, passed)
            except RuntimeError:  # the loop is closed
                return

    def _look(self, loop: asyncio.AbstractEventLoop, passed: float) -> None:
        if self._answered == self._asked:
            held = self._hold.turned()
            if held is not None:
                log.info("the event loop turns again", seconds=round(held, 1))
            self._asked += 1
            loop.call_soon_threadsafe(self._answer, self._asked)
            return
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - the documented way
        culprit = self._blame.of_frame(frame)
        if self._hold.lasts(passed, culprit):
            self._tell(loop, frame, culprit)
        if self._hold.kills() and culprit is not None:
            log.error("a plugin does not let go of the event loop: it is interrupted", plugin=culprit.name)
            self._aim = culprit, self._asked
            signal.pthread_kill(self._thread_id, SIGNAL)

    def _tell(self, loop: asyncio.AbstractEventLoop, frame: FrameType | None, culprit: Plugin | None) -> None:
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        if culprit is None:
            log.error("the event loop is held, by no plugin", seconds=round(self._hold.seconds, 1), stack=stack)
            return
        seconds = round(self._hold.culprits_seconds, 1)
        log.error("a plugin holds the event loop", plugin=culprit.name, seconds=seconds, stack=stack)
        problem = RuntimeError(f"held up everybody else for more than {seconds:g} s")
        loop.call_soon_threadsafe(self._fault, culprit, "event loop", problem)

    # -- in the main thread

    def _answer(self, number: int) -> None:
        self._answered = number

    def _interrupt(self, _number: int, frame: FrameType | None) -> None:
        """Raise in the plugin's code, if it is still the one that holds the loop; anywhere else it does harm."""
        aim, self._aim = self._aim, None
        if aim is not None and self._answered < aim[1] and self._blame.of_frame(frame) == aim[0]:
            raise HookInterrupted(aim[0].name, self._hold.culprits_seconds)
