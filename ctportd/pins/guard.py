"""Who guesses at PINs is locked out: by mailbox and by caller, across calls, lines and starts of the daemon."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from ctportd.errors import PinLocked, StoreError
from ctportd.pins.hashing import matches
from ctportd.records import WrongPins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

FORGET = timedelta(days=1)
"""After which wrong PINs are forgotten."""

LONGEST_LOCK = timedelta(days=1)

_CALLER = 2
"""How many times as many wrong PINs a caller may give as a mailbox may get: a household may have several mailboxes."""

log = structlog.stdlib.get_logger("ctportd.pins")


class PinStore(Protocol):
    """Where wrong PINs are kept."""

    async def wrong_pins(self) -> list[WrongPins]:
        """All of them."""

    async def save_wrong_pins(self, wrong: WrongPins) -> None:
        """Keep some."""


class PinGuard:
    """Checks PINs, one at a time, so that guessing on many lines at once gains nothing.

    Args:
        store: Where wrong ones are kept. What it cannot take is remembered as long as the daemon runs.
        tries: How many wrong ones in a row lock a mailbox.
        lock: Seconds that the first lock lasts; each further wrong one doubles it.
        now: The date and time of day, in UTC.
        locked: Told of each lock: mailbox, caller's number, its end.
    """

    def __init__(
        self,
        store: PinStore,
        tries: int,
        lock: float,
        now: Callable[[], datetime],
        locked: Callable[[str, str, datetime], None],
    ) -> None:
        self._store = store
        self._tries = tries
        self._lock = timedelta(seconds=lock)
        self._now = now
        self._locked = locked
        self._wrong: dict[str, WrongPins] = {}
        self._loaded = False
        self._turn = asyncio.Lock()

    async def check(self, mailbox: str, caller: str, pin: str, hashed: str) -> bool:
        """Whether this is the PIN of a mailbox.

        Args:
            mailbox: The mailbox.
            caller: The caller's number; empty where it is withheld.
            pin: What was keyed in.
            hashed: The mailbox's PIN, as :func:`~ctportd.pins.hashing.hash_pin` made it.

        Raises:
            PinLocked: The mailbox or the caller is locked, maybe by this very PIN.
        """
        subjects = {f"mailbox {mailbox}": self._tries}
        if caller:
            subjects[f"caller {caller}"] = self._tries * _CALLER
        async with self._turn:
            await self._load()
            self._refuse_locked(subjects)
            if await asyncio.to_thread(matches, pin, hashed):
                for subject in subjects:
                    await self._forget(subject)
                return True
            for subject, most in subjects.items():
                await self._count(subject, most)
            self._tell_locked(mailbox, caller, subjects)
            self._refuse_locked(subjects)
            return False

    def _refuse_locked(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            until = self._wrong[subject].locked_until if subject in self._wrong else None
            if until is not None and until > self._now():
                raise PinLocked(subject, until)

    def _tell_locked(self, mailbox: str, caller: str, subjects: Iterable[str]) -> None:
        ends = [until for subject in subjects if (until := self._wrong[subject].locked_until)]
        if ends:
            log.warning("too many wrong PINs", mailbox=mailbox, caller=caller, until=str(max(ends)))
            self._locked(mailbox, caller, max(ends))

    async def _count(self, subject: str, most: int) -> None:
        now = self._now()
        before = self._wrong.get(subject)
        count = 1 if before is None or now - before.last > FORGET else before.count + 1
        until = None
        if count >= most:
            until = now + min(self._lock * 2 ** min(count - most, 32), LONGEST_LOCK)
        self._wrong[subject] = WrongPins(subject, count, now, until)
        await self._keep(self._wrong[subject])

    async def _forget(self, subject: str) -> None:
        if self._wrong.pop(subject, None) is not None:
            await self._keep(WrongPins(subject, 0, self._now()))

    async def _load(self) -> None:
        """Read what earlier runs have kept, and forget what is old: callers may invent numbers without end."""
        if not self._loaded:
            try:
                for wrong in await self._store.wrong_pins():
                    self._wrong.setdefault(wrong.subject, wrong)
                self._loaded = True
            except StoreError as error:
                log.warning("earlier wrong PINs are not known yet", error=str(error))
        now = self._now()
        for old in [wrong.subject for wrong in self._wrong.values() if now - wrong.last > FORGET]:
            await self._forget(old)

    async def _keep(self, wrong: WrongPins) -> None:
        try:
            await self._store.save_wrong_pins(wrong)
        except StoreError as error:
            log.warning("wrong PINs are remembered, but not kept", error=str(error))
