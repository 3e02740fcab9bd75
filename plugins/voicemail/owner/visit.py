"""What there is while an owner is in the mailbox: the call, the mailbox, and the folder that is open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from ctportd import INBOX

from ..boxes import NAME, Box
from ..changes import Changes
from .keys import Action
from .reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd import Call, Daemon

    from ..settings import Settings

log = structlog.get_logger("voicemail.owner")


class Visit:
    """One owner in one mailbox.

    Attributes:
        call: The owner's call.
        box: The mailbox.
        settings: Those of the plugin.
        daemon: The daemon.
        reading: The folder that is open.
        key: A key that was pressed while a message played, for the menu that comes next; empty for none.
    """

    def __init__(self, call: Call, box: Box, settings: Settings, daemon: Daemon) -> None:
        self.call = call
        self.box = box
        self.settings = settings
        self.daemon = daemon
        self.reading = Reading(INBOX)
        self.key = ""

    def taken_key(self) -> str:
        """The key that waits for a menu, which has it now."""
        key, self.key = self.key, ""
        return key

    def hidden(self) -> set[Action]:
        """What makes no sense now, in any menu."""
        message = self.reading.current
        hidden = self.reading.hidden()
        if message is None:
            hidden.add(Action.ENVELOPE)
        if message is None or message.number not in self.settings.mailboxes:
            hidden.add(Action.REPLY)
        if message is None or not message.number:
            hidden.add(Action.CALL_BACK)
        return hidden if self.may_dial else {*hidden, Action.CALL_BACK, Action.DIAL_OUT}

    @property
    def may_dial(self) -> bool:
        """Whether the owner may call out; a line to a telephone set leads nowhere."""
        return self.box.rules.dial_out and self.call.port.kind == "trunk"

    async def greeting(self, kind: str) -> Path | None:
        """The greeting of a kind; None where there is none."""
        return await asyncio.to_thread(self.box.greeting_file, kind)

    async def name_of(self, number: str) -> Path | None:
        """The name of a mailbox, spoken by its owner; None where that is no mailbox, or has none."""
        if number not in self.settings.mailboxes:
            return None
        box = Box(number, self.settings, self.daemon, Changes())
        return await asyncio.to_thread(box.greeting_file, NAME)

    @property
    def drafts(self) -> Path:
        """The folder of what is neither a message nor a greeting yet."""
        return self.daemon.state / "voicemail" / self.box.number / "drafts"
