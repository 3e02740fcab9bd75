"""docs/testing.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ctportd import testing
from ctportd.testing import House, HouseClock, Telephone

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "testing.md").read_text()


@pytest.mark.parametrize(
    ("named", "owner"),
    [
        (r"\bhouse\.(?!clock\.)([a-z_]+)", House),
        (r"\bhouse\.clock\.([a-z_]+)", HouseClock),
        (r"\bphone\.([a-z_]+)", Telephone),
        (r"^\| `([a-z_]+)\((?=.*\| waits|.*\| press|.*\| says|.*\| speaks)", Telephone),
        (r"`(tone|voice|frequencies|loudness)\(", testing),
    ],
)
def test_guide_names_what_there_is(named: str, owner: object) -> None:
    """Each method and attribute of a house, its clock and its telephones; instances have those that are set at first."""
    names = set(re.findall(named, GUIDE, re.MULTILINE))
    assert names
    instances = {"folder", "clock", "log", "expect_faults"}
    assert {name for name in names - instances if not hasattr(owner, name)} == set()


def test_guide_leaves_nothing_out() -> None:
    """What is public stands in the guide."""
    public = {name for owner in (House, Telephone) for name in vars(owner) if not name.startswith("_")}
    used_by_the_fixture = {"start", "close"}
    assert {name for name in public - used_by_the_fixture if not re.search(rf"\b{name}\b", GUIDE)} == set()
