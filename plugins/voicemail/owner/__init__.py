"""The mailbox by telephone, for its owner.

``keys.py`` has all menus as data; ``login.py`` lets in, ``first_use.py`` sets a mailbox up; what keys lead to is in
``listening.py``, ``sending.py``, ``dialling.py`` and ``options.py``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ctportd import AudioError, PinLocked, PromptNotFound, RequestFailed, StorageError, StoreError

from .announcing import announce
from .asking import NobodyThere, choose
from .dialling import call_back, dial_out
from .first_use import set_up
from .keys import MAIN, MESSAGE, MORE, Action
from .listening import (
    begin,
    change_folder,
    delete,
    go_back,
    go_on,
    hear,
    leave,
    restore,
    save,
    tell_envelope,
)
from .login import log_in
from .options import change_options
from .recording import sweep
from .sending import forward, reply, send
from .visit import Visit, log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ctportd import Call, Daemon

    from ..settings import Settings

__all__ = ["let_in"]


REFUSALS = (StorageError, StoreError, AudioError, PromptNotFound, RequestFailed)
"""What may go wrong in a mailbox, and leaves the line as it is."""


async def let_in(call: Call, box_number: str, settings: Settings, daemon: Daemon) -> None:
    """Let the owner of a mailbox in, and do what he wants until he has enough. The call is answered.

    Args:
        call: The call.
        box_number: Whose mailbox; empty: the caller is asked.
        settings: The plugin's.
        daemon: The daemon.
    """
    try:
        with call.secret():
            known = await log_in(call, box_number, settings, daemon)
        if known is not None:
            box, pin = known
            await _welcome(Visit(call, box, settings, daemon), pin)
    except PinLocked as error:
        log.warning("nobody is let in", error=str(error))
        await call.play("vm-locked", ignore_keys=True)
    except NobodyThere:
        log.info("an owner pressed no key any more")
    except REFUSALS as error:
        log.error("an owner could not be let in", mailbox=box_number, error=str(error))
        await call.play("vm-not-now", ignore_keys=True)
    await call.play("goodbye", ignore_keys=True)


async def _welcome(visit: Visit, pin: str) -> None:
    visit.call.note("owner", mailbox=visit.box.number)
    await asyncio.to_thread(sweep, visit.drafts)
    if not visit.box.set_up and not await set_up(visit, pin):
        return
    try:
        await _try(visit, announce)
        await _serve(visit)
    finally:  # also of who just hangs up
        await leave(visit.daemon, visit.box.number)


async def _serve(visit: Visit) -> None:
    """Do what the keys say, until the owner ends it."""
    while True:
        menu = MESSAGE if visit.reading.current else MAIN
        action = await choose(visit.call, menu, hidden=visit.hidden(), key=visit.taken_key(), whole=False)
        if action is Action.EXIT:
            return
        await _try(visit, _DOES[action])


async def _try(visit: Visit, do: Callable[[Visit], Awaitable[None]]) -> None:
    """Do something; what disk, database or ctserver refuse is told, and the owner may go on."""
    try:
        await do(visit)
    except REFUSALS as error:
        log.error("an owner could not be served", mailbox=visit.box.number, error=str(error))
        await visit.call.play("vm-not-now")


async def _more(visit: Visit) -> None:
    """What is behind 3."""
    action = await choose(visit.call, MORE, hidden=visit.hidden())
    if action is not Action.BACK:
        await _DOES[action](visit)


_DOES: dict[Action, Callable[[Visit], Awaitable[None]]] = {
    Action.MESSAGES: begin,
    Action.FOLDERS: change_folder,
    Action.MORE: _more,
    Action.OPTIONS: change_options,
    Action.PREVIOUS: go_back,
    Action.AGAIN: hear,
    Action.NEXT: go_on,
    Action.DELETE: delete,
    Action.RESTORE: restore,
    Action.FORWARD: forward,
    Action.SAVE: save,
    Action.REPLY: reply,
    Action.CALL_BACK: call_back,
    Action.ENVELOPE: tell_envelope,
    Action.DIAL_OUT: dial_out,
    Action.SEND: send,
}
