"""Takes messages: a greeting, a beep, and what the caller says until ``#``, silence, the limit or a hang-up.

Owners press ``*`` in the greeting and key in their PIN to hear their messages.

Name it in a port's ``handlers`` as ``voicemail`` or ``voicemail:MAILBOX``, or hand a call over to it. ``ctportd
messages`` shows what was left. What was spoken is kept whatever happens: ``daemon.messages`` sees to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ctportd import StorageError, hookimpl

from .boxes import open_box
from .owner import let_in
from .settings import Settings

if TYPE_CHECKING:
    from ctportd import Call, Daemon

__all__ = ["Settings", "answer_call"]

log = structlog.get_logger("voicemail")

OWNER = "*"
"""The key that lets the owner in."""


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings, daemon: Daemon) -> None:
    """Take a message for the mailbox ``target``."""
    await call.answer()
    try:
        mailbox = target or settings.mailbox
        box = await open_box(mailbox, settings, daemon)
        if not box.pin_hash:
            await daemon.messages.check_room()  # before the caller has listened to the whole greeting
        if (await call.play(box.rules.greeting or "vm-intro")).startswith(OWNER) and box.pin_hash:
            await call.clear()
            await let_in(call, mailbox, settings, daemon)
            return
        await _take_message(call, mailbox, settings, daemon)
    except StorageError as error:
        log.error("no message can be taken", error=str(error))  # noqa: TRY400 - it says all
        await call.play("vm-unavailable", ignore_keys=True)


async def _take_message(call: Call, mailbox: str, settings: Settings, daemon: Daemon) -> None:
    """Record until it is long enough, or the caller has had all tries."""
    for _ in range(settings.tries):
        await call.clear()
        await call.play("beep", ignore_keys=True)
        message = await daemon.messages.take(
            call, mailbox, limit=settings.longest, silence=settings.silence, shortest=settings.shortest
        )
        if message is not None:
            # cut short while the caller was still speaking: ctserver could not go on, and would not now
            await call.play("vm-unavailable" if message.cut_short else "vm-thanks")
            return
        await call.play("vm-too-short")
