"""Numbers, digits, dates, times and money as the prompts that say them.

All return names of prompts, in the order in which they are played. English, with the names of ctserver's vocabulary.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ctportd.errors import InvalidArgument

if TYPE_CHECKING:
    from datetime import date, time

_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()  # noqa: SIM905

_CHARACTERS = {"*": "star", "#": "pound", ".": "point", "-": "", " ": "", "(": "", ")": "", "/": "", "+": ""}
"""What is no letter or digit in a number that people write; the empty ones are not spoken."""

_CURRENCIES = {
    "USD": (("dollar", "dollars"), ("cent", "cents")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "GBP": (("pound-sterling", "pounds-sterling"), ("penny", "pence")),
}
"""By ISO 4217: the unit and its hundredth, one and several of each."""


def number(value: int) -> list[str]:
    """Any whole number: 2026 is two thousand twenty-six, -1 is minus one."""
    if value < 0:
        return ["minus", *number(-value)]
    for size, name in _SCALES:
        if value >= size:
            count, rest = divmod(value, size)
            return [*number(count), name, *(number(rest) if rest else [])]
    if value < 20:
        return [str(value)]
    tens, ones = divmod(value, 10)
    return [str(tens * 10), *([str(ones)] if ones else [])]


def digits(text: str) -> list[str]:
    """Letters and digits one by one, as a telephone number or a code is read out.

    Raises:
        InvalidArgument: A character cannot be said.
    """
    names = []
    for character in text.lower():
        if character in _CHARACTERS:
            names.append(_CHARACTERS[character])
        elif character.isascii() and character.isalnum():
            names.append(character)
        else:
            raise InvalidArgument("say_digits", "text", f"holds {character!r}, which cannot be said")
    return [name for name in names if name]


def caller_number(text: str) -> list[str]:
    """A caller's number, digit by digit; exchanges send what they like, so it may be unknown."""
    try:
        return digits(text) or ["unknown-number"]
    except InvalidArgument:
        return ["unknown-number"]


def ordinal(value: int) -> str:
    """A day of the month, 1 to 31: ``1st``, ``22nd``."""
    suffix = "th" if 10 <= value % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{suffix}"


def year(value: int) -> list[str]:
    """A year as people say it: nineteen oh five, two thousand six, twenty twenty-six."""
    century, rest = divmod(value, 100)
    if century % 10 == 0 and rest < 10:
        return number(value)
    if not 10 <= century <= 99:
        return number(value)
    if rest == 0:
        return [*number(century), "hundred"]
    return [*number(century), *(["oh"] if rest < 10 else []), *number(rest)]


def day(value: date, today: date | None = None) -> list[str]:
    """A date: Monday, November 23rd, 2026.

    Args:
        value: The date.
        today: If given, yesterday, today and tomorrow are called so, and the year of another date is left out
            where it is this one.
    """
    if today is not None:
        near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((value - today).days)
        if near:
            return [near]
    names = [_WEEKDAYS[value.weekday()], _MONTHS[value.month - 1], ordinal(value.day)]
    return names if today is not None and value.year == today.year else [*names, *year(value.year)]


def clock(value: time, *, hours24: bool = False) -> list[str]:
    """A time of day: three oh five pm, noon, nine o'clock am; with 24 hours, fifteen oh five."""
    if not hours24 and value.minute == 0 and value.hour in (0, 12):
        return ["midnight" if value.hour == 0 else "noon"]
    hour = value.hour if hours24 else (value.hour % 12 or 12)
    minutes = ["oclock"] if value.minute == 0 else [*(["oh"] if value.minute < 10 else []), *number(value.minute)]
    half = [] if hours24 else ["am" if value.hour < 12 else "pm"]
    return [*number(hour), *minutes, *half]


def money(amount: Decimal | int | str, currency: str = "USD") -> list[str]:
    """An amount: twelve dollars and fifty cents. More than two decimals are rounded, half to even.

    Raises:
        InvalidArgument: The currency is none of USD, EUR and GBP, or the amount is no number.
    """
    if currency not in _CURRENCIES:
        known = ", ".join(_CURRENCIES)
        raise InvalidArgument("say_money", "currency", f"is {currency!r} where one of {known} is expected")
    try:
        hundredths = int((Decimal(amount) * 100).to_integral_value())
    except ArithmeticError:
        raise InvalidArgument("say_money", "amount", f"is {amount!r} where a number is expected") from None
    minus = ["minus"] if hundredths < 0 else []
    whole, part = divmod(abs(hundredths), 100)
    units, parts = _CURRENCIES[currency]
    spoken = [*number(whole), units[whole != 1]] if whole or not part else []
    if part:
        spoken += [*(["and"] if spoken else []), *number(part), parts[part != 1]]
    return [*minus, *spoken]


def duration(value: timedelta | float) -> list[str]:
    """How long something lasted, to the second: two minutes and five seconds."""
    seconds = max(0, round(value.total_seconds() if isinstance(value, timedelta) else value))
    names: list[list[str]] = []
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count or (size == 1 and not names):
            names.append([*number(count), unit if count == 1 else f"{unit}s"])
    if len(names) == 1:
        return names[0]
    return [*(name for part in names[:-1] for name in part), "and", *names[-1]]
