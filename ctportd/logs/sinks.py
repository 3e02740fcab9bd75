"""Where lines go: a file, whoever taps the log, and standard error."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn, Protocol

import structlog

from ctportd.logs.text import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict, WrappedLogger

    from ctportd.logfile import LogFile
    from ctportd.terminal import Terminal


class Sink(Protocol):
    """Somewhere that lines go."""

    def take(self, line: EventDict) -> None:
        """Take a line. Others get it too: it is not changed."""


_taps: list[Callable[[bytes], None]] = []


@contextmanager
def tapped(take: Callable[[bytes], None]) -> Iterator[None]:
    """Have ``take`` given every line as well, as JSON like the file's, as long as the block lasts.

    Any thread may log, and so may call it.
    """
    _taps.append(take)
    try:
        yield
    finally:
        _taps.remove(take)


class JsonSink:
    """JSON lines in a file, if there is one, and to whoever taps the log.

    Attributes:
        file: The file.
    """

    def __init__(self, file: LogFile | None = None) -> None:
        self.file = file

    def take(self, line: EventDict) -> None:
        """Write a line, made into text once for all."""
        file = self.file
        if file is None and not _taps:
            return
        text = as_json(line)
        for tap in tuple(_taps):
            with suppress(Exception):  # as in FanOut
                tap(text)
        if file is not None:
            file.write(text)


class PlainSink:
    """Plain lines on standard error."""

    def __init__(self, terminal: Terminal, plain: Callable[[EventDict], str]) -> None:
        """``plain`` makes text of them."""
        self._terminal = terminal
        self._plain = plain

    def take(self, line: EventDict) -> None:
        """Have a line written, by the terminal's own thread."""
        self._terminal.write(self._plain(line))


class FanOut:
    """The last processor: gives each sink the line, and drops it."""

    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> NoReturn:
        """What structlog calls."""
        for sink in self._sinks:
            with suppress(
                Exception
            ):  # a full disk, a closed terminal: what the line tells of goes on, and so do the rest
                sink.take(line)
        raise structlog.DropEvent
