"""Mails calls: those that nobody answered, those of callers who are blocked, or all.

It does nothing as long as nobody is named who wants them. docs/mail.md tells how letters are sent.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Literal
from weakref import WeakKeyDictionary

import msgspec
import structlog
from msgspec import Meta

from ctportd import MAIL_ADDRESS, Letter, hookimpl

if TYPE_CHECKING:
    from ctportd import Call, Daemon

HOUR = 3600.0

log = structlog.get_logger("call_mail")


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.call_mail]``.

    Attributes:
        to: Who gets a letter for each call.
        calls: Which: ``missed`` (nobody answered), ``answered``, ``blocked`` (whatever became of them).
        hourly: How many letters there are in an hour at most: a machine that calls all night fills no letter box.
    """

    to: list[Annotated[str, Meta(pattern=MAIL_ADDRESS)]] = []
    calls: tuple[Literal["missed", "answered", "blocked"], ...] = ("missed",)
    hourly: Annotated[int, Meta(ge=1)] = 60


def kind_of(call: Call) -> str:
    """Which of the calls it is that ``calls`` tells apart."""
    if call.verdict.kind == "blocked":
        return "blocked"
    return "missed" if call.answered_at is None else "answered"


def letter_about(call: Call, to: list[str]) -> Letter:
    """What is mailed of a call; times are those of this machine."""
    caller = " ".join(filter(None, (call.caller.name, call.caller.number))) or "somebody unknown"
    ended = call.ended_at or call.began
    spoke = f"{(ended - call.answered_at).total_seconds():.0f} s" if call.answered_at else "nobody answered"
    lines = {
        "Caller": caller,
        "Port": f"{call.port.address} {call.port.name}".strip(),
        "Began": f"{call.began.astimezone():%A, %d %B %Y, %H:%M:%S}",
        "Spoke": spoke,
        "Rule": call.verdict.rule,
        "Ended": call.end_reason,
        "Call": call.id,
    }
    text = "".join(f"{name + ':':8} {value}\n" for name, value in lines.items() if value)
    subject = f"{kind_of(call).capitalize()} call from {caller}"
    return Letter(to=to, subject=subject, text=text, about={"call": call.id})


_lately: WeakKeyDictionary[Daemon, deque[float]] = WeakKeyDictionary()


def may_write(lately: deque[float], now: float, hourly: int) -> bool:
    """Whether there may be one more letter now; if so it counts."""
    while lately and now - lately[0] >= HOUR:
        lately.popleft()
    if len(lately) >= hourly:
        return False
    lately.append(now)
    return True


@hookimpl
def daemon_started(settings: Settings, daemon: Daemon) -> None:
    """Tell at once what would be missed else."""
    _lately[daemon] = deque()
    if settings.to and not daemon.mail.configured:
        log.error("calls are not mailed: no mail server is set, see [mail] host")


@hookimpl
async def call_ended(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Write the letter, if somebody wants one for such a call."""
    if not settings.to or kind_of(call) not in settings.calls or not daemon.mail.configured:
        return
    if may_write(_lately[daemon], daemon.clock.time(), settings.hourly):
        await daemon.mail.post(letter_about(call, settings.to))
    else:
        log.warning("a call is not mailed: there were too many in this hour", call=call.id)
