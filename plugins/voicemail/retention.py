"""Messages that are old enough are removed: heard ones and deleted ones, and new ones only where that is asked for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from ctportd import INBOX, OLD, TRASH, StorageError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ctportd import Daemon, VoiceMessage

    from .settings import Settings

EVERY = 3600.0
"""Seconds between two looks: days are counted (our figure)."""

log = structlog.get_logger("voicemail")


def outdated(messages: Iterable[VoiceMessage], settings: Settings, now: datetime) -> list[VoiceMessage]:
    """Those that have been in their folders for longer than their mailboxes keep them there."""
    return [message for message in messages if _is_outdated(message, settings, now)]


def _is_outdated(message: VoiceMessage, settings: Settings, now: datetime) -> bool:
    rules = settings.rules_of(message.mailbox)
    days = {OLD: rules.keep_days, INBOX: rules.keep_new_days, TRASH: rules.trash_days}.get(message.folder, 0)
    return bool(days) and now - (message.filed_at or message.recorded_at) >= timedelta(days=days)


_running: set[asyncio.Task[None]] = set()


def start(settings: Settings, daemon: Daemon) -> None:
    """Look after it from now on, as long as the plugin runs."""
    task = asyncio.create_task(_run(settings, daemon))
    _running.add(task)
    task.add_done_callback(_running.discard)


def stop() -> None:
    """Look after it no more."""
    for task in _running:
        task.cancel()


async def _run(settings: Settings, daemon: Daemon) -> None:
    """Remove what is outdated, now and once an hour, until cancelled."""
    while True:
        try:
            for message in outdated(await daemon.store.messages(), settings, daemon.clock.now()):
                if await daemon.messages.purge(message, unchanged=True):  # its owner may have restored it just now
                    log.info("a message is removed for its age", mailbox=message.mailbox, id=message.id)
        except (StoreError, StorageError) as error:
            log.warning("old messages are removed later", error=str(error))
        await asyncio.sleep(EVERY)
