"""One soak: callers on every line, faults in three stretches, and rest at the end."""

from __future__ import annotations

import asyncio
import signal
import time
from random import Random
from typing import TYPE_CHECKING

import msgspec
from support.system import tick

from soak.caller import Caller
from soak.fault import Made, make
from soak.faults import FAULTS
from soak.house import House
from soak.ledger import Ledger
from soak.lines import LINES
from soak.requests import RequestFates
from soak.vitals import Vitals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soak.fault import Fault

_STRETCHES: tuple[tuple[float, frozenset[str]], ...] = (
    (0.55, frozenset()),
    (0.25, frozenset({"daemon"})),
    (0.20, frozenset({"daemon", "ctserver"})),
)
"""The parts of the time, and whose lives each spares: what lives long enough shows what it leaks."""

_WARM_UP = 60.0  # seconds after which what is kept for good (sounds, connections) is there; less in a short soak
_AIMED = 0.75  # the part of the faults that are made where it hurts
_AIM = 2.0  # seconds of the clock that they wait for it at most
_MESSAGE = 5.0  # seconds of the line in which most messages are over

_LAST_CALL_TRIES = 3


class Settings(msgspec.Struct, frozen=True):
    """What a soak is asked for.

    Attributes:
        seconds: How long there are faults.
        seed: Decides all that is left to chance.
        lines: How many lines.
        speed: Seconds of the line in one of the clock.
        gap: The shortest and the longest time from one fault to the next, in seconds of the clock.
        only: The faults to make; empty: all.
        pause: The longest pause of a caller between two calls, in seconds of the clock.
        least: Faults that are made, however much longer that takes: a machine under load recovers slowly.
    """

    seconds: float = 1260.0
    seed: int = 1
    lines: int = len(LINES)
    speed: float = 25.0
    gap: tuple[float, float] = (3.0, 8.0)
    only: tuple[str, ...] = ()
    pause: float = 2.0
    least: int = 0

    @property
    def faults(self) -> list[Fault]:
        """Those that it makes, as far as this machine allows."""
        return [FAULTS[name] for name in self.only or FAULTS if FAULTS[name].possible()]


class Measured(msgspec.Struct):
    """A process at rest, early in its life and at its end."""

    start: Vitals
    end: Vitals | None = None


class Outcome(msgspec.Struct):
    """All that a soak has found out, before it is compared.

    Attributes:
        made: The faults, in order.
        measured: The vitals of ``daemon`` and ``ctserver``, where one life was long enough.
        unanswered: Lines that did not answer the last call.
        left_over: Command lines of processes that were there after the end.
        exit_status: The daemon's, at its last orderly end.
        seconds: How long it took in all.
    """

    made: list[Made] = []
    measured: dict[str, Measured] = {}
    unanswered: list[int] = []
    left_over: list[str] = []
    exit_status: int = 0
    seconds: float = 0.0


