"""What commands do who follow a daemon: from its stream to standard output, line by line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from ctportd.errors import ControlError
from ctportd.live.events import LOST, LiveEvent
from ctportd.live.past import last_lines, moment_of
from ctportd.showing.watching import event_line, log_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from rich.text import Text

    from ctportd.control.client import ControlClient
    from ctportd.control.sse import ServerSent
    from ctportd.live.filters import EventFilter, LineFilter

_RECENT = 1000
"""Lines that are asked for again, since they may have been written while the file was read."""


class Printer:
    """Prints lines as they come: in colours on a terminal, or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

    def show(self, data: bytes, told: Callable[[bytes], Text]) -> None:
        """Print one line, which is at its reader's at once."""
        if self.as_json:
            sys.stdout.buffer.write(data + b"\n")
            sys.stdout.flush()
        else:
            self._console.print(told(data))


def _event(data: bytes) -> Text:
    return event_line(msgspec.json.decode(data, type=LiveEvent))


def _line(data: bytes) -> Text:
    try:
        line = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        line = {"event": data.decode("utf-8", "backslashreplace")}
    return log_line(line)


async def follow_events(control: ControlClient, wanted: EventFilter, printer: Printer) -> None:
    """Print what happens until the daemon stops.

    Raises:
        ControlError: It has stopped, or none is there.
    """
    parameters = {key: str(value).lower() for key, value in _asked(wanted).items()}
    async for sent in control.follow("/v1/events", parameters):
        printer.show(sent.data, _event)
    raise ControlError("the daemon has stopped")


async def show_log(
    control: ControlClient, file: Path | None, number: int, wanted: LineFilter, printer: Printer, *, follow: bool
) -> None:
    """Print the last lines of the log, and, with ``follow``, those that come, until the daemon stops.

    Args:
        control: Leads to the daemon, which need not run where nothing is followed.
        file: The log; None: there is no file, and the daemon tells its last lines.
        number: How many of the last lines.
        wanted: Which lines are meant.
        printer: Prints them.
        follow: Whether to go on.

    Raises:
        ControlError: The daemon has stopped, none is there, or the file cannot be read.
    """
    until = ""
    if file is not None:
        for line in _past(file, number, wanted):
            printer.show(line, _line)
            until = moment_of(line)
    if file is None or follow:
        lines = number if file is None else _RECENT
        asked = {**_asked(wanted), "lines": str(lines), "follow": str(follow).lower()}
        async for sent in _after(control.follow("/v1/logs", asked), until, skip=file is not None):
            printer.show(sent.data, _event if sent.event == LOST else _line)
        if follow:
            raise ControlError("the daemon has stopped")


def _past(file: Path, number: int, wanted: LineFilter) -> list[bytes]:
    try:
        return last_lines(file, number, wanted)
    except OSError as error:
        raise ControlError(f"the log {str(file)!r} cannot be read: {error.strerror}") from error


async def _after(stream: AsyncIterator[ServerSent], until: str, *, skip: bool) -> AsyncIterator[ServerSent]:
    """A stream without what was written until then: that was in the file."""
    async for sent in stream:
        if not skip or sent.event == LOST or moment_of(sent.data) > until:
            skip = skip and sent.event == LOST
            yield sent


def _asked(wanted: EventFilter | LineFilter) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(wanted).items() if value}
