"""What is remembered in the store: the lists, hits, who has passed a test, who has called once, the next call."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from .judging import Facts, Passed
from .lists import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd import Number, Site

    from .settings import Settings

LISTS = "screening.lists"
HITS = "screening.hits"
PASSED = "screening.passed"
CALLED = "screening.called"
SINGLE = "screening"
"""The families. The last one holds single values: ``revision``, ``permit``, ``recent``."""

MOST_RECENT = 10
"""Callers that are remembered for ``screening:control``: one a port that calls meanwhile, and some (our figure)."""


class Hits(msgspec.Struct, frozen=True):
    """How often a rule has counted, and when last."""

    count: int
    last: datetime


class Seen(msgspec.Struct, frozen=True):
    """A caller who has called: on which port, when, and who."""

    port: str
    at: datetime
    number: str
    name: str


class Memory:
    """What is remembered. Every method may raise :class:`~ctportd.StoreError`."""

    def __init__(self, site: Site) -> None:
        self._store = site.store

    # -- the lists

    async def revision(self) -> str:
        """Changes whenever the lists do, whoever changes them."""
        return await self._store.get(SINGLE, "revision", str) or ""

    async def entries(self) -> list[Entry]:
        """The lists of the store."""
        return list((await self._store.family(LISTS, Entry)).values())

    async def entry(self, key: str) -> Entry | None:
        """One of them."""
        return await self._store.get(LISTS, key, Entry)

    async def keep(self, entries: Iterable[Entry]) -> None:
        """Put entries on the lists, each instead of one that is there and matches the same."""
        await self._store.put_all(LISTS, {entry.key: entry for entry in entries})
        await self._changed()

    async def forget(self, keys: Iterable[str]) -> int:
        """Take entries off the lists, by their keys, and forget their hits; returns how many were there."""
        gone = 0
        for key in keys:
            gone += await self._store.remove(LISTS, key)
            await self._store.remove(HITS, key)
        if gone:
            await self._changed()
        return gone

    async def _changed(self) -> None:
        await self._store.put(SINGLE, "revision", secrets.token_hex(8))

    # -- hits

    async def hits(self) -> dict[str, Hits]:
        """How often each rule has counted, by the rules' keys."""
        return await self._store.family(HITS, Hits)

    async def hit(self, key: str, at: datetime) -> None:
        """Count a rule once more."""
        before = await self._store.get(HITS, key, Hits)
        await self._store.put(HITS, key, Hits(before.count + 1 if before else 1, at))

    # -- callers

    async def facts(self, number: Number) -> Facts:
        """What is remembered of a caller."""
        permit = await self._store.get(SINGLE, "permit", datetime)
        if number.withheld:
            return Facts(permit)
        passed = await self._store.get(PASSED, number.e164, Passed)
        return Facts(permit, passed, await self._store.get(CALLED, number.e164, datetime))

    async def called_once(self, number: str, at: datetime) -> None:
        """A caller was sent to the grey list."""
        await self._store.put(CALLED, number, at)

    async def passed(self, number: str, how: str, at: datetime, days: int) -> None:
        """A caller has passed a test, which counts for some days."""
        await self._store.put(PASSED, number, Passed(how, at + timedelta(days=days)))
        await self._store.remove(CALLED, number)

    async def permit_next(self, until: datetime | None) -> None:
        """Let the next call through, until then; None: it has come."""
        if until is None:
            await self._store.remove(SINGLE, "permit")
        else:
            await self._store.put(SINGLE, "permit", until)

    async def recent(self) -> list[Seen]:
        """The last callers with a number, the last one first."""
        return await self._store.get(SINGLE, "recent", list[Seen]) or []

    async def saw(self, seen: Seen) -> None:
        """A caller has called."""
        await self._store.put(SINGLE, "recent", [seen, *await self.recent()][:MOST_RECENT])

    # -- what is over

    async def prune(self, at: datetime, settings: Settings) -> None:
        """Forget what counts no more: entries that have ended, tests, first calls."""
        ended = [entry.key for entry in await self.entries() if entry.expires is not None and entry.expires <= at]
        await self.forget(ended)
        for number, passed in (await self._store.family(PASSED, Passed)).items():
            if passed.until <= at:
                await self._store.remove(PASSED, number)
        oldest = at - timedelta(minutes=settings.greylist.within)
        for number, called in (await self._store.family(CALLED, datetime)).items():
            if called < oldest:
                await self._store.remove(CALLED, number)
