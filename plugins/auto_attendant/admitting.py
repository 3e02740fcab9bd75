"""Asks for a PIN. Who guesses is locked out, across calls and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd import Call, Daemon


async def admitted(call: Call, daemon: Daemon, what: str, hashed: str) -> bool:
    """Whether the caller knows a PIN.

    Args:
        call: The call.
        daemon: Whose guard counts the wrong ones.
        what: What it opens, for the guard and the log: ``menu:boss``.
        hashed: The PIN, as ``ctportd pin`` prints it.
    """
    told = {"enter": "aa-enter-pin", "wrong": "aa-wrong-pin", "locked": "aa-locked"}
    return await daemon.pins.admits(call, what, hashed, **told)
