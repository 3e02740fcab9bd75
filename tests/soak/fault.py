"""What a fault is, and how one is made."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from soak.house import House


class Made(msgspec.Struct):
    """A fault that was made.

    Attributes:
        name: Which.
        began: When, on the wall clock.
        over: When it was undone and the system was up again.
    """

    name: str
    began: float
    over: float = 0.0


class Fault(ABC):
    """Something that goes wrong.

    Attributes:
        name: What it is called on the command line.
        does: What it does.
        costs: What it may cost; messages are never among it.
        ends: Whose life it ends: ``daemon``, ``ctserver``.
    """

    name: ClassVar[str]
    does: ClassVar[str]
    costs: ClassVar[str]
    ends: ClassVar[frozenset[str]] = frozenset()

    @staticmethod
    def possible() -> bool:
        """Whether this machine lets us make it."""
        return True

    async def prepare(self, house: House, random: Random) -> None:  # noqa: B027 - most can be made at any time
        """Wait until it makes sense."""

    @abstractmethod
    async def make(self, house: House, random: Random) -> None:
        """Make it, and undo what does not undo itself."""


async def make(fault: Fault, house: House, random: Random, moment: Callable[[], Awaitable[None]]) -> Made:
    """Make a fault at the right ``moment``, and wait until the system has come back from it."""
    await fault.prepare(house, random)
    await moment()
    house.expect_daemon("the last fault")
    made = Made(fault.name, time.time())
    await fault.make(house, random)
    if "daemon" not in fault.ends:
        house.expect_daemon(fault.name)
    await house.recover(fault.name)
    made.over = time.time()
    return made
