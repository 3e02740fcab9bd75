"""A call by hand: the person at the keyboard presses the keys of the telephone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd.errors import PhoneError
from ctportd.phone.keyboard import HANG_UP
from ctportd.wire.events import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.phone.client import Phone
    from ctportd.phone.keyboard import Keyboard

HELP = "0-9 * # A-D are pressed at once; h, q, Ctrl-C hang up; ? shows this"


async def converse(phone: Phone, keyboard: Keyboard, note: Callable[[str], None]) -> None:
    """Do what the keyboard says, until the call is over. ``note`` shows a line to the person.

    Raises:
        PhoneError: The call cannot go on: the connection to the exchange was lost, say.
    """
    note(HELP)
    over = asyncio.create_task(phone.ended())
    over.add_done_callback(lambda _: keyboard.stop())
    try:
        async for key in keyboard.keys():
            await _obey(phone, key, note)
        await over
    finally:
        over.cancel()


async def _obey(phone: Phone, key: str, note: Callable[[str], None]) -> None:
    if key in HANG_UP:
        await phone.hangup()
    elif key == "?":
        note(HELP)
    elif key.upper() in KEYS:
        await _press(phone, key, note)


async def _press(phone: Phone, key: str, note: Callable[[str], None]) -> None:
    if not phone.was_answered:
        note("not answered yet")
        return
    try:
        await phone.press(key)
    except PhoneError:
        if not phone.end:  # a key that comes just after the end is no mistake
            raise
