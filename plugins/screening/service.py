"""Screening as it runs: judges callers by the lists of now, and remembers what has to be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec
import structlog

from ctportd import StoreError, plain

from .judging import PERMIT_USED, Facts, judge
from .lists import Entry
from .memory import Memory, Seen
from .patterns import Subject, fold
from .sources import STORE_WAIT, Sources

if TYPE_CHECKING:
    from ctportd import Call, Caller, Site

    from .judging import Judgement
    from .lists import Book
    from .settings import Settings

PRUNE_EVERY = timedelta(days=1)
"""How often what counts no more is forgotten (our figure)."""

BEGINS_WITHIN = timedelta(seconds=30)
"""In which a call begins that was judged, or its plugins were never told of it (our figure)."""

LISTS_WAIT = 1.2
"""Seconds that the lists may take to be read again: a caller is to be judged within two (our figure)."""

log = structlog.stdlib.get_logger("screening")


class Screening:
    """Judges callers of one installation.

    Args:
        settings: The plugin's.
        site: Where the store is, and how numbers are read.

    Attributes:
        settings: As given.
        memory: What is remembered.
        numbers: Reads telephone numbers.
    """

    def __init__(self, settings: Settings, site: Site) -> None:
        self.settings = settings
        self.memory = Memory(site)
        self.numbers = site.numbers
        self.sources = Sources(settings, self.memory, site.numbers)
        self._judged: dict[str, tuple[datetime, Judgement]] = {}
        self._pruned = datetime.min.replace(tzinfo=UTC)

    async def judge(self, caller: Caller, at: datetime, *, permits: bool = True) -> Judgement:
        """What to think of a caller; changes nothing. Without the store, by what else there is.

        Args:
            caller: Who calls.
            at: When.
            permits: Whether "let the next call through" counts.
        """
        book = await self._book()
        number = self.numbers.of(caller.number)
        facts = Facts(known=False)
        if not self.sources.away:
            try:
                async with asyncio.timeout(STORE_WAIT / 2):
                    facts = await self.memory.facts(number)
            except (StoreError, TimeoutError) as error:
                log.warning(
                    "what is remembered of a caller cannot be read", error=str(error) or "no answer in time"
                )
        if not permits:
            facts = msgspec.structs.replace(facts, permit_until=None)
        return judge(Subject(number, fold(caller.name)), at, book, self.settings, facts)

    async def judge_call(self, caller: Caller, port: str, at: datetime) -> Judgement:
        """What to think of a call that comes, and keep that until it has begun: the next one is let through, not two."""
        judgement = await self.judge(caller, at)
        if judgement.effect == PERMIT_USED and self._permits_another(port, at):
            judgement = await self.judge(caller, at, permits=False)
        self.remember(port, at, judgement)
        return judgement

    def _permits_another(self, port: str, at: datetime) -> bool:
        """Whether a call that is about to begin on another port is the next one."""
        others = (judged for other, judged in self._judged.items() if other != port)
        return any(one.effect == PERMIT_USED and at - came < BEGINS_WITHIN for came, one in others)

    async def _book(self) -> Book:
        """The lists of now, or of a moment ago where it takes too long to read them again."""
        reading = asyncio.create_task(self.sources.refresh())
        done, _ = await asyncio.wait([reading], timeout=LISTS_WAIT)
        if not done:
            log.warning("the lists take long to read: callers are judged by those of a moment ago")
            return self.sources.book
        return reading.result()

    def remember(self, port: str, at: datetime, judgement: Judgement) -> None:
        """Keep a judgement until its call begins."""
        self._judged[port] = at, judgement

    async def name_of(self, number: str, name: str) -> str:
        """What to call a caller; empty where nothing is known."""
        book = self.sources.book or await self._book()
        return book.name_of(self.numbers.of(number).e164, name)

    async def began(self, call: Call) -> None:
        """A call has come that was judged: remember what its judgement says, and who called."""
        judged = self._judged.get(call.port.address)
        if judged is None or judged[0] != call.began:
            return
        try:
            if call.rings:  # a set that was lifted is no caller
                await self._count(call, judged[1])
        finally:
            if self._judged.get(call.port.address) is judged:  # and not of a call that has come meanwhile
                del self._judged[call.port.address]

    async def _count(self, call: Call, judgement: Judgement) -> None:
        number = self.numbers.of(call.caller.number)
        if judgement.effect == PERMIT_USED:
            await self.memory.permit_next(None)
        elif judgement.effect == "called once":
            await self.memory.called_once(number.e164, call.began)
        elif judgement.effect == "called again":
            await self.memory.passed(number.e164, "grey list", call.began, self.settings.greylist.days)
        if judgement.rule is not None:
            await self.memory.hit(judgement.rule.key, call.began)
        if not number.withheld:
            await self.memory.saw(Seen(call.port.address, call.began, number.e164, plain(call.caller.name)))
        if call.began - self._pruned > PRUNE_EVERY:
            self._pruned = call.began
            await self.memory.prune(call.began, self.settings)

    async def passed_test(self, call: Call) -> None:
        """A caller has passed the test for humans; where the store is away, that is forgotten."""
        number = self.numbers.of(call.caller.number)
        if number.withheld:
            return
        try:
            await self.memory.passed(number.e164, "test", call.began, self.settings.test.days)
        except StoreError as error:
            log.warning("a caller who has passed the test is forgotten", error=str(error))

    async def dialled(self, call: Call, dialled: str) -> None:
        """A number was dialled on one of our sets: whoever has it may call back for some days.

        Callers who are led outside by a menu, or by a transfer, put nobody on the lists: it might be themselves.
        """
        if call.port.kind != "station":
            return
        read = (
            self.numbers.of(digits) for digits in (dialled, dialled[1:])
        )  # the first may lead to an outside line
        number = next((number for number in read if number.country), None)
        days = self.settings.dialled_days
        if number is None or not days:  # an extension of the exchange calls nobody from outside
            return
        now = call.clock.now()
        entry = Entry(
            match=number.e164, list="allow", by="dialled out", added=now, expires=now + timedelta(days=days)
        )
        known = await self.memory.entry(entry.key)
        if known is None or (known.expires is not None and known.by == entry.by):
            await self.memory.keep([entry])

    async def last_caller(self, but: Call) -> Seen | None:
        """Who called last, and not in this call."""
        here = but.port.address, but.began
        return next((seen for seen in await self.memory.recent() if (seen.port, seen.at) != here), None)


_screenings: WeakKeyDictionary[Site, Screening] = WeakKeyDictionary()


def screening_of(settings: Settings, site: Site) -> Screening:
    """The one of an installation."""
    if site not in _screenings:
        _screenings[site] = Screening(settings, site)
    return _screenings[site]
