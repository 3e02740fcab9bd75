"""Lets the owner in who knows the PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import LONGEST_PIN

from ..boxes import open_box
from .asking import CANCEL, keyed_in
from .sending import LONGEST_MAILBOX

if TYPE_CHECKING:
    from ctportd import Call, Daemon

    from ..boxes import Box
    from ..settings import Settings

TRIES = 3
"""How often a PIN is asked for in one call."""


async def log_in(call: Call, number: str, settings: Settings, daemon: Daemon) -> tuple[Box, str] | None:
    """Ask for the mailbox, unless it is known, and for its PIN; ``*`` instead of the PIN asks for the mailbox again.

    Args:
        call: The owner's call.
        number: The mailbox; empty where it is to be asked for.
        settings: The plugin's.
        daemon: The daemon.

    Returns:
        The mailbox, and the PIN that was keyed in; None where none was right.

    Raises:
        PinLocked: Too many wrong ones were given.
    """
    for _ in range(TRIES):
        number = number or await keyed_in(call, LONGEST_MAILBOX, "vm-enter-mailbox")
        if not number:
            continue
        pin = await keyed_in(call, LONGEST_PIN, "vm-enter-pin")
        if pin == CANCEL:
            number = ""
            continue
        box = await open_box(number, settings, daemon) if number in settings.mailboxes else None
        hashed = box.pin_hash if box is not None else ""
        if pin and await daemon.pins.check(number, call.caller.number, pin, hashed) and box is not None:
            return box, pin
        await call.play("vm-wrong-pin", ignore_keys=True)
    return None
