"""Mails calls: those that nobody answered, those of callers who are blocked, or all; and alerts.

It does nothing as long as nobody is named who wants them. docs/mail.md tells how letters are sent.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Literal
from weakref import WeakKeyDictionary

import msgspec
import structlog
from msgspec import Meta

from ctportd import MAIL_ADDRESS, Letter, Problem, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ctportd import Call, Daemon, Port, Site

HOUR = 3600.0

log = structlog.get_logger("call_mail")


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.call_mail]``.

    Attributes:
        to: Who gets a letter for each call.
        calls: Which: ``missed`` (nobody answered), ``answered``, ``blocked`` (whatever became of them).
        alerts_to: Who gets a letter when a line is in trouble, or well again, and when somebody guesses at PINs.
        hourly: How many letters of calls there are in an hour at most, and how many alerts: a machine that calls all
            night fills no letter box.
    """

    to: list[Annotated[str, Meta(pattern=MAIL_ADDRESS)]] = []
    calls: tuple[Literal["missed", "answered", "blocked"], ...] = ("missed",)
    alerts_to: list[Annotated[str, Meta(pattern=MAIL_ADDRESS)]] = []
    hourly: Annotated[int, Meta(ge=1)] = 60


def kind_of(call: Call) -> str:
    """Which of the calls it is that ``calls`` tells apart."""
    if call.verdict.kind == "blocked":
        return "blocked"
    return "missed" if call.answered_at is None else "answered"


def letter_about(call: Call, to: list[str]) -> Letter:
    """What is mailed of a call; times are those of this machine."""
    caller = " ".join(filter(None, (call.caller.name, call.caller.number))) or "somebody unknown"
    lines = {
        "Caller": caller,
        "Port": f"{call.port.address} {call.port.name}".strip(),
        "Began": f"{call.began.astimezone():%A, %d %B %Y, %H:%M:%S}",
        "Spoke": f"{call.spoke:.0f} s" if call.answered else "nobody answered",
        "Rule": call.verdict.rule,
        "Ended": call.end_reason,
        "Call": call.id,
    }
    text = "".join(f"{name + ':':8} {value}\n" for name, value in lines.items() if value)
    subject = f"{kind_of(call).capitalize()} call from {caller}"
    return Letter(to=to, subject=subject, text=text, about={"call": call.id})


_CALLS, _ALERTS = "calls", "alerts"

_lately: WeakKeyDictionary[Daemon, dict[str, deque[float]]] = WeakKeyDictionary()


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
    _lately[daemon] = {_CALLS: deque(), _ALERTS: deque()}
    if (settings.to or settings.alerts_to) and not daemon.mail.configured:
        log.error("calls and alerts are not mailed: no mail server is set, see [mail] host")


@hookimpl
async def call_ended(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Write the letter, if somebody wants one for such a call; what we call ourselves is nobody's missed call."""
    if settings.to and not call.outgoing and kind_of(call) in settings.calls:
        await _write(_CALLS, letter_about(call, settings.to), settings, daemon)


@hookimpl
async def line_trouble(port: Port, problem: str, settings: Settings, daemon: Daemon) -> None:
    """Tell of a line that is dead or stuck, and of one that is so no more."""
    if settings.alerts_to:
        line = f"{port.address} {port.name}".strip()
        subject = f"Line {line}: {problem or 'well again'}"
        await _write(
            _ALERTS, Letter(to=settings.alerts_to, subject=subject, text=f"{subject}\n"), settings, daemon
        )


@hookimpl
async def pin_locked(mailbox: str, caller: str, until: datetime, settings: Settings, daemon: Daemon) -> None:
    """Tell of somebody who guesses at PINs."""
    if settings.alerts_to:
        subject = f"Wrong PINs for {mailbox}"
        text = f"{caller or 'Somebody without a number'} guesses at PINs for {mailbox}.\n"
        text += f"It is locked until {until.astimezone():%A, %d %B %Y, %H:%M:%S}.\n"
        await _write(_ALERTS, Letter(to=settings.alerts_to, subject=subject, text=text), settings, daemon)


async def _write(kind: str, letter: Letter, settings: Settings, daemon: Daemon) -> None:
    """Post a letter. Those of calls and alerts are counted apart: a machine that calls all night hides no alert."""
    if not daemon.mail.configured:
        return
    if may_write(_lately[daemon][kind], daemon.clock.time(), settings.hourly):
        await daemon.mail.post(letter)
    else:
        log.warning("a letter is not mailed: there were too many in this hour", subject=letter.subject)


@hookimpl
def check_settings(settings: Settings, site: Site) -> Iterator[Problem]:
    """Tell of letters that could not be sent."""
    for key in ("to", "alerts_to"):
        if getattr(settings, key) and not site.mails:
            yield Problem(
                f"[plugins.call_mail] {key}", "asks for mail, but [mail] host is not set: nothing would be sent"
            )
