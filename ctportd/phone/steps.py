"""The steps of a call, as they are written on the command line: ``until beep say hello.wav hangup``."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ctportd.errors import PhoneError
from ctportd.wire.events import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class StepError(PhoneError, ValueError):
    """A step makes no sense; the message names it and what was expected."""


class Wait(msgspec.Struct, frozen=True):
    """``wait SECONDS``: of the line's time."""

    seconds: float

    def __str__(self) -> str:
        return f"wait {self.seconds:g}"


class Until(msgspec.Struct, frozen=True):
    """``until PROMPT``: until it has been played to its end."""

    prompt: str

    def __str__(self) -> str:
        return f"until {self.prompt}"


class Press(msgspec.Struct, frozen=True):
    """``press KEYS``."""

    keys: str

    def __str__(self) -> str:
        return f"press {self.keys}"


class Say(msgspec.Struct, frozen=True):
    """``say FILE``."""

    file: str

    def __str__(self) -> str:
        return f"say {self.file}"


class Hangup(msgspec.Struct, frozen=True):
    """``hangup``: nothing can follow it."""

    def __str__(self) -> str:
        return "hangup"


Step: TypeAlias = Wait | Until | Press | Say | Hangup


def _wait(word: str) -> Wait:
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise StepError(f"is {word!r} where a number of seconds is expected")
    return Wait(seconds)


def _until(word: str) -> Until:
    if not word:
        raise StepError("is empty where the name of a prompt is expected")
    return Until(word)


def _press(word: str) -> Press:
    if not word or not set(word.upper()) <= KEYS:
        raise StepError(f"is {word!r} where keys out of 0-9, *, #, A-D are expected")
    return Press(word.upper())


def _say(word: str) -> Say:
    if not word:
        raise StepError("is empty where the name of a sound file is expected")
    return Say(word)


_KINDS: dict[str, tuple[str, Callable[[str], Step]]] = {
    "wait": ("SECONDS", _wait),
    "until": ("PROMPT", _until),
    "press": ("KEYS", _press),
    "say": ("FILE", _say),
}
"""The steps with an argument: what it is called, and what makes a step of it."""

_USAGE = ", ".join(f"{verb} {argument}" for verb, (argument, _) in _KINDS.items()) + " or hangup"


def parse_steps(words: Sequence[str]) -> list[Step]:
    """The steps that these words make.

    Raises:
        StepError: They make none; the message counts the steps from 1.
    """
    steps: list[Step] = []
    rest = list(words)
    while rest:
        where = f"step {len(steps) + 1}"
        verb = rest.pop(0)
        if steps and isinstance(steps[-1], Hangup):
            raise StepError(f"{where}, {verb!r}: nothing can follow hangup")
        if verb == "hangup":
            steps.append(Hangup())
        elif verb in _KINDS:
            steps.append(_with_argument(where, verb, rest))
        else:
            raise StepError(f"{where}, {verb!r}: is no step{_meant(verb)}; expected is {_USAGE}")
    return steps


def _with_argument(where: str, verb: str, rest: list[str]) -> Step:
    argument, make = _KINDS[verb]
    if not rest:
        raise StepError(f"{where}, {verb}: {argument} is missing")
    try:
        return make(rest.pop(0))
    except StepError as problem:
        raise StepError(f"{where}, {verb}: {argument} {problem}") from None


def _meant(verb: str) -> str:
    near = difflib.get_close_matches(verb.lower(), [*_KINDS, "hangup"], 1)
    return f" (did you mean {near[0]}?)" if near else ""
