"""Takes messages: a greeting, a beep, and what the caller says until ``#``, silence, the limit or a hang-up.

Name it in a port's ``handlers`` as ``voicemail`` or ``voicemail:MAILBOX``, or hand a call over to it. ``ctportd
messages`` shows what was left. What was spoken is kept whatever happens: ``daemon.messages`` sees to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from msgspec import Meta

from ctportd import StorageError, hookimpl

if TYPE_CHECKING:
    from ctportd import Call, Daemon

log = structlog.get_logger("voicemail")

_MAILBOX = r"^[A-Za-z0-9_-]+\Z"  # a mailbox is a folder's name, too

Seconds = Annotated[int, Meta(ge=0)]


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.voicemail]``.

    Attributes:
        mailbox: Whose the messages are of callers who were sent to no mailbox.
        greeting: The prompt that they hear first; ``#`` skips it.
        longest: Seconds that a message may have.
        shortest: Seconds that it must have to be kept.
        silence: Seconds of silence that end it (0: none do).
        tries: How often a caller may try again whose message was too short.
    """

    mailbox: Annotated[str, Meta(pattern=_MAILBOX)] = "100"
    greeting: str = "vm-intro"
    longest: Annotated[int, Meta(ge=1)] = 180
    shortest: Seconds = 1
    silence: Seconds = 8
    tries: Annotated[int, Meta(ge=1)] = 3


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings, daemon: Daemon) -> None:
    """Take a message for the mailbox ``target``."""
    await call.answer()
    try:
        await daemon.messages.check_room()  # before the caller has listened to the whole greeting
        await call.play(settings.greeting)
        await _take_message(call, target or settings.mailbox, settings, daemon)
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
