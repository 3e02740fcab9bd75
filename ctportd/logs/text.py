"""A line as text: JSON for programs, plain for people."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from ctportd.logs.secrets import without_passwords

if TYPE_CHECKING:
    from typing import TextIO

    from structlog.typing import EventDict, ExcInfo, Processor

_format_exception: Processor = structlog.processors.format_exc_info

_FIRST = ("timestamp", "level", "event")


def as_json(line: EventDict) -> bytes:
    """A line as one JSON object in which time, level and event come first, without LF.

    What JSON has no word for (bytes that were no UTF-8, say) is written with backslashes: no value can stop a line.
    """
    rest = dict(line)
    if "exc_info" in rest:
        rest = dict(_format_exception(None, "", rest))  # type: ignore[arg-type]
    if "exception" in rest:
        rest["exception"] = without_passwords(rest["exception"])
    whole = {key: rest.pop(key) for key in _FIRST if key in rest} | rest
    try:
        return msgspec.json.encode(whole, enc_hook=str)
    except Exception:  # noqa: BLE001 - whatever a value's own __str__ raises, the line is written
        return msgspec.json.encode({_escaped(key): _escaped(value) for key, value in whole.items()})


def _escaped(value: object) -> str:
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - as above
        text = f"({type(value).__name__} that cannot be shown: {type(error).__name__})"
    return text.encode("utf-8", "backslashreplace").decode()


class Plain:
    """Lines as people read them: the time of day, the level, the event and the rest.

    Args:
        colours: Whether they are coloured.
    """

    def __init__(self, *, colours: bool) -> None:
        self._render: Any = structlog.dev.ConsoleRenderer(
            colors=colours, pad_event_to=32, exception_formatter=_traceback
        )

    def __call__(self, line: EventDict) -> str:
        """The line, with its LF. Nothing in it can steer a terminal: a caller chooses the name."""
        line = dict(line)
        line["timestamp"] = f"{datetime.fromisoformat(line['timestamp']).astimezone():%H:%M:%S}"
        return self._shown(line)

    def _shown(self, line: EventDict) -> str:
        for key, value in line.items():
            if isinstance(value, str) and not value.isprintable():
                line[key] = repr(value)[1:-1]
        return f"{self._render(None, '', line)}\n"


_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class ForJournal(Plain):
    """Lines as systemd's journal takes them: it knows the time, and has the priority from ``<N>`` before each."""

    def __init__(self) -> None:
        super().__init__(colours=False)

    def __call__(self, line: EventDict) -> str:
        """The line, with its LF; those of a traceback are of its priority, each for itself."""
        priority = f"<{_PRIORITIES.get(line.get('level', ''), 6)}>"
        rest = {key: value for key, value in line.items() if key not in ("timestamp", "level")}
        return "".join(f"{priority}{part}\n" for part in self._shown(rest).splitlines() if part.strip())


def _traceback(out: TextIO, raised: ExcInfo) -> None:
    """A traceback as it may go to a terminal: without variables, which rich's shows, and without what could steer."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, raised)
    told = without_passwords(text.getvalue())
    out.write("".join(mark if mark in "\n\t" or mark.isprintable() else "\ufffd" for mark in told))
