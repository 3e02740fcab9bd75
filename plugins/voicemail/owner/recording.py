"""Records what an owner says, and lets him keep it, hear it, or say it again."""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from ctportd import CallEnded, recordings

from .asking import NobodyThere, choose
from .keys import REVIEW, Action

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .visit import Visit

TRIES = 3
"""How often somebody is asked to speak who says nothing."""

_FORGOTTEN = 86_400
"""Seconds after which nobody records or hears a draft any more: no call is that long."""

_SHORTEST = 0.5
"""Seconds that anything takes that is said; a key alone, or a breath, does not."""


class Take:
    """What an owner has said.

    Attributes:
        path: The recording.
        urgent: Whether it is marked as urgent.
        operator: Whether the owner wants to speak to a person, once it is sent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.urgent = False
        self.operator = False


def sweep(drafts: Path) -> None:
    """Remove what a daemon that was killed has left of recordings and cuts. For a thread that may wait for the disk."""
    for path in drafts.glob("*.wav*"):
        with suppress(OSError):  # it went in this very moment, or the disk refuses: it does no harm
            if time.time() - path.stat().st_mtime > _FORGOTTEN:
                path.unlink(missing_ok=True)


@asynccontextmanager
async def recorded(visit: Visit, *prompts: str, message: bool = False) -> AsyncIterator[Take | None]:
    """Record; the block has what was said, which is gone after it unless it was moved. None: the owner wants none.

    Args:
        visit: Who records.
        prompts: What is said before the tone.
        message: Whether it is a message to somebody: then it can be marked as urgent, and an owner who hangs up
            instead of saying that it may be sent has sent it. With an operator, ``0`` sends it, too. If the block
            fails, it is a message in the owner's own mailbox.
    """
    box = visit.box
    if message:
        place = visit.daemon.messages.draft(
            visit.call, box.number, shortest=_shortest(visit), number=box.number, name=box.name
        )
    else:
        place = _scratch(visit)
    async with place as path:
        take = Take(path)
        yield take if await _taken(visit, take, prompts, message=message) else None


@asynccontextmanager
async def _scratch(visit: Visit) -> AsyncIterator[Path]:
    """A place for what is worth nothing by itself."""
    await visit.daemon.messages.check_room()
    folder = await recordings.make_folder(visit.drafts)
    path = folder / f"{visit.call.id}-{secrets.token_hex(2)}.wav"
    try:
        yield path
    finally:
        await recordings.discard(path)


def _shortest(visit: Visit) -> float:
    """Seconds that a recording must have."""
    return max(visit.box.rules.shortest, _SHORTEST)


async def _taken(visit: Visit, take: Take, prompts: tuple[str, ...], *, message: bool) -> bool:
    """Whether there is a recording, and it is to be used."""
    silent = 0
    while silent < TRIES:
        if not await _spoken(visit, take, prompts):
            visit.call.check()
            await visit.call.play("vm-nothing-said")
            silent += 1
            continue
        try:
            done = await _reviewed(visit, take, message=message)
        except (CallEnded, NobodyThere):
            if message:
                return True
            raise
        if done is not Action.RECORD:
            take.operator = done is Action.OPERATOR
            return done is not Action.BACK
    return False


async def _spoken(visit: Visit, take: Take, prompts: tuple[str, ...]) -> bool:
    """Record once; returns whether enough was said."""
    call, rules = visit.call, visit.box.rules
    await call.play(*prompts)
    await call.clear()
    await call.play("beep", ignore_keys=True)
    await recordings.discard(take.path)  # ctserver writes over nothing; who hangs up until then has the last one
    await call.record(take.path, limit=rules.longest, silence=rules.silence)
    return await recordings.length_of(take.path) >= _shortest(visit)


async def _reviewed(visit: Visit, take: Take, *, message: bool) -> Action:
    """Ask what is to become of it: ACCEPT, OPERATOR (as well), RECORD (again) or BACK (nothing)."""
    without = set() if message else {Action.URGENT, Action.NOT_URGENT}
    if not message or not visit.box.rules.operator:
        without.add(Action.OPERATOR)
    while True:
        hidden = without | {Action.URGENT if take.urgent else Action.NOT_URGENT}
        action = await choose(visit.call, REVIEW, hidden=hidden)
        if action in without:
            await visit.call.play("invalid-key")
        elif action is Action.LISTEN:
            await visit.call.play(str(take.path))
        elif action in (Action.URGENT, Action.NOT_URGENT):
            take.urgent = action is Action.URGENT
            await visit.call.play("vm-is-urgent" if take.urgent else "vm-is-not-urgent")
        else:
            return action