class Soak:
    """One run.

    Args:
        settings: What is asked for.
        folder: Where the system lives; empty at first.
        tell: Told of progress, a line at a time.
    """

    def __init__(self, settings: Settings, folder: Path, tell: Callable[[str], None]) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.outcome = Outcome()
        self.requests = RequestFates()
        kinds = LINES[: settings.lines]
        self.house = House(folder, kinds, settings.speed)
        self._tell = tell
        self._random = Random(settings.seed)
        self._may_call = asyncio.Event()
        self._callers = [
            Caller(
                number, kind.manners, self.house.exchange_url, self.ledger,
                random=Random(settings.seed * 1000 + number), pause=settings.pause,
            )
            for number, kind in enumerate(kinds, 1)
        ]  # fmt: skip
        self._began = time.monotonic()

    async def run(self) -> None:
        """Soak the system, from its first start to its last stop; nothing of it is left then."""
        await self.house.start()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(caller.run(self._may_call)) for caller in self._callers]
                tasks.append(group.create_task(self._report()))
                tasks.append(group.create_task(self.requests.watch(self.house)))
                await self._soak()
                for task in tasks:
                    task.cancel()
            await self._last_calls()
            await self._end()
        finally:
            await self.house.close()
            self.outcome.seconds = time.monotonic() - self._began

    # -- the stretches

    async def _soak(self) -> None:
        self._may_call.set()
        for part, spares in _STRETCHES:
            faults = [fault for fault in self.settings.faults if not fault.ends & spares]
            until = time.monotonic() + part * self.settings.seconds
            self._tell(f"for {part * self.settings.seconds:.0f} s: {', '.join(fault.name for fault in faults)}")
            if spares:
                await self._make_faults(faults, time.monotonic() + min(_WARM_UP, part * self.settings.seconds / 4))
                await self._measure_start()
            await self._make_faults(faults, until)
        while len(self.outcome.made) < self.settings.least:
            await self._make_faults(faults, time.monotonic() + 2 * self.settings.gap[1])
        await self._measure_end()

    async def _make_faults(self, faults: list[Fault], until: float) -> None:
        """Make faults until then: all of them in some order, then again in another."""
        deck: list[Fault] = []
        while faults and (gap := self._random.uniform(*self.settings.gap)) < until - time.monotonic():
            await asyncio.sleep(gap)
            deck = deck or self._random.sample(faults, len(faults))
            self.outcome.made.append(await make(deck.pop(), self.house, self._random, self._moment))
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def _moment(self) -> None:
        """The worst moment for a fault, mostly: somebody speaks, or has just spoken."""
        until = time.monotonic() + _AIM
        if self._random.random() < _AIMED:
            while not self.ledger.somebody_speaks and time.monotonic() < until:
                await tick()
            await asyncio.sleep(self._random.uniform(0, _MESSAGE / self.settings.speed))

    # -- at rest

    async def _come_to_rest(self) -> None:
        """Have nobody call, until every line is idle."""
        self._may_call.clear()
        for caller in self._callers:
            await caller.free.wait()
        await self.house.note_rest()

    async def _measure_start(self) -> None:
        """Note the vitals of what lives on from here to the end of the soak; the last note of a life stands."""
        await self._come_to_rest()
        for name, vitals in (await self.house.vitals()).items():
            known = self.outcome.measured.get(name)
            if known is None or known.start.pid != vitals.pid:
                self.outcome.measured[name] = Measured(vitals)
        self._may_call.set()

    async def _measure_end(self) -> None:
        await self._come_to_rest()
        for name, vitals in (await self.house.vitals()).items():
            measured = self.outcome.measured.get(name)
            if measured is not None and measured.start.pid == vitals.pid:
                measured.end = vitals
        await self.requests.look(self.house)

    # -- the end

    async def _last_calls(self) -> None:
        """After all that, each line must still answer."""
        for number, caller in enumerate(self._callers, 1):
            for _ in range(_LAST_CALL_TRIES):
                entry = await caller.call("before_beep")
                if entry.answered_at:
                    break
                await self.house.wait_idle()
            else:
                self.outcome.unanswered.append(number)
        await self.house.wait_idle()

    async def _end(self) -> None:
        """Restart once in order, so that what is to be mended is mended; then end, and see what is left."""
        await self._stop()
        await self.house.launch()
        await self.house.recover("the last restart")
        await self._stop()

    async def _stop(self) -> None:
        self.outcome.exit_status |= await self.house.end_daemon(signal.SIGTERM)
        left = {pid: words for pid, words in self.house.processes.items() if pid != self.house.daemon}
        self.outcome.left_over += [" ".join(words) for words in left.values()]
        self.house.end_left_over()

    async def _report(self) -> None:
        """A line of progress every half a minute."""
        while True:
            await asyncio.sleep(30)
            entries = self.ledger.entries
            self._tell(
                f"{time.monotonic() - self._began:5.0f} s: {len(self.outcome.made)} faults, {len(entries)} calls, "
                f"{len(self.ledger.answered)} answered, {len(self.ledger.spoken)} messages spoken, "
                f"{len(self.house.troubles)} troubles"
            )
