"""Shows what happens in a call: a line for people, or a JSON object, for each happening."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Protocol, TextIO

import msgspec

from ctportd.display import harmless_json
from ctportd.phone.happenings import (
    Answered,
    Attached,
    Calling,
    Complaint,
    Ended,
    Flash,
    OffHook,
    Played,
    Playing,
    Press,
    Recorded,
    Recording,
    Ring,
    Said,
    Say,
    Shown,
)
from ctportd.phone.prompts import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.phone.happenings import Happening


class Screen(Protocol):
    """Where a call is shown."""

    def show(self, happening: Happening) -> None:
        """Show something that happened."""

    def note(self, text: str) -> None:
        """Tell the person at the keyboard something."""


def screen_for(out: TextIO, *, as_json: bool) -> Screen:
    """The screen that suits where it is shown: colours and cut lines are for terminals."""
    if as_json:
        return JsonScreen(out)
    if not out.isatty():
        return PeopleScreen(out)
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return PeopleScreen(out, colour=not plain, width=shutil.get_terminal_size().columns)


class JsonScreen:
    """One JSON object a line: ``event``, ``t``, and what belongs to the event."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, happening: Happening) -> None:
        """Write the object."""
        text = msgspec.json.encode(happening).decode()
        self._out.write((harmless_json(text) if self._out.isatty() else text) + "\n")
        self._out.flush()

    def note(self, text: str) -> None:
        """Say nothing: programs have no use for it."""


_DIM, _RED, _GREEN, _YELLOW, _MAGENTA, _CYAN, _BOLD = 2, 31, 32, 33, 35, 36, 1
_COLOURS = {
    "ring": _YELLOW,
    "answered": _GREEN,
    "hear": _CYAN,
    "cut": _YELLOW,
    "press": _MAGENTA,
    "flash": _MAGENTA,
    "lifted": _MAGENTA,
    "say": _MAGENTA,
    "ended": _BOLD,
    "error": _RED,
}

_TIME_WIDTH = 9  # " 0:06.5  ": ten hours still fit
_VERB_WIDTH = 8


class PeopleScreen:
    """One line each: the line's time, a verb, and what it is about."""

    def __init__(self, out: TextIO, *, colour: bool = False, width: int | None = None) -> None:
        """``width``: where a line is cut; None: nowhere."""
        self._out = out
        self._colour = colour
        self._width = width

    def show(self, happening: Happening) -> None:
        """Write the line, if this is something for people."""
        words = _words(happening)
        if words:
            verb, text = words
            text = f"{verb:{_VERB_WIDTH}}{text}".rstrip() if text else verb
            text = self._cut(_printable(text), _TIME_WIDTH)
            painted = self._paint(verb, _COLOURS.get(verb)) + text[len(verb) :]
            self._write(self._paint(f"{clock(happening.t):{_TIME_WIDTH}}", _DIM) + painted)

    def note(self, text: str) -> None:
        """Write it below the lines, set apart by its place."""
        self._write(self._paint(" " * _TIME_WIDTH + text, _DIM))

    def _cut(self, text: str, before: int) -> str:
        if self._width is None or before + len(text) <= self._width:
            return text
        return text[: max(self._width - before - 4, _VERB_WIDTH)].rstrip() + " ..."

    def _paint(self, text: str, colour: int | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text

    def _write(self, line: str) -> None:
        encoding = self._out.encoding or "utf-8"  # a terminal may know fewer letters than a name has
        self._out.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        self._out.flush()


def clock(seconds: float) -> str:
    """A line's time in minutes, seconds and tenths."""
    tenths = round(seconds * 10)
    return f"{tenths // 600:2d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _printable(text: str) -> str:
    """The text without what would do something to a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _words(happening: Happening) -> tuple[str, str] | None:
    """Verb and text; None for what people see elsewhere: a prompt's whole end, the end of what they said."""
    words = _WORDS[type(happening)]
    return words(happening) if words else None


def _calling(happening: Calling) -> tuple[str, str]:
    name = f'"{happening.name}" ' if happening.name else ""
    caller = f"{name}{happening.number}".strip()
    return "calling", f"port {happening.port}" + (f" as {caller}" if caller else "")


def _playing(happening: Playing) -> tuple[str, str]:
    text = texts().get(happening.prompt)
    return "hear", f'{happening.prompt:19} "{text}"' if text else happening.prompt


def _played(happening: Played) -> tuple[str, str] | None:
    return None if happening.complete else ("cut", f"{happening.prompt:19} after {happening.seconds:.1f} s")


_WORDS: dict[type[Happening], Callable[..., tuple[str, str] | None] | None] = {
    Calling: _calling,
    Attached: lambda happening: ("set", f"of port {happening.port}"),
    Ring: lambda happening: ("ring", str(happening.count)),
    Shown: lambda happening: ("caller", " ".join(filter(None, (happening.name, happening.number)))),
    Answered: lambda _: ("answered", ""),
    OffHook: lambda _: ("lifted", ""),
    Playing: _playing,
    Played: _played,
    Press: lambda happening: ("press", happening.key),
    Flash: lambda _: ("flash", ""),
    Say: lambda happening: ("say", f"{happening.sound} ({happening.seconds:.1f} s)"),
    Said: None,
    Recording: lambda _: ("record", "begins"),
    Recorded: lambda _: ("record", "ends"),
    Complaint: lambda happening: ("error", happening.message),
    Ended: lambda happening: ("ended", happening.sentence),
}
