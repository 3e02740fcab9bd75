"""The lists as they are now, from where they stand: the settings, files, the store; read again when they change."""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ctportd import ListError, StoreError, reading

from .files import read_side
from .lists import Book, Entry, read_rule
from .patterns import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ctportd import Numbers

    from .lists import Rule, Side
    from .memory import Memory
    from .settings import RuleTable, Settings

SETTINGS = "settings"
"""What rules of the TOML say of where they stand. Those of the store say nothing."""

STORE_WAIT = 1.0
"""Seconds that the store may take to say anything: a caller is to be judged within two (our figure)."""

STORE_RETRY = 5.0
"""Seconds in which a store that is away is not asked again: not each caller shall wait for it (our figure)."""

log = structlog.stdlib.get_logger("screening")


class Sources:
    """Where the lists stand, and the lists.

    Args:
        settings: With the lists of the TOML, and the names of files.
        memory: With those of the store.
        numbers: Reads the numbers in them.

    Attributes:
        book: The lists as they were read last; empty before.
        away: Why those of the store could not be read last; empty: they could.
    """

    def __init__(self, settings: Settings, memory: Memory, numbers: Numbers) -> None:
        self.book = Book()
        self.away = ""
        self._settings = settings
        self._memory = memory
        self._numbers = numbers
        self._stored: list[Entry] = []
        self._revision: str | None = None
        self._stamps: dict[str, reading.Stamp | None] = {}
        self._files: dict[str, list[tuple[str, Entry]]] = {}
        self._made = False
        self._again_at = 0.0
        self._lock = asyncio.Lock()

    async def refresh(self) -> Book:
        """Read again what has changed. What cannot be read is as it was before."""
        async with self._lock:
            changed = await self._read_store()
            changed |= await asyncio.to_thread(self._read_files)
            if changed or not self._made:
                self.book = await asyncio.to_thread(self._build)
                self._made = True
            return self.book

    async def _read_store(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self.away and now < self._again_at:
            return False
        self._again_at = now + STORE_RETRY
        try:
            async with asyncio.timeout(STORE_WAIT):
                revision = await self._memory.revision()
            changed = revision != self._revision
            if changed:
                self._stored = await self._memory.entries()
        except (StoreError, TimeoutError) as error:
            reason = str(error) or f"no answer within {STORE_WAIT:g} s"
            if not self.away:
                log.warning("the store's lists cannot be read: callers are judged by the others", error=reason)
            self.away = reason
            return False
        if self.away:
            log.info("the store's lists can be read again")
        self.away, self._revision = "", revision
        return changed

    def _read_files(self) -> bool:
        """Read the files that have changed; one that cannot be read is told of once."""
        changed = False
        for name, side in self._names():
            stamp = reading.stamp_of(Path(name))
            if name in self._stamps and stamp == self._stamps[name]:
                continue
            self._stamps[name] = stamp
            try:
                self._files[name] = read_side(Path(name), side)
                changed = True
            except ListError as error:
                log.error("a file of callers cannot be read", error=str(error))  # noqa: TRY400 - it says all
        return changed

    def _names(self) -> Iterator[tuple[str, Side]]:
        for name in self._settings.allow_files:
            yield name, "allow"
        for name in self._settings.block_files:
            yield name, "block"

    def _build(self) -> Book:
        found = [
            *(("", entry) for entry in self._stored),
            *((SETTINGS, entry) for entry in of_settings(self._settings)),
            *chain.from_iterable(self._files.values()),
        ]
        aliases = {self._known_as(called): name for called, name in self._settings.aliases.items()}
        return Book(self._rules(found), aliases)

    def _rules(self, found: Iterable[tuple[str, Entry]]) -> Iterator[Rule]:
        for source, entry in found:
            try:
                yield read_rule(entry, source, self._numbers)
            except ValueError as error:
                log.error("a rule is left out", rule=entry.match, source=source or "store", error=str(error))  # noqa: TRY400

    def _known_as(self, called: str) -> str:
        number = self._numbers.of(called)
        return fold(called) if number.withheld else number.e164


def of_settings(settings: Settings) -> list[Entry]:
    """The lists of the TOML."""
    return [
        *(_entry(rule, "allow", settings) for rule in settings.allow),
        *(_entry(rule, "block", settings) for rule in settings.block),
    ]


def _entry(rule: str | RuleTable, side: Side, settings: Settings) -> Entry:
    if isinstance(rule, str):
        return Entry(match=rule, list=side)
    return Entry(
        match=rule.match,
        list=side,
        action=rule.action,
        name=rule.name,
        note=rule.note,
        expires=settings.end_of(rule.expires),
        hours=rule.hours,
    )
