"""Who guesses at PINs is locked out: by mailbox and by caller, across calls, lines and starts of the daemon."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from ctportd.errors import PinLocked, StoreError
from ctportd.logs import nobodys_threads
from ctportd.pins.hashing import LONGEST_PIN, matches
from ctportd.records import CALLER, MAILBOX, WrongPins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ctportd.calls.call import Call

FORGET = timedelta(days=7)
"""After which a caller's wrong PINs are forgotten; a mailbox's are with its right one only."""

LONGEST_LOCK = timedelta(days=1)

TRIES = 3
"""How often a PIN is asked for at a time."""

_CALLER = 2
"""How many times as many wrong PINs a caller may give as a mailbox may get: a household may have several mailboxes."""

_LONGEST_CALLER = 64  # characters, as the database keeps of a number

_LONGEST_MAILBOX = 48  # of one that is none, likewise

_ASKED_FOR = f"{CALLER}who asks for "
"""What is locked where there is no PIN. Callers may ask for anything, so it is forgotten as callers are."""

_NO_PIN = "scrypt:32768:8:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""The hash of no PIN: to compare one with it takes as long as with a real one."""

log = structlog.stdlib.get_logger("ctportd.pins")


class PinStore(Protocol):
    """Where wrong PINs are kept."""

    async def wrong_pins(self) -> list[WrongPins]:
        """All of them."""

    async def save_wrong_pins(self, wrong: WrongPins) -> None:
        """Keep some; a count of 0 forgets them."""

    async def forget_wrong_pins(self, before: datetime) -> None:
        """Forget callers' whose last one was given before this moment."""


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
        self.use(tries, lock)
        self._now = now
        self._locked = locked
        self._wrong: dict[str, WrongPins] = {}
        self._loaded = False
        self._unkept: set[str] = set()
        self._turn = asyncio.Lock()

    def use(self, tries: int, lock: float) -> None:
        """Lock after so many wrong ones, for so long, from now on; what is locked stays so."""
        self._tries = tries
        self._lock = timedelta(seconds=lock)

    async def check(self, mailbox: str, caller: str, pin: str, hashed: str) -> bool:
        """Whether this is the PIN of a mailbox.

        Args:
            mailbox: The mailbox.
            caller: The caller's number; empty where it is withheld.
            pin: What was keyed in.
            hashed: The mailbox's PIN, as :func:`~ctportd.pins.hashing.hash_pin` made it. Empty: it has none, or there is
                no such mailbox; that takes as long, and locks as much, so that nobody can tell.

        Raises:
            PinLocked: The mailbox or the caller is locked, maybe by this very PIN.
        """
        subjects = {f"{MAILBOX}{mailbox}" if hashed else f"{_ASKED_FOR}{mailbox[:_LONGEST_MAILBOX]}": self._tries}
        if caller:
            subjects[f"{CALLER}{caller[:_LONGEST_CALLER]}"] = self._tries * _CALLER
        async with self._turn:
            await self._load()
            self._refuse_locked(subjects)
            with nobodys_threads():
                right = await asyncio.to_thread(matches, pin, hashed or _NO_PIN)
            if right:
                await self._forgive(list(subjects))
                return True
            for subject, most in subjects.items():
                await self._count(subject, most)
            self._tell_locked(mailbox, caller, subjects)
            self._refuse_locked(subjects)
            return False

    async def admits(self, call: Call, what: str, hashed: str, *, enter: str, wrong: str, locked: str) -> bool:
        """Ask a caller for a PIN, and tell whether it was right. What is keyed in stays out of the call's timeline.

        Args:
            call: The call, answered.
            what: What the PIN opens, for :meth:`check`, which calls it a mailbox, and the log.
            hashed: As for :meth:`check`.
            enter: The prompt that asks for it.
            wrong: The one after a wrong PIN.
            locked: The one where no PIN is believed any more.
        """
        with call.secret():
            try:
                for _ in range(TRIES):
                    await call.play(enter)
                    pin = await call.keyed_in(LONGEST_PIN)
                    if pin and await self.check(what, call.caller.number, pin, hashed):
                        return True
                    await call.clear()
                    await call.play(wrong)
            except PinLocked as error:
                log.warning("nobody is let in", what=what, error=str(error))
                await call.play(locked, ignore_keys=True)
                await call.clear()
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
        count = 1 if before is None else before.count + 1
        until = None
        if count >= most:
            until = now + min(self._lock * 2 ** min(count - most, 32), LONGEST_LOCK)
        self._wrong[subject] = WrongPins(subject, count, now, until)
        await self._keep(self._wrong[subject])

    async def _forgive(self, subjects: list[str]) -> None:
        """Forget what was keyed in wrong at this mailbox, and no more: who has one may guess at the others' too."""
        mailbox, *callers = subjects
        forgiven = self._wrong.pop(mailbox, None)
        if forgiven is None:
            return
        await self._keep(WrongPins(mailbox, 0, self._now()))
        for caller in callers:
            given = self._wrong.get(caller)
            left = max(0, given.count - forgiven.count) if given is not None else 0
            if given is not None and left:
                self._wrong[caller] = msgspec.structs.replace(given, count=left, locked_until=None)
                await self._keep(self._wrong[caller])
            elif given is not None:
                del self._wrong[caller]
                await self._keep(WrongPins(caller, 0, self._now()))

    def keep_all(self) -> None:
        """The database was made anew: it has to have what is known here."""
        self._unkept |= set(self._wrong)

    async def _load(self) -> None:
        """Read what earlier runs have kept, write what could not be kept yet, and forget callers of yesterday."""
        try:
            if not self._loaded:
                for wrong in await self._store.wrong_pins():
                    self._wrong[wrong.subject] = _together(wrong, self._wrong.get(wrong.subject))
                self._loaded = True
            for subject in sorted(self._unkept):
                await self._store.save_wrong_pins(self._wrong.get(subject) or WrongPins(subject, 0, self._now()))
                self._unkept.discard(subject)
        except StoreError as error:
            log.warning("wrong PINs cannot be kept now", error=str(error))
        self._mind_the_clock()
        await self._forget_callers()

    def _mind_the_clock(self) -> None:
        """A clock that was set back makes no lock last longer than the longest."""
        now = self._now()
        for wrong in list(self._wrong.values()):
            if wrong.last > now:
                until = wrong.locked_until and min(wrong.locked_until, now + LONGEST_LOCK)
                self._wrong[wrong.subject] = msgspec.structs.replace(wrong, last=now, locked_until=until)

    async def _forget_callers(self) -> None:
        """Callers may invent numbers without end; mailboxes are few, and what was guessed at them is not forgotten."""
        before = self._now() - FORGET
        old = [wrong for wrong in self._wrong.values() if wrong.last < before and wrong.subject.startswith(CALLER)]
        for wrong in old:
            del self._wrong[wrong.subject]
        if old:
            try:
                await self._store.forget_wrong_pins(before)
            except StoreError as error:
                log.warning("old wrong PINs are not forgotten yet", error=str(error))

    async def _keep(self, wrong: WrongPins) -> None:
        self._unkept.add(wrong.subject)
        try:
            await self._store.save_wrong_pins(wrong)
        except StoreError as error:
            log.warning("wrong PINs are remembered, and kept later", error=str(error))
        else:
            self._unkept.discard(wrong.subject)


def _together(kept: WrongPins, here: WrongPins | None) -> WrongPins:
    """What an earlier run and this one know of a subject."""
    if here is None:
        return kept
    ends = [end for end in (kept.locked_until, here.locked_until) if end is not None]
    return WrongPins(kept.subject, kept.count + here.count, max(kept.last, here.last), max(ends, default=None))
