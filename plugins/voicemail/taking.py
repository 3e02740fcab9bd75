"""The caller's side: rings, greeting, tone, message, review."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from ctportd import Counts, PromptNotFound, RequestFailed, StorageError, StoreError

from . import greetings, quota, rings
from .boxes import Box, open_box
from .changes import Changes
from .owner import let_in

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd import Call, Daemon, Reviewed, VoiceMessage

    from .settings import Settings
    from .targets import Target

OWNER = "*"
"""The key that lets the owner in."""

OPERATOR = "0"
"""The key that leads to a person."""

HUMAN = "1"

log = structlog.get_logger("voicemail")


class Visit:
    """A caller at a mailbox.

    Args:
        call: The call.
        box: The mailbox.
        settings: The plugin's.
        daemon: The daemon.
        owned: Whether its owner may be let in.
    """

    def __init__(self, call: Call, box: Box, settings: Settings, daemon: Daemon, *, owned: bool) -> None:
        self._call = call
        self._box = box
        self._settings = settings
        self._daemon = daemon
        self._owned = owned
        self._counts = Counts()
        self._wants_operator = False

    async def run(self, *, busy: bool) -> None:
        """Answer, and take a message."""
        call, rules = self._call, self._box.rules
        if rules.toll_saver or quota.limited(rules):
            self._counts = await self._count()
        if not call.answered:
            await call.wait_rings(rings.before_answer(rules, call.verdict.kind, self._counts.new).rings)
        await call.answer()
        refusal = await self._refusal()
        if refusal:
            await self._pressed(await self._play(refusal))
        elif await self._is_human() and not await self._pressed(await self._greet(busy=busy)):
            await self._take_message()

    async def _count(self) -> Counts:
        try:
            return await self._daemon.messages.counts(self._box.number)
        except StoreError as error:
            log.warning("messages cannot be counted, and one more is taken", error=str(error))
            return Counts()

    async def _refusal(self) -> str:
        """The prompt that says why no message can be taken, before the greeting is listened to; empty: one can be."""
        try:
            await self._daemon.messages.check_room()
        except StorageError as error:
            log.error("no message can be taken", error=str(error))  # noqa: TRY400 - it says all
            return "vm-unavailable"
        why = quota.full(self._box.rules, self._counts)
        if why:
            log.warning("the mailbox is full", mailbox=self._box.number, why=why)
            self._call.note("full", mailbox=self._box.number, why=why)
        return "vm-full" if why else ""

    async def _is_human(self) -> bool:
        """Let who may be a machine press a key; the call is over for who does not."""
        if not self._box.rules.human_test or self._call.verdict.kind == "permitted":
            return True
        others = (OWNER if self._owned else "") + (OPERATOR if self._box.rules.operator else "")
        key = await self._call.menu("vm-human-test", keys=HUMAN + others)
        if key != HUMAN and not await self._pressed(key):
            self._call.note("no human", mailbox=self._box.number)
            await self._call.play("goodbye", ignore_keys=True)
        return key == HUMAN

    async def _greet(self, *, busy: bool) -> str:
        """Play the greeting; returns the key that cut it short."""
        greeting = await asyncio.to_thread(greetings.choose, self._box, self._call.verdict.kind, busy=busy)
        self._call.note("greeting", mailbox=self._box.number, which=greeting.why)
        try:
            return await self._play(*greeting.prompts)
        except (PromptNotFound, RequestFailed) as error:  # a message is worth more than its greeting
            why = {"mailbox": self._box.number, "which": greeting.why, "error": str(error)}
            log.error("a greeting cannot be played", **why)  # noqa: TRY400 - it says all
            return await self._play(greetings.FALLBACK)

    async def _play(self, *prompts: str) -> str:
        """Play; returns the key that cut it short. Those behind it wait: an owner types the PIN ahead."""
        return await self._call.collect(1, first=1) if await self._call.play(*prompts) else ""

    async def _pressed(self, key: str) -> bool:
        """Do what a key asks for; returns whether the call is over with that. Other keys have skipped the greeting."""
        if key == OWNER and self._owned:
            await let_in(self._call, self._box.number, self._settings, self._daemon)
            return True
        if key == OPERATOR and self._box.rules.operator:
            await self._call.clear()
            await self._call.hand_over(self._box.rules.operator)
            return True
        return False

    # -- the message

    async def _take_message(self) -> None:
        """Record until it is long enough, or the caller has had all tries."""
        for _ in range(self._box.rules.tries):
            await self._call.clear()
            await self._call.play("beep", ignore_keys=True)
            message = await self._record()
            if message is not None:
                await self._thank(message)
                return
            await self._call.play("vm-too-short")

    async def _record(self) -> VoiceMessage | None:
        rules = self._box.rules
        return await self._daemon.messages.take(
            self._call,
            self._box.number,
            limit=quota.longest(rules, self._counts),
            silence=rules.silence,
            shortest=rules.shortest,
            trim=rules.trim,
            keep_silent=rules.keep_silent,
            review=self._review if rules.review else None,
        )

    async def _thank(self, message: VoiceMessage) -> None:
        self._call.note("message", mailbox=message.mailbox, message=message.uid, seconds=message.seconds)
        # cut short while the caller was still speaking: ctserver could not go on, and would not now
        await self._call.play("vm-unavailable" if message.cut_short else "vm-thanks")
        if self._wants_operator:
            await self._call.hand_over(self._box.rules.operator)

    async def _review(self, recording: Path) -> Reviewed:
        """Let the caller keep what was recorded (1), hear it (2), speak it again (3), mark it (4), or go on (0)."""
        operator = OPERATOR if self._box.rules.operator else ""
        prompts = ("vm-review-urgent", *(["vm-press-zero"] if operator else []))
        while (key := await self._call.menu(*prompts, keys=f"1234{operator}")) == "2":
            await self._call.play(str(recording))
        if key == "3":
            await self._call.play("beep", ignore_keys=True)
            return "again"
        if key == "4":
            await self._call.play("vm-marked-urgent", ignore_keys=True)
            return "urgent"
        self._wants_operator = key == OPERATOR
        return "keep"


async def take_message(call: Call, target: Target, settings: Settings, daemon: Daemon) -> None:
    """Answer a call for a mailbox, and take a message."""
    box, owned = await _open(target.mailbox, settings, daemon)
    try:
        await Visit(call, box, settings, daemon, owned=owned).run(busy=target.busy)
    except StorageError as error:
        log.error("no message can be taken", error=str(error))  # noqa: TRY400 - it says all
        await call.play("vm-unavailable", ignore_keys=True)


async def _open(number: str, settings: Settings, daemon: Daemon) -> tuple[Box, bool]:
    """The mailbox, and whether its owner may be let in: not where the disk cannot tell what the PIN is now."""
    try:
        box = await open_box(number, settings, daemon)
    except StorageError as error:
        log.warning("a mailbox is as the configuration says, and its owner is not let in", error=str(error))
        return Box(number, settings, daemon, Changes()), False
    return box, bool(box.pin_hash)
