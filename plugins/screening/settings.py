"""The table ``[plugins.screening]``."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from ctportd import PinHash, check_pin, read_zone

from .actions import GREYLIST, PASS, REJECT, problem_of
from .hours import read_hours

if TYPE_CHECKING:
    from datetime import tzinfo

Count = Annotated[int, Meta(ge=1)]
Days = Annotated[int, Meta(ge=0)]


def _check_action(key: str, action: str, but: tuple[str, ...] = ()) -> None:
    problem = f"cannot be {action!r} here" if action in but else problem_of(action)
    if problem:
        raise ValueError(f"{key}: {problem}")


class Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table: an unknown key in it is a mistake."""


class RuleTable(Table, frozen=True):
    """A rule of the lists ``allow`` and ``block`` that says more than what it matches.

    Attributes:
        match: What it matches, as :mod:`.patterns` reads it.
        action: What is done with such a caller; empty: ``block_action``. Of no use in ``allow``.
        name: What the caller is called, where a number is matched.
        note: For people.
        expires: The last day on which it applies.
        hours: When it applies, such as ``22:00-07:00``; empty: always.
    """

    match: str
    action: str = ""
    name: str = ""
    note: str = ""
    expires: date | None = None
    hours: str = ""

    def __post_init__(self) -> None:
        """Check the action and the hours."""
        _check_action("action", self.action)
        read_hours(self.hours)


class Greylist(Table, frozen=True):
    """``[plugins.screening.greylist]``: callers who have to call again.

    Attributes:
        first: What is done with the first call.
        wait: Seconds after which a second call counts.
        within: Minutes in which it must come.
        days: For how many days the caller is let through then.
    """

    first: str = "busy"
    wait: Annotated[int, Meta(ge=0)] = 10
    within: Count = 60
    days: Days = 30

    def __post_init__(self) -> None:
        """A first call cannot be sent to the grey list again."""
        _check_action("first", self.first, but=(GREYLIST,))


class Test(Table, frozen=True):
    """``[plugins.screening.test]``: the test for humans.

    Attributes:
        tries: How often a key is asked for.
        wait: Seconds to wait for it.
        days: For how many days a caller who has passed is not tested again.
        failed: What is done with one who has not.
    """

    tries: Count = 2
    wait: Count = 8
    days: Days = 30
    failed: str = REJECT

    def __post_init__(self) -> None:
        """Check the action."""
        _check_action("failed", self.failed, but=(GREYLIST, "challenge", "ask-number"))


class Ask(Table, frozen=True):
    """``[plugins.screening.ask]``: callers without a number are asked for it.

    Attributes:
        tries: How often.
        wait: Seconds to wait for each key.
        refused: What is done with one who keys in none.
    """

    tries: Count = 2
    wait: Count = 8
    refused: str = REJECT

    def __post_init__(self) -> None:
        """Check the action."""
        _check_action("refused", self.refused, but=(GREYLIST, "ask-number"))


class Settings(Table, frozen=True):
    """The whole table.

    Attributes:
        allow: Who is let through, whatever else is said.
        block: Who is not.
        allow_files: CSV files and address books (``.vcf``) of callers who are let through.
        block_files: CSV files of those who are not.
        aliases: What callers are called, by their numbers, or by the names that the exchange sends.
        block_action: What is done with callers of ``block``.
        anonymous: What is done with callers without a number.
        unknown: What is done with those who are on no list.
        reject: The prompts that a caller hears who is rejected.
        greylist: Callers who have to call again.
        test: The test for humans.
        ask: Callers who are asked for their number.
        dialled_days: For how many days a number is allowed that was dialled out (0: it is not).
        permit_minutes: How long "let the next call through" waits for it.
        zone: The time zone of ``hours``; empty: the machine's.
        pin: The hash of the PIN for ``screening:control``, as ``ctportd pin`` prints it.
    """

    allow: list[str | RuleTable] = []
    block: list[str | RuleTable] = []
    allow_files: list[str] = []
    block_files: list[str] = []
    aliases: dict[str, str] = {}
    block_action: str = REJECT
    anonymous: str = PASS
    unknown: str = PASS
    reject: list[str] = msgspec.field(default_factory=lambda: ["cid-sit", "cid-rejected"])
    greylist: Greylist = Greylist()
    test: Test = Test()
    ask: Ask = Ask()
    dialled_days: Days = 30
    permit_minutes: Count = 30
    zone: str = ""
    pin: PinHash = ""

    def __post_init__(self) -> None:
        """Check what types cannot."""
        _check_action("block_action", self.block_action)
        _check_action("anonymous", self.anonymous, but=(GREYLIST,))
        _check_action("unknown", self.unknown, but=("ask-number",))
        read_zone(self.zone)
        check_pin(self.pin)

    def local(self, at: datetime) -> time:
        """The time of day of a moment, where the rules' hours are meant."""
        return at.astimezone(self._zone).time()

    def end_of(self, day: date | None) -> datetime | None:
        """When a day ends there, in UTC; None for None."""
        if day is None:
            return None
        return datetime.combine(day + timedelta(days=1), time(), self._zone).astimezone(UTC)

    @property
    def _zone(self) -> tzinfo | None:
        return read_zone(self.zone)
