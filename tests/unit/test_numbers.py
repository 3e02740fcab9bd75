"""Telephone numbers in one form, however they come."""

from __future__ import annotations

import pytest

from ctportd.calls.numbers import Number, Numbers, region_of
from ctportd.errors import ConfigError

HERE = "+12125550100"


@pytest.mark.parametrize(
    "text", ["+12125550100", "12125550100", "2125550100", "(212) 555-0100", "212.555.0100", "555-0100", "5550100"]
)
def test_forms_of_one_number_are_one(text: str) -> None:
    """With or without country and area code, and however it is punctuated."""
    number = Numbers("US", "212").of(text)
    assert (number.e164, number.country, number.withheld) == (HERE, "US", False)
    assert number.forms[:2] == (HERE, "2125550100")


@pytest.mark.parametrize(
    ("text", "kept"),
    [("204", "204"), ("555-0100", "5550100"), (" *67 ", "*67"), ("00 44", "0044"), ("911", "911")],
)
def test_what_is_no_number_of_the_network_stays(text: str, kept: str) -> None:
    """Extensions, codes, and local numbers where no area code is known."""
    assert Numbers("US").of(text) == Number(text, kept)


@pytest.mark.parametrize("text", ["", "P", "O", "Anonymous", "private caller", "\u00fc"])
def test_withheld(text: str) -> None:
    """What has no digit tells nothing of who calls."""
    number = Numbers("US").of(text)
    assert number.withheld
    assert number.e164 == text


def test_bytes_that_are_no_text() -> None:
    """A caller who sends them is in nobody's way: neither the database nor a regular expression takes them."""
    number = Numbers("US").of("55\udcff5")
    assert (number.text, number.e164) == ("55?5", "55?5")


def test_places() -> None:
    """A number of another country is known by its code; so is where it is from."""
    number = Numbers("DE").of("030 123456")
    assert (number.e164, number.country) == ("+4930123456", "DE")
    assert Numbers("DE").of("+1 212 555 0100").country == "US"
    assert region_of(HERE) == "New York, NY"
    assert region_of("204") == ""
    with pytest.raises(ConfigError, match=r"^\[numbers\] country: found 'XX', expected"):
        Numbers("XX")
