"""The test for humans: a key that is told, and that nobody could know before."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctportd import Call

    from .settings import Test

_KEYS = "123456789"


async def is_human(call: Call, settings: Test) -> bool:
    """Ask for a key, another one in each try; whoever presses it is none of the machines that dial."""
    for _ in range(settings.tries):
        key = secrets.choice(_KEYS)
        await call.play("cid-press", ignore_keys=True)
        await call.clear()  # what was pressed before the key was told proves nothing
        await call.play(key)
        if await call.collect(1, first=settings.wait) == key:
            return True
        await call.play("invalid-key", ignore_keys=True)
    return False
