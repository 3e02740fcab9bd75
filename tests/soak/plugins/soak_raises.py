"""A plugin that raises: on a call before it has answered, or after, and in every observer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ctportd import hookimpl

if TYPE_CHECKING:
    from ctportd import Call


class SoakError(Exception):
    """Raised on purpose."""


@hookimpl
async def answer_call(call: Call, target: str) -> None:
    """Raise ``before`` the answer, which lets the next handler have the call, or after it."""
    if target != "before":
        await call.answer()
        await call.play("hello")
    raise SoakError("raised on a call, on purpose")


@hookimpl
def call_started() -> NoReturn:
    """Raise."""
    raise SoakError("raised by an observer, on purpose")


@hookimpl
async def call_ended() -> NoReturn:
    """Raise, as what is awaited."""
    raise SoakError("raised by an observer, on purpose")


@hookimpl
def port_disconnected() -> NoReturn:
    """Raise where connections are put in order."""
    raise SoakError("raised by an observer, on purpose")
