"""Follows what a running daemon does for a while: a call that it makes, lines that empty."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ctportd.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ctportd.control.client import ControlClient
    from ctportd.status import CallStage, PlacedCall

_POLL = 0.2  # seconds between two looks at how many calls are left


async def follow_call(control: ControlClient, placed: PlacedCall, tell: Callable[[CallStage], object]) -> str:
    """Follow a call to its end; Ctrl-C and the like hang it up.

    Args:
        control: Leads to the daemon.
        placed: The call.
        tell: Told of each step.

    Returns:
        What has become of it, as ``FollowedCall.outcome`` says it.
    """
    seen = 0
    with _hanging_up_on_signals(control, placed):
        while True:
            followed = await control.follow_call(placed, seen)
            for stage in followed.stages:
                tell(stage)
            seen += len(followed.stages)
            if followed.ended:
                return followed.outcome


@contextmanager
def _hanging_up_on_signals(control: ControlClient, placed: PlacedCall) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    hangups: set[asyncio.Task[None]] = set()

    async def hang_up() -> None:
        await control.hang_up(placed.port)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, lambda: hangups.add(loop.create_task(hang_up())))
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def wait_drained(
    control: ControlClient, ports: Sequence[str], within: float | None, tell: Callable[[dict[str, str]], object]
) -> None:
    """Wait until no call is left on ports that are drained.

    Args:
        control: Leads to the daemon.
        ports: Their addresses.
        within: Seconds that this may take; None: any.
        tell: Told the calls that are left, by port, whenever they are others.

    Raises:
        ControlError: Calls are left when the time is up, or somebody has them taken again.
    """
    left: dict[str, str] | None = None
    try:
        async with asyncio.timeout(within):
            while left != {}:
                drained = await control.drained()
                again = sorted(set(ports) - set(drained.ports))
                if again:
                    raise ControlError(
                        f"calls are taken again on {', '.join(again)}: somebody has said so meanwhile"
                    )
                now = {port: call for port, call in drained.calls.items() if port in ports}
                if now != left:
                    tell(now)
                    left = now
                if now:
                    await asyncio.sleep(_POLL)
    except TimeoutError:
        busy = ", ".join(left or {})
        hint = "ctportd hangup PORT ends one, ctportd drain waits on"
        raise ControlError(f"after {within:g} s there are still calls on {busy}; {hint}") from None
