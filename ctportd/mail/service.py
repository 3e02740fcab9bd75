"""Sends letters from the outbox: kept until the server has accepted them, and offered again until it does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.errors import MailError
from ctportd.logs import nobodys_threads
from ctportd.mail.compose import cleaned, composed
from ctportd.mail.outbox import Outbox
from ctportd.mail.server import check_set, connected
from ctportd.records import Step
from ctportd.status import MailStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from ctportd.config import MailTable
    from ctportd.mail.letter import Letter
    from ctportd.mail.server import MailServer, Outcome

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
"""Between two attempts to send a letter; it doubles in between, as mail servers do it."""

LOOK_EVERY = 60.0
"""Seconds after which the outbox is looked at again while letters wait: clocks are set, and machines sleep."""

log = structlog.stdlib.get_logger("ctportd.mail")


class Mail:
    """The letters of all plugins.

    Args:
        state: The folder of all that must survive.
        table: The mail server.
        now: The date and time of day, in UTC.
        tell: Told of the hooks ``mail_sent(letter=)`` and ``mail_failed(letter=, reason=)``.
        keep: Given the steps of calls, by their ids, that letters were about.
    """

    def __init__(
        self,
        state: Path,
        table: MailTable,
        now: Callable[[], datetime],
        tell: Callable[..., None],
        *,
        keep: Callable[[str, list[Step]], None],
    ) -> None:
        self._outbox = Outbox(state)
        self._table = table
        self._now = now
        self._tell = tell
        self._keep = keep
        self._news = asyncio.Event()
        self._all_due = True  # whatever the last run has met with may be mended
        self._away = False
        self._trouble = ""
        self._waiting = self._sent = self._failed = 0
        self._last_error = ""

    @property
    def configured(self) -> bool:
        """Whether there is a mail server to send to."""
        return bool(self._table.host)

    @property
    def status(self) -> MailStatus:
        """How it fares."""
        return MailStatus(self._waiting, self._sent, self._failed, self._last_error)

    def use(self, table: MailTable) -> None:
        """Send by this mail server from now on; what waits is offered to it at once where it is another one."""
        if table != self._table:
            self._table = table
            self._all_due = True
            self._news.set()

    async def open(self) -> None:
        """Put in order what a crash has left, before anybody posts."""
        try:
            await asyncio.to_thread(self._outbox.tidy)
            letters = await asyncio.to_thread(self._outbox.letters)
        except OSError as error:
            log.error("the outbox cannot be looked at", error=str(error))  # noqa: TRY400 - it says all
            return
        self._waiting = len(letters)
        if letters and not self.configured:
            log.warning("letters wait, and no mail server is set: see [mail] host", waiting=self._waiting)
        self._last_error = next((letter.last_error for letter in reversed(letters) if letter.last_error), "")

    async def post(self, letter: Letter) -> Letter:
        """Take a letter; when this returns, it is on the disk with its attachments, and no crash can lose it.

        Returns:
            The letter as it is in the outbox, with its id.

        Raises:
            InvalidArgument: It goes to nobody, or to what is no address.
            MailError: No mail server is set.
            StorageError: The disk refuses, or an attachment cannot be read.
        """
        check_set(self._table)
        with nobodys_threads():
            posted = await asyncio.to_thread(self._outbox.put, cleaned(letter), self._now())
        self._waiting += 1
        log.info("letter", letter=posted.id, to=posted.to, about=posted.about)
        self._note("mail posted", posted)
        self._news.set()
        return posted

    async def run(self) -> None:
        """Send what waits, as it falls due, until cancelled."""
        while True:
            self._news.clear()
            try:
                pause = await self.send_due()
            except (OSError, RuntimeError) as error:  # a disk, or no thread: it may pass
                log.error("the outbox cannot be looked at", error=str(error))  # noqa: TRY400 - it says all
                pause = LOOK_EVERY
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def send_due(self) -> float | None:
        """Offer the server every letter whose time has come; returns seconds until the next one's, None: none waits."""
        if not self.configured:
            return None
        letters = await asyncio.to_thread(self._outbox.letters)
        all_due, self._all_due = self._all_due, False
        await self._send([letter for letter in letters if all_due or is_due(letter, self._now())])
        left = await asyncio.to_thread(self._outbox.letters)
        self._waiting = len(left)
        if not left:
            return None
        if self._all_due:
            return 0.0
        return min(LOOK_EVERY, *(_seconds_until(letter, self._now()) for letter in left))

    async def _send(self, letters: list[Letter]) -> None:
        """Offer letters one after the other, over one connection, and a new one whenever it is lost."""
        rest = list(letters)
        while rest:
            try:
                async with connected(self._table) as server:
                    self._is_there()
                    await self._offer(
                        server, rest.pop(0)
                    )  # one at least, else a server that hangs up is asked on and on
                    while rest and server.usable:
                        await self._offer(server, rest.pop(0))
            except MailError as error:
                self._away = True
                self._tell_trouble(str(error))
                for letter in rest:
                    await self._put_off(letter, str(error))
                return

    async def _offer(self, server: MailServer, letter: Letter) -> None:
        sender, posted_at = self._table.sender, letter.posted_at or self._now()
        try:
            message = await asyncio.to_thread(composed, letter, sender, posted_at)
        except Exception as error:  # a file that is gone, or text that no library foresaw: the others go on
            log.exception("a letter cannot be made", letter=letter.id)
            await self._put_off(letter, f"{type(error).__name__}: {error}")
            return
        try:
            outcome = await server.deliver(self._table.sender_address, letter.waiting, message)
        except MailError as error:
            self._tell_trouble(str(error))
            await self._put_off(letter, str(error))
        else:
            self._trouble = ""
            await self._settle(letter, outcome)

    async def _settle(self, letter: Letter, outcome: Outcome) -> None:
        """Do what the server's answer asks for. What it has accepted is never offered to it again."""
        refused = letter.refused | outcome.never
        letter = msgspec.structs.replace(letter, waiting=list(outcome.later), refused=refused)
        for address, said in outcome.never.items():
            log.error("the mail server refuses a recipient", letter=letter.id, recipient=address, said=said)
        if outcome.later:
            await self._put_off(letter, _together(outcome.later))
        elif refused:
            await self._give_up(letter, _together(refused))
        else:
            await asyncio.to_thread(self._outbox.remove, letter)
            self._sent += 1
            self._last_error = ""
            log.info("letter sent", letter=letter.id, to=letter.to, said=outcome.said)
            self._note("mail sent", letter)
            self._tell("mail_sent", letter=letter)

    async def _put_off(self, letter: Letter, reason: str) -> None:
        """Let a letter wait for its next turn; one that has waited for days is given up."""
        now, self._last_error = self._now(), reason
        attempts = letter.attempts + 1
        letter = msgspec.structs.replace(
            letter, attempts=attempts, next_at=now + back_off(attempts), last_error=reason
        )
        age = now - (letter.posted_at or now)
        if age >= timedelta(days=self._table.give_up_after):
            await self._give_up(letter, reason)
            return
        await asyncio.to_thread(self._outbox.keep, letter)
        log.debug("letter put off", letter=letter.id, attempts=attempts, until=str(letter.next_at), error=reason)

    async def _give_up(self, letter: Letter, reason: str) -> None:
        await asyncio.to_thread(self._outbox.remove, letter)
        self._failed += 1
        self._last_error = reason
        log.error("a letter is given up", letter=letter.id, to=letter.to, about=letter.about, error=reason)
        self._note("mail failed", letter, reason=reason)
        self._tell("mail_failed", letter=letter, reason=reason)

    def _note(self, kind: str, letter: Letter, **details: str) -> None:
        """Add to the timeline of the call that a letter is about."""
        call = letter.about.get("call")
        if call:
            about = {key: value for key, value in letter.about.items() if key != "call"}
            self._keep(call, [Step(self._now(), kind, {"to": letter.to, **about, **details})])

    def _tell_trouble(self, problem: str) -> None:
        """Tell once of what is wrong with the server."""
        if problem != self._trouble:
            log.error("letters wait for the mail server", error=problem, waiting=self._waiting)
        self._trouble = problem

    def _is_there(self) -> None:
        """The server can be used: letters that waited for that alone need wait no longer."""
        if self._away:
            log.info("the mail server is there again")
            self._all_due = True
        self._away = False


def back_off(attempts: int) -> timedelta:
    """How long a letter waits after so many attempts."""
    return min(FIRST_RETRY * (1 << min(attempts - 1, 16)), LONGEST_RETRY)


def is_due(letter: Letter, now: datetime) -> bool:
    """Whether a letter is to be offered. One that would wait longer than ever is: the clock was set back."""
    return letter.next_at is None or not now < letter.next_at <= now + LONGEST_RETRY


def _seconds_until(letter: Letter, now: datetime) -> float:
    return 0.0 if letter.next_at is None else max(0.0, (letter.next_at - now).total_seconds())


def _together(said: dict[str, str]) -> str:
    return "; ".join(f"{address}: {words}" for address, words in said.items())
