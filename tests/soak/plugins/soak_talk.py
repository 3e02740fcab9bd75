"""A plugin of the soak's own: plays, asks, collects, says back what it was told, and runs the port's timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import TimerExpired, hookimpl

if TYPE_CHECKING:
    from ctportd import Call


@hookimpl
async def answer_call(call: Call) -> None:
    """Ask for four digits and say them back; one key more ends it."""
    await call.answer()
    await call.play("hello")
    code = await call.ask("vm-enter-pin", digits=4, tries=2)
    await call.clear()
    await call.say_digits(code or "0")
    async with call.timer(1):
        await call.next_event(TimerExpired, within=3)
    await call.collect(1, first=2)
    await call.play("goodbye")
