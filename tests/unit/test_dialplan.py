"""What telephone sets may dial, when a number is complete, and what is wrong with such settings."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from ctportd import Caller, Inquiry
from ctportd.checking import convert
from ctportd.config import from_data
from plugins import station

if TYPE_CHECKING:
    from ctportd import Problem

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "stations.md"

TABLE = {
    "sets": {"3": {"extension": "101", "mailbox": "7"}, "main:4": {"extension": "1012", "outside": False}},
    "numbers": {"*98": "voicemail:owner:{mailbox}", "0": "auto_attendant"},
    "outside": {"ports": ["1"], "prefix": "9", "allow": ["NXXXXXX", "1800X.", "00."], "deny": ["0049."]},
}


def settings(**changes: Any) -> station.Settings:
    """The settings of the table above, with changes."""
    return msgspec.convert({**TABLE, **changes}, station.Settings)


@pytest.mark.parametrize(
    ("dialled", "found", "grows"),
    [
        ("", None, True),
        ("1", None, True),
        ("101", ("ring", "101"), True),  # 1012 is an extension, too
        ("1012", ("ring", "1012"), False),
        ("*98", ("hand over", "voicemail:owner:7"), False),
        ("0", ("hand over", "auto_attendant"), False),
        ("95550123", ("outside", "9"), False),
        ("91550123", None, False),
        ("9555012", None, True),
        ("91800", None, True),
        ("918005", None, True),
        ("9180055", ("outside", "9"), True),
        ("90043", ("outside", "9"), True),
        ("9004", ("outside", "9"), True),
        ("900491", None, True),
        ("90" + "0" * 40, None, False),
        ("900*1", None, False),
        ("7", None, False),
    ],
)
def test_numbers(dialled: str, found: tuple[str, str] | None, grows: bool) -> None:  # noqa: FBT001
    """Each number means one thing, and is known to be complete as soon as it is."""
    used = settings()
    plan = used.plan_for(used.sets["3"])
    entry = plan.find(dialled)
    assert (entry and (entry.does, entry.what)) == found
    assert plan.may_grow(dialled) == grows
    assert plan.leads_outside(dialled) == dialled.startswith("9")


def test_each_set_has_a_plan_of_its_own() -> None:
    """One without a mailbox has no number for it, and one may be kept from dialling outside."""
    used = settings()
    plan = used.plan_for(used.sets["main:4"])
    assert [plan.find(number) is not None for number in ("*98", "95550123", "101")] == [False, False, True]
    assert not plan.may_grow("9")
    nothing = msgspec.convert({}, station.Settings)
    assert not nothing.plan_for(nothing.set_of(cast("Any", Place()))).may_grow("")


def test_settings_of_the_guide() -> None:
    """What docs/stations.md shows can be dialled as it says."""
    (example,) = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    config = from_data(tomllib.loads(example), "docs/stations.md")
    used = convert(config.plugins["station"], station.Settings, "docs/stations.md")
    plan = used.plan_for(used.sets["3"])
    found = {number: plan.find(number) for number in ("*98", "102", "9911", "95550123", "90015550123")}
    assert [entry and entry.does for entry in found.values()] == ["hand over", "ring", "outside", "outside", None]


class Place:
    """A port, as far as its set is looked for."""

    address = "main:3"
    number = 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"numbers": {"12#": "x"}}, "found the pattern '12#', expected digits"),
        ({"numbers": {".": "x"}}, "found the pattern '.'"),
        ({"outside": {"ports": ["1"], "allow": ["55.5"]}}, "found the pattern '55.5'"),
        ({"outside": {"ports": []}}, "length >= 1"),
        (
            {"outside": {"ports": ["1"], "prefix": "1"}},
            "the extension 101 begins with the prefix of outside numbers",
        ),
        ({"numbers": {"10X": "x"}}, "the extension 101 is one of numbers \\(10X\\), too"),
        (
            {"sets": {"3": {"extension": "5"}, "4": {"extension": "5"}}},
            "the sets 3 and 4 both have the extension 5",
        ),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], told: str) -> None:
    """Each is told of in one sentence."""
    with pytest.raises(msgspec.ValidationError, match=told):
        settings(**changes)


class Site:
    """An installation with two ports, where nobody answers but voicemail."""

    handlers = {"main:1": ["station:101"], "main:3": ["station"], "main:5": ["station"]}  # noqa: RUF012

    def check_handler(self, handler: str) -> str:
        """Find fault with all but voicemail."""
        return "" if handler.startswith("voicemail") else "there is no such plugin"


def test_lint() -> None:
    """Ports that there are not, handlers that there are not, sets of which nothing is known."""
    site: Any = Site()
    problems: list[Problem] = station.check_settings(settings(), site)
    assert [(problem.where, problem.what, problem.serious) for problem in problems] == [
        (
            "[plugins.station.sets.main:4]",
            "there is no port main:4; expected one of main:1, main:3, main:5",
            True,
        ),
        (
            "[plugins.station.sets.5]",
            "is missing: the set on port main:5 has no extension and no mailbox",
            False,
        ),
        ("[plugins.station.numbers] 0", "auto_attendant: there is no such plugin", True),
    ]
    closed = settings(outside={"ports": ["1"]})
    assert station.check_settings(closed, site)[-1].where == "[plugins.station.outside] allow"


def test_targets() -> None:
    """An extension must be one; nobody else is kept from a call that no set answers."""
    used = settings()
    assert station.check_target("", used) is None
    assert station.check_target("101", used) is None
    assert station.check_target("9", used) == "no set has the extension 9; there are 101, 1012"
    inquiry = Inquiry(Caller("555"), "main:3", datetime(2026, 12, 25, tzinfo=UTC))
    assert station.explain_call(inquiry, "", used).lines == ["the set on port main:3 hears dial tone, and dials"]
    rung = station.explain_call(inquiry, "101", used)
    assert (rung.takes, rung.sure) == (False, False)  # people decide
    assert rung.lines[0] == "the set of extension 101, on port 3, rings for 25 s"
    assert not rung.takes
    assert station.explain_call(inquiry, "9", used).lines == ["no set has the extension 9: the call passes"]
    assert station.takes_all("")
    assert not station.takes_all("101")
