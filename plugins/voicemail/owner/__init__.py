"""The owner's side of a mailbox, by telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ctportd import LONGEST_PIN, PinLocked, PromptNotFound, speech

from ..boxes import open_box

if TYPE_CHECKING:
    from ctportd import Call, Daemon

    from ..settings import Settings

log = structlog.get_logger("voicemail")

PIN_TRIES = 3
"""How often a PIN is asked for in one call."""


async def let_in(call: Call, box_number: str, settings: Settings, daemon: Daemon) -> None:
    """Ask for the PIN, and play the messages to who knows it."""
    box = await open_box(box_number, settings, daemon)
    try:
        for _ in range(PIN_TRIES):
            await call.play("vm-enter-pin")
            pin = await _keyed_in(call)
            if pin and await daemon.pins.check(box_number, call.caller.number, pin, box.pin_hash):
                await _play_messages(call, box_number, daemon)
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
    messages = await daemon.messages.of(mailbox)
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
