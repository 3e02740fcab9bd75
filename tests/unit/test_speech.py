"""What is said in prompts says what is meant, and every prompt of it exists."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctportd.calls import speech
from ctportd.calls.files import SHIPPED
from ctportd.errors import InvalidArgument

PROMPTS = {path.stem for path in SHIPPED.glob("*.au")}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}


def value_of(names: list[str]) -> int:
    """The number that a listener understands: the inverse, by another way."""
    if names[0] == "minus":
        return -value_of(names[1:])
    for scale in ("billion", "million", "thousand", "hundred"):
        if scale in names:
            last = len(names) - 1 - names[::-1].index(scale)
            rest = names[last + 1 :]
            return value_of(names[:last]) * SCALES[scale] + (value_of(rest) if rest else 0)
    return sum(int(name) for name in names)


@given(st.integers(-(10**24), 10**24))
def test_any_number_is_understood(value: int) -> None:
    """Any whole number is said so that a listener understands it, with prompts that exist."""
    names = speech.number(value)
    assert value_of(names) == value
    assert set(names) <= PROMPTS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (7, "7"),
        (13, "13"),
        (20, "20"),
        (42, "40 2"),
        (100, "1 hundred"),
        (115, "1 hundred 15"),
        (2026, "2 thousand 20 6"),
        (1_000_000, "1 million"),
        (-5, "minus 5"),
        (10**12, "1 thousand billion"),
    ],
)
def test_number_as_people_say_it(value: int, said: str) -> None:
    """Numbers are said as one reads them."""
    assert speech.number(value) == said.split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("555-0100", "5 5 5 0 1 0 0"),
        ("+1 (555) 01", "1 5 5 5 0 1"),
        ("A1*#", "a 1 star pound"),
        ("1.5", "1 point 5"),
        ("", ""),
    ],
)
def test_digits_one_by_one(text: str, said: str) -> None:
    """A number is read out digit by digit; what people write between the digits is not spoken."""
    assert speech.digits(text) == said.split()
    assert set(speech.digits(text)) <= PROMPTS


@pytest.mark.parametrize("text", ["ü", "1_2", "٣"])
def test_what_cannot_be_said_is_refused(text: str) -> None:
    """A character without a prompt is named."""
    with pytest.raises(InvalidArgument, match="which cannot be said"):
        speech.digits(text)


@given(st.dates())
def test_every_date_can_be_said(value: date) -> None:
    """Every date of the calendar has its prompts."""
    assert set(speech.day(value)) <= PROMPTS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 11, 23), "monday november 23rd 20 20 6"),
        (date(1905, 3, 1), "wednesday march 1st 19 oh 5"),
        (date(2006, 1, 2), "monday january 2nd 2 thousand 6"),
        (date(1900, 12, 31), "monday december 31st 19 hundred"),
        (date(2000, 2, 29), "tuesday february 29th 2 thousand"),
        (date(800, 12, 25), "monday december 25th 8 hundred"),
    ],
)
def test_date_as_people_say_it(value: date, said: str) -> None:
    """Weekday, month, day, and the year in two halves."""
    assert speech.day(value) == said.split()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 11, 22), "yesterday"),
        (date(2026, 11, 23), "today"),
        (date(2026, 11, 24), "tomorrow"),
        (date(2026, 11, 25), "wednesday november 25th"),
        (date(2025, 11, 25), "tuesday november 25th 20 20 5"),
    ],
)
def test_date_as_seen_from_today(value: date, said: str) -> None:
    """Near days have names of their own, and this year needs none."""
    assert speech.day(value, today=date(2026, 11, 23)) == said.split()


@pytest.mark.parametrize("hours24", [True, False])
@given(value=st.times())
def test_every_time_can_be_said(value: time, *, hours24: bool) -> None:
    """Every time of day has its prompts, in both clocks."""
    assert set(speech.clock(value, hours24=hours24)) <= PROMPTS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (time(15, 5), "3 oh 5 pm"),
        (time(0, 0), "midnight"),
        (time(12, 0), "noon"),
        (time(9, 0), "9 oclock am"),
        (time(0, 30), "12 30 am"),
        (time(12, 1), "12 oh 1 pm"),
    ],
)
def test_time_as_people_say_it(value: time, said: str) -> None:
    """Hours of the half day, and the minutes."""
    assert speech.clock(value) == said.split()


def test_time_of_twenty_four_hours() -> None:
    """On the other clock the hour says which half of the day it is."""
    assert speech.clock(time(15, 5), hours24=True) == ["15", "oh", "5"]


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["USD", "EUR", "GBP"]))
def test_every_amount_can_be_said(amount: Decimal, currency: str) -> None:
    """Every amount has its prompts."""
    assert set(speech.money(amount, currency)) <= PROMPTS


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("12.50", "USD", "12 dollars and 50 cents"),
        ("1.01", "EUR", "1 euro and 1 cent"),
        ("0.02", "GBP", "2 pence"),
        (0, "USD", "0 dollars"),
        ("-3", "GBP", "minus 3 pounds-sterling"),
        ("1.005", "USD", "1 dollar"),
        (Decimal("0.01"), "GBP", "1 penny"),
    ],
)
def test_amount_as_people_say_it(amount: Decimal | int | str, currency: str, said: str) -> None:
    """Units and hundredths, each in its number, and only what is there."""
    assert speech.money(amount, currency) == said.split()


@pytest.mark.parametrize(("amount", "currency"), [("1", "ZZZ"), ("much", "USD"), ("Infinity", "USD")])
def test_amount_that_makes_no_sense_is_refused(amount: str, currency: str) -> None:
    """An unknown currency, and what is no number."""
    with pytest.raises(InvalidArgument, match="say_money"):
        speech.money(amount, currency)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (125, "2 minutes and 5 seconds"),
        (3600, "1 hour"),
        (timedelta(days=2, hours=1, seconds=1), "2 days 1 hour and 1 second"),
        (59.6, "1 minute"),
        (-3, "0 seconds"),
    ],
)
def test_duration_as_people_say_it(value: float | timedelta, said: str) -> None:
    """How long something was, to the second, with its units in their number."""
    assert speech.duration(value) == said.split()
    assert set(speech.duration(value)) <= PROMPTS
