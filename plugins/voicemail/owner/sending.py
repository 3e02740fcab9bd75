"""An owner sends messages: forwards one, replies to one, records one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .asking import CANCEL, choose, keyed_in
from .envelope import caller
from .keys import INTRODUCTION, Action
from .recording import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from .recording import Take
    from .visit import Visit

LONGEST_MAILBOX = 10
"""Digits of a mailbox's number that are listened to."""

MOST_MAILBOXES = 50
"""To how many a message can be sent at once."""


async def forward(visit: Visit) -> None:
    """Send the message on to other mailboxes, with an introduction or none."""
    message = visit.reading.current
    mailboxes = await _asked_for(visit)
    if message is None or not mailboxes:
        return
    action = await choose(visit.call, INTRODUCTION)
    if action is Action.BACK:
        await visit.call.play("vm-cancelled")
    elif action is Action.RECORD:
        async with recorded(visit, "vm-say-introduction") as take:
            if take is not None:
                await _forward(visit, mailboxes, take.path)
    else:
        await _forward(visit, mailboxes, None)


async def _forward(visit: Visit, mailboxes: list[str], introduction: Path | None) -> None:
    message = visit.reading.current
    if message is None:
        return
    for mailbox in mailboxes:
        await visit.daemon.messages.forward(
            message, mailbox, introduction=introduction, number=visit.box.number, name=visit.box.name
        )
    await visit.call.play("vm-sent")


async def reply(visit: Visit) -> None:
    """Record an answer for the mailbox from which the message is."""
    message = visit.reading.current
    if message is None or message.number not in visit.settings.mailboxes:
        await visit.call.play("vm-cannot-reply")
        return
    await _send(visit, [message.number])


async def send(visit: Visit) -> None:
    """Record a message for one mailbox or several."""
    mailboxes = await _asked_for(visit)
    if mailboxes:
        await _send(visit, mailboxes)


async def _send(visit: Visit, mailboxes: list[str]) -> None:
    async with recorded(visit, "vm-say-message", message=True) as take:
        if take is None:
            await visit.call.play("vm-cancelled")
            return
        for mailbox in mailboxes:
            await _deliver(visit, take, mailbox)
        await visit.call.play("vm-sent")


async def _deliver(visit: Visit, take: Take, mailbox: str) -> None:
    box = visit.box
    await visit.daemon.messages.deliver(
        take.path, mailbox, call=visit.call, number=box.number, name=box.name, urgent=take.urgent
    )


async def _asked_for(visit: Visit) -> list[str]:
    """To which mailboxes the owner wants to send; none: to no one, after all."""
    chosen: list[str] = []
    while len(chosen) < MOST_MAILBOXES:
        prompt = "vm-another-mailbox" if chosen else "vm-which-mailbox"
        number = await keyed_in(visit.call, LONGEST_MAILBOX, prompt)
        if number == CANCEL:
            await visit.call.play("vm-cancelled")
            return []
        if not number:
            break
        if number not in visit.settings.mailboxes:
            await visit.call.play("vm-no-such-mailbox")
            continue
        name = await visit.name_of(number)
        await visit.call.play("to", *([str(name)] if name else caller(number)))
        chosen.append(number)
    return list(dict.fromkeys(chosen))
