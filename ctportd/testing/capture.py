"""What a house logs, line by line; and pytest's own capture gets it too, to show it when a test fails."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.logs import add_context

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

Line = dict[str, Any]

_lines: ContextVar[list[Line] | None] = ContextVar("lines of a house", default=None)


@contextmanager
def capturing() -> Iterator[None]:
    """Let lines be taken as long as the block lasts."""
    processors = structlog.get_config()["processors"]  # the list itself: loggers hold it
    processors.insert(0, _take)
    try:
        yield
    finally:
        processors.remove(_take)


@contextmanager
def into(lines: list[Line]) -> Iterator[None]:
    """What the tasks log that begin in this block is added to ``lines``, and goes nowhere else."""
    token = _lines.set(lines)
    try:
        yield
    finally:
        _lines.reset(token)


def _take(_logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    lines = _lines.get()
    if lines is None:
        return line
    whole = dict(add_context(None, method, structlog.contextvars.merge_contextvars(None, method, dict(line))))
    lines.append({"level": method, **whole})
    told = " ".join(f"{key}={value!r}" for key, value in whole.items() if key not in {"event", "exc_info"})
    number = logging.getLevelNamesMapping().get(method.upper(), logging.ERROR)
    logging.getLogger("ctportd").log(number, "%s %s", whole["event"], told, exc_info=whole.get("exc_info"))
    raise structlog.DropEvent
