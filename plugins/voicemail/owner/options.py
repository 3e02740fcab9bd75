"""An owner changes the mailbox: its greetings, its name, its PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import LONGEST_PIN

from ..boxes import BUSY, NAME, NUMBERED, TEMPORARY
from ..changes import UNAVAILABLE
from .asking import CANCEL, WAIT, choose, keyed_in
from .keys import GREETING, OPTIONS, Action
from .pins import refused
from .recording import recorded

if TYPE_CHECKING:
    from .visit import Visit

PIN_TRIES = 5
"""How often a new PIN is asked for that will not do."""

_KINDS = {Action.UNAVAILABLE: UNAVAILABLE, Action.BUSY: BUSY, Action.NAME: NAME, Action.TEMPORARY: TEMPORARY}


async def change_options(visit: Visit) -> None:
    """The menu of all that."""
    while (action := await choose(visit.call, OPTIONS)) is not Action.BACK:
        if action is Action.PIN:
            await change_pin(visit)
        elif action is Action.GREETINGS:
            await _choose_greeting(visit)
        else:
            await _change_greeting(visit, _KINDS[action])


async def _choose_greeting(visit: Visit) -> None:
    """Ask for one of the numbered greetings; 0 is the usual one."""
    await visit.call.play("vm-which-greeting")
    key = await visit.call.collect(1, first=WAIT)
    if key == "0":
        await _use(visit, UNAVAILABLE)
    elif key in NUMBERED:
        await _change_greeting(visit, key)
    elif key != CANCEL:
        await visit.call.play("invalid-key" if key else "no-key")


async def _change_greeting(visit: Visit, kind: str) -> None:
    """Record a greeting that is not there yet; one that is can be heard, erased, chosen, or recorded again."""
    hidden = set() if kind in NUMBERED else {Action.USE}
    if await visit.greeting(kind) is None and not (await record_greeting(visit, kind) and kind in NUMBERED):
        return
    while (action := await choose(visit.call, GREETING, hidden=hidden)) is not Action.BACK:
        if action is Action.LISTEN:
            await visit.call.play(str(await visit.greeting(kind)))
        elif action is Action.RECORD:
            await record_greeting(visit, kind)
        elif action is Action.ERASE:
            await _erase(visit, kind)
            return
        elif kind in NUMBERED:
            await _use(visit, kind)
            return


async def _erase(visit: Visit, kind: str) -> None:
    if visit.box.chosen == kind:
        await visit.box.choose_greeting(UNAVAILABLE)
    await visit.box.remove_greeting(kind)
    await visit.call.play("vm-erased")


async def _use(visit: Visit, kind: str) -> None:
    await visit.box.choose_greeting(kind)
    await visit.call.play("vm-greeting-chosen")


async def record_greeting(visit: Visit, kind: str) -> bool:
    """Record one; returns whether it is kept."""
    prompt = "vm-record-name" if kind == NAME else "vm-record-greeting"
    async with recorded(visit, prompt) as take:
        if take is None:
            await visit.call.play("vm-cancelled")
            return False
        await visit.box.set_greeting(kind, take.path)
    await visit.call.play("vm-kept")
    return True


async def change_pin(visit: Visit, before: str = "") -> bool:
    """Ask for a new PIN, twice, until it will do; returns whether there is one.

    Args:
        visit: Whose PIN it is.
        before: The one that it has to differ from; empty for none.
    """
    with visit.call.secret():
        pin = await _new_pin(visit, before)
    if pin:
        await visit.box.set_pin(pin)
    await visit.call.play("vm-pin-changed" if pin else "vm-cancelled")
    return bool(pin)


async def _new_pin(visit: Visit, before: str) -> str:
    """A PIN that will do; empty where none was given."""
    call, most = visit.call, LONGEST_PIN + 1  # one more, so that it is told that these are too many
    for _ in range(PIN_TRIES):
        pin = await keyed_in(call, most, "vm-new-pin")
        if pin in ("", CANCEL):
            break
        problem = refused(pin, visit.box.number, visit.settings.shortest_pin, before)
        if not problem and await keyed_in(call, most, "vm-pin-again") != pin:
            problem = "vm-pin-differs"
        if not problem:
            return pin
        await call.play(problem)
    return ""
