"""What hooks return and raise, told from what they should not."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.calls.verdict import Verdict
from ctportd.errors import CallEnded, LinkError, MailError, StorageError, StoreError

if TYPE_CHECKING:
    from ctportd.errors import CtportdError

LONGEST_NAME = 128
"""Characters of a caller's name that a plugin may tell: exchanges send 15 (our figure)."""

_LOOKED_AT = 1024  # characters of a name that are looked at to find those that can be shown
_SHOWN = 200  # characters of an error in the status


class StrayCancelError(Exception):
    """A hook was cancelled, though nobody who waits for it wanted that."""

    def __init__(self) -> None:
        super().__init__("awaited a task of its own that was cancelled")


def told(error: BaseException) -> str:
    """Any error in one line, however its own text may fail."""
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - a plugin's error runs a plugin's code
        text = f"{type(error).__name__}, which cannot be shown"
    return " ".join(text.split()).removesuffix(":")[:_SHOWN]


LISTING = frozenset({"check_settings"})
"""Hooks that return several things, and so may be generators."""


async def finished(result: Any, hook: str = "") -> Any:
    """What a hook returned, once it is there.

    Raises:
        TypeError: It is a generator: the hook has a ``yield``, and nothing of it has run.
    """
    if hook in LISTING and inspect.isgenerator(result):
        return list(result)
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError("the hook is a generator, of which nothing runs: it must not yield")
    return await result if inspect.isawaitable(result) else result


def name_of(result: object) -> str:
    """A caller's name that a plugin returned, as it may be shown; empty for None.

    Raises:
        TypeError: It is neither text nor None.
    """
    if result is None:
        return ""
    if not isinstance(result, str):
        raise TypeError(f"caller_name returned {type(result).__name__}, expected text or None")
    shown = "".join(character for character in result[:_LOOKED_AT] if character.isprintable())
    return shown.strip()[:LONGEST_NAME]


def verdict_of(result: object, plugin: str) -> Verdict | None:
    """A verdict that a plugin returned, with the plugin's name in it.

    Raises:
        TypeError: It is neither a verdict nor None.
    """
    if result is None:
        return None
    if not isinstance(result, Verdict):
        raise TypeError(f"screen_caller returned {type(result).__name__}, expected a Verdict or None")
    try:
        plain = msgspec.convert(msgspec.to_builtins(result), Verdict)  # what it holds may be anything
    except (msgspec.MsgspecError, TypeError) as error:
        raise TypeError(f"screen_caller returned a Verdict that holds what none can: {error}") from error
    return msgspec.structs.replace(plain, by=plugin)


def harmless(error: BaseException) -> CallEnded | CtportdError | None:
    """What a plugin met with and did not do: the end of a call, or a fault of ctserver, disk, database or mail.

    Else a database that is locked for a minute would cost every plugin that uses it. A group is harmless where all of it
    is: a plugin may have waited for several things when the caller hung up.
    """
    if isinstance(error, CallEnded | LinkError | MailError | StorageError | StoreError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    leaves = [harmless(part) for part in error.exceptions]
    return None if None in leaves else next((leaf for leaf in leaves if isinstance(leaf, CallEnded)), leaves[0])
