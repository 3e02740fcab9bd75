"""What happened on a call, step by step, each with its time.

Times are those at which the line told of something, or at which a request began and its reply came: nothing is guessed
afterwards. Keys that may be a PIN are never in it, be they pressed before anybody asked for one.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ctportd.errors import CallEnded
from ctportd.records import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ctportd.clock import Clock

MOST_STEPS = 1000
"""Steps of one call that are kept: a plugin that notes on and on fills no disk (our figure; a long call has 100)."""

LONGEST_TEXT = 500
"""Characters of a text in a step (our figure)."""

HIDDEN = "?"
"""What stands for a key that may be one of a PIN."""

ENDED = "ended"
"""The kind of step that has room in a timeline that is full."""


class _Pressed:
    """A key that waits to be collected, or was forgotten before it was: it may be one of a PIN."""

    __slots__ = ("details", "known")

    def __init__(self, details: dict[str, Any]) -> None:
        self.details = details
        self.known = False


class Timeline:
    """The steps of one call.

    Args:
        clock: The line's time.
        began: When the first ring came.
    """

    def __init__(self, clock: Clock, began: datetime) -> None:
        self._clock = clock
        self._began = began
        self._first: float | None = None
        self._steps: list[Step] = []
        self._left_out = 0
        self._waiting: list[_Pressed] = []
        self._forgotten: list[_Pressed] = []
        self._secrets = 0
        self._keep: Callable[[list[Step]], None] | None = None

    @property
    def steps(self) -> list[Step]:
        """The steps so far, in the order in which they began."""
        return list(self._steps)

    def add(self, kind: str, details: dict[str, Any]) -> dict[str, Any]:
        """Something happens just now; returns its details as they are kept, for what is known of them later."""
        now = self._clock.time()
        self._first = now if self._first is None else self._first
        after = now - self._first
        at = self._began + timedelta(seconds=after / self._clock.speed)
        if self._keep is not None:
            step = Step(at, kind, plain(details))
            self._keep([step])
        else:
            step = Step(at, kind, plain(details), round(after, 3))
            self._append(step)
        return step.details

    def _append(self, step: Step) -> None:
        if len(self._steps) < MOST_STEPS or step.kind == ENDED:
            self._steps.append(step)
        else:
            self._left_out += 1

    @contextmanager
    def during(self, kind: str, details: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Something that lasts as long as the block: its ``seconds`` are those of the line.

        What cuts it short is told as ``cut_by``: a key, or why the call ended; what fails it as ``failed``.
        """
        since = self._clock.time()
        kept = self.add(kind, details)
        try:
            yield kept
        except CallEnded as ended:
            kept["cut_by"] = ended.reason
            raise
        except BaseException as error:
            kept["failed"] = type(error).__name__
            raise
        finally:
            kept["seconds"] = round(self._clock.time() - since, 3)

    def close(self, keep: Callable[[list[Step]], None]) -> list[Step]:
        """Give away all steps: the call is over. Those that come late are given to ``keep``."""
        if self._left_out:
            self.add(ENDED, {"left_out": self._left_out})
        self._keep = keep
        steps, self._steps = self._steps, []
        self._waiting, self._forgotten = [], []
        return steps

    # -- keys

    def pressed(self, key: str) -> None:
        """A key was pressed."""
        details = self.add("key", {"key": self.hidden(key)})
        if len(self._waiting) < MOST_STEPS:
            self._waiting.append(_Pressed(details))

    def tell(self, keys: str) -> str:
        """The key that has ended something, as a step may tell it: it was meant for that, and is no PIN's.

        Args:
            keys: All that waited to be collected then, it being the last.
        """
        if len(keys) <= len(self._waiting):
            ending = self._waiting[len(keys) - 1]
            ending.known = ending.known or ending.details["key"] == keys[-1]
        return self.hidden(keys[-1])

    def collected(self, keys: str, waited: float) -> None:
        """A plugin has collected keys, for which it has waited so many seconds. What is not secret is no PIN."""
        del self._waiting[: len(keys)]
        self.add("collected", {"keys": self.hidden(keys), "waited": round(waited, 3)})

    def forgotten(self) -> None:
        """The keys that waited were forgotten: they may be a PIN that was keyed in too early."""
        self._forgotten = (self._forgotten + self._waiting)[:MOST_STEPS]  # later ones are in no step that is kept
        self._waiting = []

    def hidden(self, keys: str) -> str:
        """Keys as a step may tell them now."""
        return HIDDEN if keys and self._secrets else keys

    @contextmanager
    def secret(self) -> Iterator[None]:
        """Hide keys as long as the block lasts, and those that were pressed before and that nobody has collected."""
        for pressed in (*self._forgotten, *self._waiting):
            if not pressed.known:
                pressed.details["key"] = HIDDEN
        self._forgotten = []
        self._secrets += 1
        try:
            yield
        finally:
            self._secrets -= 1


def plain(details: dict[str, Any]) -> dict[str, Any]:
    """Details as JSON can hold them, in a dictionary of their own: what it does not know becomes text."""
    return {str(key): _plain(value) for key, value in details.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return plain(value)
    return str(value).encode("utf-8", "replace").decode()[:LONGEST_TEXT]
