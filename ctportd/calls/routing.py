"""How the calls of a port are routed, and the plugins to which they may go, as a line sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from ctportd.calls.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ctportd.calls.call import Call
    from ctportd.calls.verdict import Verdict
    from ctportd.links.port import Port
    from ctportd.records import Step

Keep: TypeAlias = "Callable[[str, list[Step]], None]"
"""Who keeps what happened on calls: given a call's id and its steps when it is over, and those that come later."""


class Handlers(Protocol):
    """The plugins that a call has. Those that only tell never wait and never raise."""

    def call_started(self, call: Call) -> None:
        """A call has begun, and who calls is known as far as it will be."""

    def call_answered(self, call: Call) -> None:
        """It was answered."""

    def number_dialled(self, call: Call, number: str) -> None:
        """A number was dialled on it, or for it."""

    def call_ended(self, call: Call) -> None:
        """It is over."""

    async def screen_caller(self, caller: Caller, port: str, at: datetime) -> Verdict:
        """What the plugins think of a caller. Never raises."""

    async def caller_name(self, number: str, name: str) -> str:
        """What a plugin calls whoever has this number and name; empty where none does."""

    async def answer_call(self, plugin: str, call: Call, target: str) -> None:
        """Let a plugin have the call. Raises CallEnded, CtportdError, or whatever the plugin raises."""


class Company(Protocol):
    """All plugins, as a line sees them: they may be replaced, and a call stays with those with which it began."""

    def begin(self, port: Port, home: Port | None = None) -> None:
        """A call begins on a port; with ``home``, for the one there, whose plugins it gets."""

    def crew_of(self, port: Port) -> Handlers:
        """The plugins of the call on a port."""

    def end(self, port: Port) -> None:
        """The call on a port is over, and its plugins have been told so."""

    def line_trouble(self, port: Port, problem: str) -> None:
        """Something is wrong with a line; an empty problem: nothing is any more."""


async def judge(handlers: Handlers, caller: Caller, port: str, at: datetime) -> tuple[Verdict, Caller]:
    """What is thought of a caller, and who it is: a plugin that knows the caller is believed more than the exchange."""
    verdict = await handlers.screen_caller(caller, port, at)
    known = await handlers.caller_name(caller.number, caller.name) if caller.number or caller.name else ""
    return verdict, Caller(caller.number, known) if known else caller


class Routing:
    """How calls on a port are routed.

    Attributes:
        handlers: Who is offered a call, in order, such as ``auto_attendant`` or ``voicemail:100``.
        caller_id: Whether to take caller ID from between the first two rings.
        ring_timeout: Seconds without a ring after which the caller has given up.
        end_timeout: Seconds of the clock that a plugin gets when its call is over; then it is cancelled.
        call_limit: Seconds of the line after which an answered call is ended; None: it may go on for ever.
        dial_tone_every: Seconds of the line between two looks at whether there is dial tone; None: nobody looks.
    """

    def __init__(
        self,
        handlers: Sequence[str],
        *,
        caller_id: bool = True,
        ring_timeout: float = 8.0,
        end_timeout: float = 10.0,
        call_limit: float | None = None,
        dial_tone_every: float | None = None,
    ) -> None:
        self.handlers = list(handlers)
        self.caller_id = caller_id
        self.ring_timeout = ring_timeout
        self.end_timeout = end_timeout
        self.call_limit = call_limit
        self.dial_tone_every = dial_tone_every
