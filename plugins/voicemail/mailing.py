"""Mails that tell of messages: each is posted once, and a message is deleted only when its mail was accepted."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd import INBOX, Caller, InvalidArgument, Letter, MailError, Step, StorageError, StoreError

from .boxes import Box
from .changes import Changes

if TYPE_CHECKING:
    from ctportd import Daemon, VoiceMessage

    from .settings import Settings

POSTED = "voicemail-mailed"
"""Where in the store it is kept which messages' mails are in the outbox, by mailbox and message."""

CAUGHT_UP = timedelta(days=1)
"""How old a message may be whose mail is made up for (our figure)."""

log = structlog.get_logger("voicemail")


def letter_of(box: Box, message: VoiceMessage) -> Letter:
    """The mail that tells of a message."""
    rules = box.rules
    known = {
        "caller": str(Caller(message.number, message.name)),
        "number": message.number,
        "name": message.name,
        "when": f"{message.recorded_at.astimezone(box.zone):%A, %d %B %Y at %H:%M}",
        "duration": "{}:{:02}".format(*divmod(round(message.seconds), 60)),
        "mailbox": message.mailbox,
        "owner": box.name or message.mailbox,
    }
    return Letter(
        to=box.emails,
        subject=_filled(rules.mail_template.subject, known),
        text=_filled(rules.mail_template.text, known),
        attachments=[Path(message.path)] if rules.attach else [],
        about={"mailbox": message.mailbox, "message": message.uid, "call": message.call},
    )


def _filled(text: str, known: dict[str, str]) -> str:
    """A template with what is known in the place of its braces; nothing of that is looked at again."""
    return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], text)


async def tell(message: VoiceMessage, settings: Settings, daemon: Daemon) -> None:
    """Post the mail that tells of a message, if somebody wants one and it is not posted yet.

    Where the database cannot tell whether it is, it is posted: better twice than never.
    """
    if message.mailbox not in settings.mailboxes:
        return
    box = Box(message.mailbox, settings, daemon, Changes())  # what its owner has changed makes no difference
    mark = f"{message.mailbox}/{message.uid}"
    if not box.emails or await _is_posted(mark, daemon):
        return
    try:
        await daemon.mail.post(letter_of(box, message))
    except (InvalidArgument, MailError, StorageError) as error:
        problem = "nobody is told of a message by mail; it stays in its mailbox"
        log.error(problem, mailbox=message.mailbox, id=message.id, error=str(error))  # noqa: TRY400 - it says all
        return
    try:
        await daemon.store.put(POSTED, mark, value=True)
    except StoreError as error:
        log.warning("a mail may be sent twice", mailbox=message.mailbox, id=message.id, error=str(error))


async def _is_posted(mark: str, daemon: Daemon) -> bool:
    try:
        return bool(await daemon.store.get(POSTED, mark, bool))
    except StoreError as error:
        log.warning("a mail may be sent twice", message=mark, error=str(error))
        return False


async def catch_up(settings: Settings, daemon: Daemon) -> None:
    """Post the mails that an end or a quarantine came before, and forget those of messages that are gone."""
    try:
        since = daemon.clock.now() - CAUGHT_UP
        messages = await daemon.store.messages()
        there = {f"{message.mailbox}/{message.uid}" for message in messages}
        for mark in set(await daemon.store.family(POSTED, bool)) - there:
            await daemon.store.remove(POSTED, mark)
        for message in messages:
            if message.folder == INBOX and not message.heard and message.recorded_at >= since:
                await tell(message, settings, daemon)
    except StoreError as error:
        log.warning("mails of yesterday's messages are not made up for", error=str(error))


async def accepted(letter: Letter, settings: Settings, daemon: Daemon) -> None:
    """The mail server has a message's mail: the message goes to the trash, where that is asked for.

    Raises:
        StoreError: The store cannot tell which message that is.
        StorageError: The disk refuses; the message stays where it is.
    """
    mailbox, uid = letter.about.get("mailbox", ""), letter.about.get("message", "")
    if not uid:
        return
    await _note(letter, daemon, "mail accepted", message=uid)
    if mailbox not in settings.mailboxes or not settings.rules_of(mailbox).delete_after_mail:
        return
    found = [message for message in await daemon.messages.of(mailbox, INBOX) if message.uid == uid]
    for message in found:
        await daemon.messages.discard(message)
        log.info("a message is deleted after its mail", mailbox=mailbox, id=message.id)


async def given_up(letter: Letter, reason: str, daemon: Daemon) -> None:
    """A message's mail will never arrive: the message stays where it is. Raises StoreError."""
    if "message" in letter.about:
        log.warning("a message stays in its mailbox, since its mail is given up", **letter.about, reason=reason)
        await _note(letter, daemon, "mail given up", message=letter.about["message"], reason=reason)


async def _note(letter: Letter, daemon: Daemon, kind: str, **details: str) -> None:
    """Tell of a mail among what happened on the call in which its message was left."""
    call = letter.about.get("call")
    if call:
        step = Step(daemon.clock.now(), kind, {"to": letter.to, **details})
        await daemon.store.add_steps(call, [step])
