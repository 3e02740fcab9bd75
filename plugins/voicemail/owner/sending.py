"""An owner sends messages: forwards one, replies to one, records one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ctportd import StoreError

from .. import quota
from .asking import CANCEL, choose, keyed_in
from .envelope import caller
from .keys import INTRODUCTION, Action
from .recording import recorded
from .visit import log

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ctportd import VoiceMessage

    from .visit import Visit

    Put = Callable[..., Coroutine[Any, Any, VoiceMessage]]

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
    box = visit.box
    send_on = partial(visit.daemon.messages.forward, message, number=box.number, name=box.name)
    match await choose(visit.call, INTRODUCTION):
        case Action.FORWARD:
            await _tell(visit, await _to_each(visit, mailboxes, send_on))
        case Action.RECORD:
            await _introduce(visit, mailboxes, send_on)
        case _:
            await visit.call.play("vm-cancelled")


async def _introduce(visit: Visit, mailboxes: list[str], send_on: Put) -> None:
    sent = None
    async with recorded(visit, "vm-say-introduction") as take:
        if take is not None:
            sent = await _to_each(visit, mailboxes, partial(send_on, introduction=take.path))
    await _tell(visit, sent)


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
    box, sent = visit.box, None
    async with recorded(visit, "vm-say-message", message=True) as take:  # nothing else may fail within
        if take is not None:
            deliver = partial(visit.daemon.messages.deliver, take.path, call=visit.call, urgent=take.urgent)
            sent = await _to_each(visit, mailboxes, partial(deliver, number=box.number, name=box.name))
            if sent.full:
                visit.call.check()  # who has hung up does not hear of it, and finds the message in the own mailbox
    await _tell(visit, sent)
    if take is not None and take.operator:
        await visit.call.hand_over(box.rules.operator)


class _Sent(NamedTuple):
    """To which mailboxes something was sent, and which of them had no room for it."""

    to: list[str]
    full: list[str]


async def _to_each(visit: Visit, mailboxes: list[str], put: Put) -> _Sent:
    """Put something into each mailbox that has room for it."""
    full = [mailbox for mailbox in mailboxes if await _is_full(visit, mailbox)]
    sent = _Sent([mailbox for mailbox in mailboxes if mailbox not in full], full)
    for mailbox in sent.to:
        await put(to_mailbox=mailbox)
    visit.call.note("sent", to=sent.to, full=full)
    return sent


async def _is_full(visit: Visit, mailbox: str) -> bool:
    try:
        counts = await visit.daemon.messages.counts(mailbox)
    except StoreError as error:
        log.warning("messages cannot be counted, and one more is taken", mailbox=mailbox, error=str(error))
        return False
    return bool(quota.full(visit.settings.rules_of(mailbox), counts))


async def _tell(visit: Visit, sent: _Sent | None) -> None:
    """Tell what was sent, and who has no room for it; None: nothing was, as the owner wanted it."""
    if sent is None:
        await visit.call.play("vm-cancelled")
        return
    if sent.to:
        await visit.call.play("vm-sent", ignore_keys=True)
    for mailbox in sent.full:
        await visit.call.play("vm-not-sent", *await _who(visit, mailbox), ignore_keys=True)


async def _who(visit: Visit, mailbox: str) -> list[str]:
    """The prompts that say whose a mailbox is."""
    name = await visit.name_of(mailbox)
    return [str(name)] if name else caller(mailbox)


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
        await visit.call.play("to", *await _who(visit, number))
        chosen.append(number)
    return list(dict.fromkeys(chosen))
