"""Takes messages: a greeting, a beep, and what the caller says until ``#``, silence, the limit or a hang-up.

Name it in a port's ``handlers`` as ``voicemail`` or ``voicemail:MAILBOX``, or hand a call over to it. ``ctportd
messages`` shows what was left. A recording grows in the mailbox's ``incoming`` folder and is moved when it is whole;
only then does the store hear of it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from msgspec import Meta

from ctportd import PluginError, VoiceMessage, hookimpl, recordings

if TYPE_CHECKING:
    from pathlib import Path

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
    mailbox = target or settings.mailbox
    folder = daemon.state / "voicemail" / _checked(mailbox)
    await recordings.make_folder(folder / "incoming")
    await call.answer()
    await call.play(settings.greeting)
    for _ in range(settings.tries):
        await call.clear()
        await call.play("beep", ignore_keys=True)
        if await _take_message(call, mailbox, folder, settings, daemon):
            await call.play("vm-thanks")
            return
        await call.play("vm-too-short")


async def _take_message(call: Call, mailbox: str, folder: Path, settings: Settings, daemon: Daemon) -> bool:
    """Record one message and keep it, whatever ends it; returns whether it was long enough."""
    # a caller may leave several messages in one call, by way of the attendant
    recording = folder / "incoming" / f"{call.id}-{secrets.token_hex(2)}.wav"
    began = call.clock.now()
    try:
        await call.record(recording, limit=settings.longest, silence=settings.silence)
    finally:
        seconds = await recordings.length_of(recording)
        long_enough = seconds > 0 and seconds >= settings.shortest
        if long_enough:
            kept = folder / recording.name
            await recordings.keep(recording, kept)
            message = await daemon.store.add_message(
                VoiceMessage(
                    mailbox=mailbox,
                    call=call.id,
                    recorded_at=began,
                    seconds=seconds,
                    path=str(kept),
                    number=call.caller.number,
                    name=call.caller.name,
                )
            )
            log.info("message", mailbox=mailbox, id=message.id, seconds=round(seconds, 1))
        else:
            await recordings.discard(recording)
    return long_enough


def _checked(mailbox: str) -> str:
    try:
        msgspec.convert(mailbox, Annotated[str, Meta(pattern=_MAILBOX)])
    except msgspec.ValidationError:
        problem = f"{mailbox!r} cannot be a mailbox: letters, digits, - and _ only"
        raise PluginError("voicemail", problem) from None
    return mailbox
