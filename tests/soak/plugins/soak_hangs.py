"""A plugin that answers, says hello, and then waits for what never comes, whatever becomes of its call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd import hookimpl

if TYPE_CHECKING:
    from ctportd import Call


@hookimpl
async def answer_call(call: Call) -> None:
    """Hang, until cancelled."""
    await call.answer()
    await call.play("hello")
    await asyncio.Event().wait()
