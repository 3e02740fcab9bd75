"""An order for a call, checked before anything is dialled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from ctportd.calls.outgoing import Order
from ctportd.errors import InvalidArgument
from ctportd.wire.requests import request_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctportd.calls.files import Prompts
    from ctportd.calls.outgoing import OutgoingCall
    from ctportd.calls.router import Router
    from ctportd.links.port import Port
    from ctportd.links.ports import Ports

LONGEST_NUMBER = 64
"""Characters of a number, as the log of calls keeps it."""

_PUNCTUATION = str.maketrans("", "", " -./()")


class Exchange(Protocol):
    """What is needed to make a call: the daemon has it."""

    @property
    def ports(self) -> Ports:
        """Every port."""

    @property
    def prompts(self) -> Prompts:
        """Finds files to play."""

    @property
    def router(self) -> Router:
        """All lines."""

    def check_handler(self, handler: str) -> str:
        """What is wrong with a handler; empty where nothing is."""


async def place(
    exchange: Exchange, address: str, number: str, handler: str, prompts: Sequence[str], within: float
) -> OutgoingCall:
    """Make a call: what :class:`~ctportd.calls.outgoing.Order` says on the port of this address.

    Raises:
        InvalidArgument: There is no such port or handler, or the number cannot be dialled.
        PromptNotFound: A prompt is in none of the places.
        CallRefused: No call can be made on this port now.
    """
    port = exchange.ports.find(address, "call")
    order = Order(_number(port, number), handler, tuple(prompts), within)
    if handler and prompts:
        raise InvalidArgument("call", "handler", "and prompts cannot both have the call; leave one out")
    problem = exchange.check_handler(handler) if handler else ""
    if problem:
        raise InvalidArgument("call", "handler", f"is {handler!r}: {problem}")
    await asyncio.to_thread(exchange.prompts.find_all, order.prompts)
    return exchange.router.place(port, order)


def _number(port: Port, number: str) -> str:
    """The number without punctuation. A set needs none: it shows the one that there is."""
    plain = number.translate(_PUNCTUATION)
    if len(plain) > LONGEST_NUMBER:
        raise InvalidArgument("call", "number", f"is longer than {LONGEST_NUMBER} characters")
    if port.kind == "station":
        return plain
    if not plain:
        raise InvalidArgument("call", "number", f"is missing: {port} is a line to the exchange; say what to dial")
    try:
        request_named("dial").build(0, [plain])
    except InvalidArgument as error:
        problem = f"is {number!r} where digits, *, # and commas (a second's pause each) are expected"
        raise InvalidArgument("call", "number", problem) from error
    return plain
