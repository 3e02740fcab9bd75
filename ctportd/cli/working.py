"""What a command shows on a terminal while it waits: on standard error, so that no pipe has it."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

AFTER = 1.0
"""Seconds that something may take before it is shown (our figure)."""


class Working:
    """A line that says what is waited for, and moves; there is none where standard error is no terminal."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._status: Status | None = None
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        if sys.stderr.isatty():
            self._timer = threading.Timer(AFTER, self._show)
            self._timer.daemon = True
            self._timer.start()

    @property
    def on_terminal(self) -> bool:
        """Whether anything is shown at all."""
        return self._timer is not None

    def now(self, text: str) -> None:
        """Something else is waited for, or less."""
        with self._lock:
            self._text = text
            if self._status is not None:
                self._status.update(_plain(text))

    def _show(self) -> None:
        from rich.console import Console

        with self._lock:
            if self._timer is None:
                return
            self._status = Console(stderr=True, highlight=False).status(_plain(self._text))
            self._status.start()

    def end(self) -> None:
        """Show nothing any more, and leave no trace on the terminal."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._status is not None:
                self._status.stop()
                self._status = None


def _plain(text: str) -> str:
    """Text in which rich finds no markup."""
    from rich.markup import escape

    from ctportd.display import shown

    return escape(shown(text))


@contextmanager
def working(text: str) -> Iterator[Working]:
    """Show on a terminal what is waited for, if that takes longer than :data:`AFTER`."""
    shows = Working(text)
    try:
        yield shows
    finally:
        shows.end()
