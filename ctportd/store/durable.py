"""The daemon's store: what the database cannot take now is kept until it can.

A database may be locked by a backup, its disk may be full, its server away, its file removed. Lines are answered all the
same, and what is known of their calls is not lost while the daemon runs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from ctportd.errors import StoreError
from ctportd.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ctportd.records import CallRecord, Step

RETRY = 5.0
"""Seconds between two attempts to write what waits (our figure)."""

MOST_WAITING = 10_000
"""Calls whose records may wait; beyond them the oldest are lost, and told of."""

MOST_STEPS_WAITING = 2_000
"""Calls whose steps may wait: those of a call are a hundred times its record (our figure)."""

FORGET_EVERY = 3_600.0
"""Seconds between two looks for calls that are too old (our figure)."""

log = structlog.stdlib.get_logger("ctportd.store")


class DurableStore(Store):
    """A store whose records of calls, and their steps, wait when the database cannot take them.

    Args:
        url: As for :class:`~ctportd.store.Store`.
        keep_days: Days after which calls are forgotten; 0: never.

    Attributes:
        waiting: The records that wait, by their calls, each as it is now.
        waiting_steps: The steps that wait, each time with their call.
        remade: How often the database was opened after the start: anew since its file was gone, or late.
        when_remade: Called then: what it held beside the records of calls is to be put in again.
    """

    def __init__(self, url: str, keep_days: int = 0) -> None:
        super().__init__(url)
        self.waiting: dict[str, CallRecord] = {}
        self.waiting_steps: deque[tuple[str, Sequence[Step]]] = deque()
        self.remade = 0
        self.when_remade: list[Callable[[], None]] = []
        self.keep_days = keep_days
        self._forgot: float | None = None
        self._opened = False
        self._refused = False
        self._writing = asyncio.Lock()
        self._more = asyncio.Event()

    async def open(self, *, create: bool = True) -> None:
        """Open it; one that cannot be used now is opened later, by :meth:`run`.

        Raises:
            StoreError: It cannot be used at all.
        """
        try:
            await super().open(create=create)
        except StoreError as error:
            if not error.passing:
                raise
            log.error("the database cannot be used now; calls go on without it", error=str(error))  # noqa: TRY400
        else:
            self._opened = True

    async def save_call(self, record: CallRecord) -> None:
        """Keep a call's record, new or as it is now, or let it wait. Raises nothing."""
        self.waiting.pop(record.id, None)
        self.waiting[record.id] = record
        self._lose_the_oldest()
        try:
            await self._save(record.id)
        except StoreError as error:
            if not self._refused:
                log.error("records of calls wait for the database", error=str(error))  # noqa: TRY400 - it says all
            self._refused = True

    async def _save(self, call: str) -> None:
        """Write what is known of a call by now, one after the other, so that no older record follows a newer one."""
        async with self._writing:
            record = self.waiting.get(call)
            if record is not None:
                try:
                    await super().save_call(record)
                except StoreError as error:
                    if not error.of_data:
                        raise
                    problem = "the database refuses the record of a call for good"
                    log.error(problem, record=str(record), error=str(error))  # noqa: TRY400 - it says all
                if self.waiting.get(call) is record:  # else there is a newer one
                    del self.waiting[call]

    def keep_steps(self, call: str, steps: Sequence[Step]) -> None:
        """Have steps of a call written as soon as that is possible. Waits for nothing, and raises nothing."""
        self.waiting_steps.append((call, steps))
        while len(self.waiting_steps) > MOST_STEPS_WAITING:
            lost, _ = self.waiting_steps.popleft()
            log.error("the steps of a call are lost: too many wait for the database", call=lost)
        self._more.set()

    async def add_steps(self, call: str, steps: Sequence[Step]) -> None:
        """Add steps to what happened on a call, or let them wait. Raises nothing."""
        self.keep_steps(call, steps)
        with suppress(StoreError):  # which is told, and tried again
            await self._write_steps()

    async def _write_steps(self) -> None:
        async with self._writing:
            while self.waiting_steps:
                first = call, steps = self.waiting_steps[0]
                try:
                    await super().add_steps(call, steps)
                except StoreError as error:
                    if not error.of_data:
                        raise
                    log.error("the database refuses the steps of a call for good", call=call, error=str(error))  # noqa: TRY400
                if self.waiting_steps and self.waiting_steps[0] is first:  # else it was lost meanwhile
                    self.waiting_steps.popleft()

    def _lose_the_oldest(self) -> None:
        while len(self.waiting) > MOST_WAITING:
            lost = self.waiting.pop(next(iter(self.waiting)))
            log.error("the record of a call is lost: too many wait for the database", record=str(lost))

    async def close(self) -> None:
        """Write what waits, if that is possible now, and let go of the database."""
        try:
            await self.write_what_waits()
        except StoreError as error:
            for record in self.waiting.values():
                log.error("the record of a call is lost", record=str(record), error=str(error))  # noqa: TRY400
            if self.waiting_steps:
                log.error("steps of calls are lost", calls=sorted({call for call, _ in self.waiting_steps}))  # noqa: TRY400
        self.waiting.clear()
        self.waiting_steps.clear()
        await super().close()

    async def run(self) -> None:
        """Write what waits as soon as that is possible, and mend what has happened to the file, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY):
                    await self._more.wait()
            self._more.clear()
            try:
                await self._look_after()
            except (StoreError, OSError, RuntimeError) as error:  # a folder that is closed, no thread: it may pass
                log.warning("the database cannot be used yet", error=str(error), waiting=len(self.waiting))

    async def _look_after(self) -> None:
        if self._opened and await self.is_gone():
            log.error("the database's file was removed or replaced; it is opened anew")
            self._opened = False
        if not self._opened:
            await super().close()
            await super().open()
            self._opened = True
            self.remade += 1
            for tell in self.when_remade:
                tell()
        await self.write_what_waits()
        await self._forget_old_calls()

    async def write_what_waits(self) -> None:
        """Try to write all of it now."""
        if self.waiting:
            for call in list(self.waiting):
                await self._save(call)
        if self._refused:  # else they are being written, and have not waited
            self._refused = False
            log.info("the records of calls that waited for the database are written")
        await self._write_steps()

    async def _forget_old_calls(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.keep_days and (self._forgot is None or now - self._forgot >= FORGET_EVERY):
            await self.forget_calls(datetime.now(UTC) - timedelta(days=self.keep_days))
            self._forgot = now
