"""Faults of processes: they die, are ended, or stand still."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, ClassVar

from soak.fault import Fault
from soak.house import signal_to

if TYPE_CHECKING:
    from random import Random

    from soak.house import House

_YOUTH = 10.0
"""Seconds of a run after which the daemon takes ctserver for good, and starts it again at once when it dies."""

_OLD = 0.75
"""The part of ctserver's deaths that come after its youth."""


class _EndCtserver(Fault):
    ends = frozenset({"ctserver"})

    async def prepare(self, house: House, random: Random) -> None:
        """Mostly, let it live until the daemon takes it for good: one that dies young is waited for ever longer."""
        if random.random() < _OLD:
            await house.let_ctserver_live(_YOUTH)


class KillCtserver(_EndCtserver):
    """The card's driver takes ctserver with it."""

    name = "kill-ctserver"
    does = "SIGKILL to ctserver"
    costs = "the calls under way; of a recording what was on its way and its last second"

    async def make(self, house: House, random: Random) -> None:
        """Kill it; the daemon starts it again."""
        house.end_ctserver(signal.SIGKILL)


class KillDaemon(Fault):
    """The kernel is out of memory."""

    name = "kill-daemon"
    does = "SIGKILL to the daemon, which is started again"
    costs = "the calls under way; the record of a call that began in the second before"
    ends = frozenset({"daemon", "ctserver"})

    async def make(self, house: House, random: Random) -> None:
        """Kill it, and start it again a moment later."""
        await house.end_daemon(signal.SIGKILL)
        await asyncio.sleep(random.uniform(0, 1))


class KillBoth(Fault):
    """The machine loses its power, as far as processes can tell."""

    name = "kill-both"
    does = "SIGKILL to the daemon and to ctserver in the same moment"
    costs = "as kill-ctserver and kill-daemon"
    ends = frozenset({"daemon", "ctserver"})

    async def make(self, house: House, random: Random) -> None:
        """Kill both."""
        house.end_ctserver(signal.SIGKILL)
        await house.end_daemon(signal.SIGKILL)


class Restart(Fault):
    """An upgrade in the middle of calls."""

    name = "restart"
    does = "SIGTERM to the daemon in the middle of calls; then it is started again"
    costs = "the calls under way"
    ends = frozenset({"daemon", "ctserver"})

    async def make(self, house: House, random: Random) -> None:
        """End it in order, and start it again."""
        status = await house.end_daemon(signal.SIGTERM)
        if status != 0:
            house.troubles.append(f"the daemon ended with exit status {status} on SIGTERM")


class TerminateCtserver(_EndCtserver):
    """Somebody else ends ctserver in order."""

    name = "terminate-ctserver"
    does = "SIGTERM to ctserver"
    costs = "the calls under way"

    async def make(self, house: House, random: Random) -> None:
        """End it; the daemon starts it again."""
        house.end_ctserver(signal.SIGTERM)


class _Pause(Fault):
    longest: ClassVar[float]

    async def _pause(self, pid: int | None, random: Random) -> None:
        signal_to(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(random.uniform(0.3, self.longest))
        finally:
            signal_to(pid, signal.SIGCONT)


class PauseCtserver(_Pause):
    """Ctserver hangs for a while."""

    name = "pause-ctserver"
    does = "SIGSTOP to ctserver, up to 4 s of the clock"
    costs = "calls that wait for it longer than their requests may take"
    longest = 4.0

    async def make(self, house: House, random: Random) -> None:
        """Stop it, and let it go on."""
        await self._pause(house.ctserver, random)


class PauseDaemon(_Pause):
    """The daemon gets no processor for a while."""

    name = "pause-daemon"
    does = "SIGSTOP to the daemon, up to 2 s of the clock"
    costs = "callers who give up meanwhile; the name and number of who rang"
    longest = 2.0

    async def make(self, house: House, random: Random) -> None:
        """Stop it, and let it go on."""
        await self._pause(house.daemon, random)
