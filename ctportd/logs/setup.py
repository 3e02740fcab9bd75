"""The log as a whole: begun, and changed while it runs."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import structlog

from ctportd.logs.bridge import Bridge
from ctportd.logs.context import add_context
from ctportd.logs.journal import leads_to_journal
from ctportd.logs.level import Logger, set_level
from ctportd.logs.secrets import hide_secrets
from ctportd.logs.sinks import FanOut, JsonSink, PlainSink
from ctportd.logs.text import ForJournal, Plain
from ctportd.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict

    from ctportd.logfile import LogFile
    from ctportd.logs.sinks import Sink

_terminals: list[Terminal] = []  # the one that lines go to, if they do: there is one standard error

_json = JsonSink()


def set_up(level: str, file: LogFile | None, *, terminal: bool = True) -> None:
    """Begin to log.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        file: Where JSON lines go, if anywhere.
        terminal: Whether plain lines go to standard error: in colours where that is a terminal, with their priorities
            where it is systemd's journal.
    """
    sinks: list[Sink] = [_json]
    set_file(file)
    if _terminals:
        _terminals.pop().close()
    if terminal:
        _terminals.append(Terminal())
        sinks.append(PlainSink(_terminals[0], _plain()))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_context,
            hide_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            FanOut(sinks),
        ],
        wrapper_class=Logger,
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[Bridge()], force=True)
    set_level(level)


def _plain() -> Plain:
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # it is no file, or closed
        return Plain(colours=False)
    return ForJournal() if leads_to_journal(descriptor) else Plain(colours=sys.stderr.isatty())


def set_file(file: LogFile | None) -> None:
    """Have JSON lines go to this file from now on, or to none. The one before is its owner's to close."""
    _json.file = file


def flush(within: float = 1.0) -> None:
    """Wait until the terminal has every line, but not for ever: its reader may be gone."""
    for terminal in _terminals:
        terminal.flush(within)


@contextmanager
def quiet(*, troubles: bool = False) -> Iterator[None]:
    """Log nothing as long as the block lasts, or what is wrong only, with ``troubles``."""
    processors = structlog.get_config()["processors"]
    before = list(processors)
    # In place: loggers that have been used hold this very list.
    processors[:] = [_drop_news, *before] if troubles else [_drop]
    try:
        yield
    finally:
        processors[:] = before


def _drop(_logger: object, _method: str, _line: object) -> NoReturn:
    raise structlog.DropEvent


def _drop_news(_logger: object, method: str, line: EventDict) -> EventDict:
    if method in ("debug", "info"):
        raise structlog.DropEvent
    return line
