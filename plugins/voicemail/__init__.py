"""Takes messages: a greeting, a beep, and what the caller says until ``#``, silence, the limit or a hang-up.

Owners press ``*`` in the greeting and key in their PIN to hear their messages.

Name it in a port's ``handlers`` as ``voicemail`` or ``voicemail:MAILBOX``, or hand a call over to it. ``ctportd
messages`` shows what was left. What was spoken is kept whatever happens: ``daemon.messages`` sees to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from msgspec import Meta

from ctportd import LONGEST_PIN, PIN_HASH, PinLocked, PromptNotFound, StorageError, check_hash, hookimpl, speech

if TYPE_CHECKING:
    from ctportd import Call, Daemon

log = structlog.get_logger("voicemail")

_MAILBOX = r"^[A-Za-z0-9_-]+\Z"  # a mailbox is a folder's name, too

OWNER = "*"
"""The key that lets the owner in."""

PIN_TRIES = 3
"""How often a PIN is asked for in one call."""

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
        pins: The owners' PINs by their mailboxes, each as ``ctportd pin`` prints it. Who presses ``*`` in the greeting,
            and knows the PIN, hears the mailbox's messages.
    """

    mailbox: Annotated[str, Meta(pattern=_MAILBOX)] = "100"
    greeting: str = "vm-intro"
    longest: Annotated[int, Meta(ge=1)] = 180
    shortest: Seconds = 1
    silence: Seconds = 8
    tries: Annotated[int, Meta(ge=1)] = 3
    pins: dict[str, Annotated[str, Meta(pattern=PIN_HASH)]] = {}

    def __post_init__(self) -> None:
        """Refuse a PIN that could not be compared with any: its owner would learn it on the telephone."""
        for mailbox, hashed in self.pins.items():
            try:
                check_hash(hashed)
            except ValueError as error:
                problem = f"the PIN of mailbox {mailbox} cannot be used: {error}; make it anew with 'ctportd pin'"
                raise ValueError(f"pins: {problem}") from error


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings, daemon: Daemon) -> None:
    """Take a message for the mailbox ``target``."""
    await call.answer()
    try:
        mailbox = target or settings.mailbox
        if mailbox not in settings.pins:
            await daemon.messages.check_room()  # before the caller has listened to the whole greeting
        if (await call.play(settings.greeting)).startswith(OWNER) and mailbox in settings.pins:
            await call.clear()
            await _let_in(call, mailbox, settings, daemon)
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


async def _let_in(call: Call, mailbox: str, settings: Settings, daemon: Daemon) -> None:
    """Ask for the PIN, and play the messages to who knows it."""
    try:
        for _ in range(PIN_TRIES):
            await call.play("vm-enter-pin")
            pin = await _keyed_in(call)
            if pin and await daemon.pins.check(mailbox, call.caller.number, pin, settings.pins[mailbox]):
                await _play_messages(call, mailbox, daemon)
                break
            await call.play("vm-wrong-pin", ignore_keys=True)
    except PinLocked as error:
        log.warning("nobody is let in", error=str(error))
        await call.play("vm-locked", ignore_keys=True)
    await call.play("goodbye")


async def _keyed_in(call: Call) -> str:
    """Keys until ``#``, or until no more come."""
    pin = ""
    while (key := await call.collect(1, first=6)) and key != "#" and len(pin) < LONGEST_PIN:
        pin += key
    return pin


async def _play_messages(call: Call, mailbox: str, daemon: Daemon) -> None:
    """Play all messages, the oldest first; any key goes on to the next one."""
    messages = await daemon.store.messages(mailbox)
    if not messages:
        await call.play("vm-no-messages")
        return
    await call.play(
        "vm-you-have", *speech.number(len(messages)), "vm-message" if len(messages) == 1 else "vm-messages"
    )
    for number, message in enumerate(messages, 1):
        await call.clear()
        try:
            await call.play("vm-message", *speech.number(number), message.path)
        except PromptNotFound as error:  # a file that somebody has removed by hand
            log.error("a message cannot be played", id=message.id, error=str(error))  # noqa: TRY400 - it says all
    await call.clear()
