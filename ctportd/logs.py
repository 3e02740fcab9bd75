"""The log: structured lines, as JSON in the file and plain on a terminal.

Every line about a call carries ``port``, ``call`` and ``plugin`` without anyone passing them.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import msgspec
import structlog

from ctportd.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger


class Named(Protocol):
    """A plugin, as far as the log needs one: two generations of it have one name."""

    @property
    def name(self) -> str:
        """What it is called."""


current_hook: ContextVar[tuple[Named, dict[str, Any]] | None] = ContextVar("current_hook", default=None)
"""The plugin whose hook runs, and the hook's arguments.

One variable that is set costs less than binding port and call for each of many thousand events a second; they are
looked up when a line is written, which is seldom.
"""


@contextmanager
def nobodys_threads() -> Iterator[None]:
    """What runs in a thread in this block runs in the daemon's own, though a plugin has asked for it.

    A plugin has few threads, and may have them all hang: what must not wait for that is done in here.
    """
    token = current_hook.set(None)
    try:
        yield
    finally:
        current_hook.reset(token)


class LogFile:
    """A log file that can be rolled while it is written to. Threads may share it.

    Args:
        path: The file; it is added to if it exists, and its folder is made if it does not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        """Add one line, without its LF."""
        with self._lock:
            self._file.write(line + b"\n")

    def roll(self, now: datetime) -> Path:
        """Close the file, give it the date, open a new one. Returns where the old lines are now.

        A file that was taken away meanwhile cannot be given a date: an empty one is, and lines go to a file again.
        """
        with self._lock:
            self.path.touch()
            rolled = _free_name(self.path, now)
            self.path.rename(rolled)
            fresh = self.path.open("ab", buffering=0)
            self._file.close()
            self._file = fresh
        return rolled

    def fileno(self) -> int:
        """The descriptor that is open now."""
        return self._file.fileno()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._file.close()


def _free_name(path: Path, now: datetime) -> Path:
    """``ctportd.log`` as ``ctportd.log.20261123-181500``; a second one in that second gets a number."""
    base = path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S}")
    candidate, number = base, 1
    while candidate.exists():
        candidate = base.with_name(f"{base.name}.{number}")
        number += 1
    return candidate


_terminals: list[Terminal] = []  # the one that lines go to, if they do: there is one standard error


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


def set_up(level: str, file: LogFile | None, *, terminal: bool = True) -> None:
    """Begin to log.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        file: Where JSON lines go, if anywhere.
        terminal: Whether plain lines go to standard error, in colours where that is a terminal.
    """
    sinks: list[_Sink] = []
    if file is not None:
        sinks.append(_JsonSink(file))
    if _terminals:
        _terminals.pop().close()
    if terminal:
        _terminals.append(Terminal())
        sinks.append(_PlainSink(_terminals[0]))
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_hook,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _FanOut(sinks),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    bridge = _Bridge(number)
    logging.basicConfig(handlers=[bridge], level=max(number, logging.WARNING), force=True)


def add_hook(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Add plugin, port and call of the hook that runs."""
    running = current_hook.get()
    if running is not None:
        plugin, arguments = running
        line.setdefault("plugin", plugin.name)
        call = arguments.get("call")
        port = arguments.get("port") or getattr(call, "port", None)
        if port is not None:
            line.setdefault("port", getattr(port, "address", port))  # some hooks are told the address alone
        if call is not None:
            line.setdefault("call", call.id)
    return line


class _Sink(Protocol):
    """Somewhere that lines go."""

    def take(self, logger: WrappedLogger, method: str, line: EventDict) -> None:
        """Write one line; it may be changed, being a copy."""


class _JsonSink:
    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._traceback: Processor = structlog.processors.format_exc_info

    def take(self, logger: WrappedLogger, method: str, line: EventDict) -> None:
        line = dict(self._traceback(logger, method, line))  # type: ignore[arg-type]
        ordered = {key: line.pop(key) for key in ("timestamp", "level", "event") if key in line}
        self._file.write(_json(ordered | line))


def _json(line: dict[str, Any]) -> bytes:
    """A line as JSON; what JSON has no word for (bytes that were no UTF-8, say) is written with backslashes."""
    try:
        return msgspec.json.encode(line, enc_hook=str)
    except Exception:  # noqa: BLE001 - whatever a value's own __str__ raises, the line is written
        shown = {_escaped(key): _escaped(value) for key, value in line.items()}
        return msgspec.json.encode(shown)


def _escaped(value: object) -> str:
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - as above
        text = f"({type(value).__name__} that cannot be shown: {type(error).__name__})"
    return text.encode("utf-8", "backslashreplace").decode()


def _traceback(out: TextIO, raised: ExcInfo) -> None:
    """A traceback as it may go to a terminal: without variables, which rich's shows, and without what could steer."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, raised)
    out.write("".join(mark if mark in "\n\t" or mark.isprintable() else "\ufffd" for mark in text.getvalue()))


class _PlainSink:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._render = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=32,
            exception_formatter=_traceback,
        )

    def take(self, logger: WrappedLogger, method: str, line: EventDict) -> None:
        line["timestamp"] = f"{datetime.fromisoformat(line['timestamp']).astimezone():%H:%M:%S}"
        for key, value in line.items():
            if isinstance(value, str) and not value.isprintable():  # a caller's name must not steer the terminal
                line[key] = repr(value)[1:-1]
        self._terminal.write(f"{self._render(logger, method, line)}\n")


class _FanOut:
    """The last processor: gives each sink the line, and drops it."""

    def __init__(self, sinks: list[_Sink]) -> None:
        self._sinks = sinks

    def __call__(self, logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        for sink in self._sinks:
            with suppress(
                Exception
            ):  # a full disk, a closed terminal: what the line tells of goes on, and so do the rest
                sink.take(logger, method, dict(line))
        raise structlog.DropEvent


class _Bridge(logging.Handler):
    """Lines of libraries that use the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the line on. Levels in between count as the one below: structlog knows no others."""
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        try:
            message = record.getMessage()
        except (TypeError, ValueError) as error:
            message = f"{record.msg} (its arguments do not fit: {error})"
        structlog.get_logger().log(level, message, logger=record.name, exc_info=record.exc_info)
