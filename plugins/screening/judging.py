"""What to think of a caller: lists, settings and what is remembered give a verdict. Nothing is waited for or changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ctportd import Verdict

from .actions import CHALLENGE, GREYLIST, PASS, keeps_out
from .lists import Rule

if TYPE_CHECKING:
    from .lists import Book
    from .patterns import Subject
    from .settings import Greylist, Settings

Kind: TypeAlias = Literal["permitted", "screened", "blocked"]

Effect: TypeAlias = Literal["", "permit used", "called once", "called again"]
"""What has to be remembered when such a call has come."""

PERMIT_USED: Effect = "permit used"
"""It was the next call, which was to be let through."""


class Passed(msgspec.Struct, frozen=True):
    """A caller who has shown to be none to be kept out.

    Attributes:
        how: ``test`` or ``grey list``.
        until: Until when that counts.
    """

    how: str
    until: datetime


class Facts(msgspec.Struct, frozen=True):
    """What is remembered.

    Attributes:
        permit_until: Until when the next call is let through, whoever calls; None: it is not.
        passed: Whether this caller has passed a test.
        called_at: When this caller was sent to the grey list; None: never.
        known: Whether what is remembered could be read; else callers are let through rather than lost.
    """

    permit_until: datetime | None = None
    passed: Passed | None = None
    called_at: datetime | None = None
    known: bool = True


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with what led to it.

    Attributes:
        verdict: The verdict.
        rule: The rule of a list that counted, if one did.
        effect: What has to be remembered.
    """

    verdict: Verdict
    rule: Rule | None = None
    effect: Effect = ""


def judge(subject: Subject, at: datetime, book: Book, settings: Settings, facts: Facts) -> Judgement:
    """Judge a caller.

    Args:
        subject: Who calls.
        at: When, with a time zone.
        book: The lists: those that allow go before those that block.
        settings: What is done with whom.
        facts: What is remembered.
    """
    if facts.permit_until is not None and at < facts.permit_until:
        until = f"the next call is let through, until {_told(facts.permit_until)}"
        return Judgement(Verdict("permitted", PASS, until), effect=PERMIT_USED)
    now = settings.local(at)
    if (rule := book.allow.find(subject, at, now)) is not None:
        return Judgement(Verdict("permitted", PASS, str(rule)), rule)
    if (rule := book.block.find(subject, at, now)) is not None:
        action, reason = rule.entry.action or settings.block_action, str(rule)
    elif subject.number.withheld:
        action, reason = settings.anonymous, "no number"
    else:
        action, reason = settings.unknown, "on no list"
    return _settle(action, reason, rule, at, settings, facts)


def _settle(
    action: str, reason: str, rule: Rule | None, at: datetime, settings: Settings, facts: Facts
) -> Judgement:
    """What an action comes to for a caller of whom so much is remembered."""
    kind: Kind = "blocked" if rule is not None or keeps_out(action) else "screened"
    if action not in (CHALLENGE, GREYLIST):
        return Judgement(Verdict(kind, action, reason), rule)
    if facts.passed is not None and at < facts.passed.until:
        passed = f"{reason}; passed the {facts.passed.how}, which counts until {_told(facts.passed.until)}"
        return Judgement(Verdict("screened", PASS, passed), rule)
    if action == CHALLENGE:
        return Judgement(Verdict(kind, CHALLENGE, reason), rule)
    if not facts.known:
        away = f"{reason}; the grey list cannot be read, so the call is let through"
        return Judgement(Verdict("screened", PASS, away), rule)
    return _grey(kind, reason, rule, at, settings.greylist, facts.called_at)


def _grey(
    kind: Kind, reason: str, rule: Rule | None, at: datetime, greylist: Greylist, first: datetime | None
) -> Judgement:
    """What the grey list says: a first call, one that came too soon after it, or the second one."""
    told = f"{reason}; grey list: has to call again within {greylist.within} minutes"
    if first is None or at - first > timedelta(minutes=greylist.within):
        return Judgement(Verdict(kind, greylist.first, told), rule, "called once")
    if at - first < timedelta(seconds=greylist.wait):
        return Judgement(Verdict(kind, greylist.first, told), rule)
    again = f"{reason}; grey list: called again, after a call at {_told(first)}"
    return Judgement(Verdict("screened", PASS, again), rule, "called again")


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
