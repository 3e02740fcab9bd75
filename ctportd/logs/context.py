"""What a line tells without anyone passing it: the plugin whose hook runs, its port and its call, and the request."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, WrappedLogger


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


class Asked:
    """A request of ctserver that is under way.

    Attributes:
        name: As ctserver knows it, such as ``ctplay``.
        fate: What became of it; empty as long as that is open.
    """

    __slots__ = ("fate", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.fate = ""


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


@contextmanager
def about_request(name: str) -> Iterator[Asked]:
    """Lines of this block are about a request: they tell its name, and its fate as soon as that is set."""
    asked = Asked(name)
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)


def add_context(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Add plugin, port and call of the hook that runs, and the request that is under way with its fate."""
    asked = _asked.get()
    if asked is not None:
        line.setdefault("request", asked.name)
        if asked.fate:
            line.setdefault("fate", asked.fate)
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
