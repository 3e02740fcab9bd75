"""``ctportd callers``, ``calls`` and ``stats``: the lists and the log, from the command line, without a daemon."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from click.testing import CliRunner
from support.system import copy_plugins

from ctportd.cli import program
from ctportd.records import CallRecord
from ctportd.store import Store

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
[[port]]
number = 1
handlers = ["screening", "voicemail:100"]
[plugins.screening]
block = ["+1900*", {match = "name:*spam*", action = "voicemail:100"}]
"""

NOW = datetime.now(UTC)

CARDS = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL:212-555-0100\nEND:VCARD\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with the plugins that ship, and a database as a daemon has left it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    copy_plugins(tmp_path / "plugins")
    (tmp_path / "x.toml").write_text(SETTINGS)
    (tmp_path / "state").mkdir()
    fill([])
    return tmp_path


def fill(calls: list[CallRecord]) -> None:
    """Make a database with calls in it."""

    async def make() -> None:
        store = Store("sqlite+aiosqlite:///state/ctportd.db")
        await store.open()
        for call in calls:
            await store.save_call(call)
        await store.close()

    asyncio.run(make())


def ctportd(*arguments: str, status: int = 0) -> str:
    """Run it; returns what it printed."""
    result = CliRunner().invoke(program, ["--config", "x.toml", *arguments], prog_name="ctportd")
    assert result.exit_code == status, result.output
    return result.output


def told(*arguments: str) -> Any:
    """What it printed as JSON."""
    return json.loads(ctportd(*arguments, "--json"))


def test_lists_from_the_command_line(folder: Path) -> None:
    """Allow, block, judge, list, export, remove, import: what goes out comes in again."""
    assert ctportd("callers", "judge", "9005550100").splitlines() == [
        "+19005550100 (US): blocked, block list, settings: +1900*",
        "reject: the call is answered with the three tones of a number that is not in service, a message, and hung up",
    ]
    assert "+19005550100 is on the allow list" in ctportd("callers", "allow", "900-555-0100", "--name", "Ada")
    ctportd("callers", "block", "/^\\+44/", "--note", "abroad", "--hours", "22:00-07:00", "--action", "busy")
    ctportd("callers", "block", "name:Bob *", "--days", "3")
    assert told("callers", "judge", "9005550100")["kind"] == "permitted"
    night, day = (
        told("callers", "judge", "+442079460000", "--at", f"2026-11-24 {hour}:00") for hour in ("03", "12")
    )
    assert (night["kind"], night["action"], day["kind"]) == ("blocked", "busy", "screened")
    assert told("callers", "judge", "1", "--name", "BOB CRATCHIT")["rule"] == "block list: name:bob *"
    assert told("callers", "judge", "P", "--name", "We Spam")["action"] == "voicemail:100"

    rules = told("callers", "list")
    stands = {rule["match"]: (rule["list"], rule["source"]) for rule in rules}
    assert stands == {
        "+19005550100": ("allow", "store"),
        "/^\\+44/": ("block", "store"),
        "name:bob *": ("block", "store"),
        "+1900*": ("block", "settings"),
        "name:*spam*": ("block", "settings"),
    }
    table = ctportd("callers", "list", "--list", "allow")
    assert table.splitlines()[1].split()[:4] == ["allow", "+19005550100", "Ada", "ctportd"]

    ctportd("callers", "export", "out.csv")
    for match in ("(900) 555-0100", "/^\\+44/", "name:bob *"):
        ctportd("callers", "remove", match)
    assert {rule["source"] for rule in told("callers", "list")} == {"settings"}
    assert "3 callers from out.csv are on the lists" in ctportd("callers", "import", "out.csv")
    assert told("callers", "list") == rules
    (folder / "a.vcf").write_text(CARDS)
    ctportd("callers", "import", "a.vcf", "--list", "allow")
    assert told("callers", "judge", "2125550100")["rule"] == "allow list: +12125550100 (Ada)"

    ctportd("callers", "permit-next", "--minutes", "1")
    assert "the next call is let through" in told("callers", "judge", "9005550101")["rule"]


def test_mistakes_are_told_in_one_sentence(folder: Path) -> None:
    """What makes no sense changes nothing, and names the line."""
    (folder / "bad.csv").write_text("number,note\n2125550100,ok\nAda*,not a number\n")
    assert ctportd("callers", "import", "bad.csv", status=1) == (
        "ctportd: bad.csv line 3: 'Ada*': 'Ada*' can be no number; a name is written as 'name:Ada*'\n"
    )
    assert told("callers", "list", "--list", "allow") == []
    assert ctportd("callers", "import", "none.csv", status=1).startswith("ctportd: none.csv: cannot be read: ")
    assert "stands in settings, not in the store" in ctportd("callers", "remove", "+1900*", status=1)
    assert "stands in no list, not in the store" in ctportd("callers", "remove", "204", status=1)
    for wrong in (["block", "/(/"], ["block", "1", "--action", "re-ject"], ["allow", "Ada"]):
        assert "Error: " in ctportd("callers", *wrong, status=64)
    assert "expected two times of day" in ctportd("callers", "block", "1", "--hours", "late", status=64)


LINT = """
[[port]]
number = 1
handlers = ["voicemail:100", "screening", "screening:control"]
[plugins.screening]
allow = ["+1900*", "212-555-0100"]
block = ["9005550100", "+1 900 555*", "name:*x", "name:*x", "2125550100", "Ada"]
block_action = "voicmail:100"
block_files = ["none.csv"]
[plugins.caller_id_log]
report_to = ["ada@example.com"]
[plugins.call_mail]
alerts_to = ["ada@example.com"]
"""


def test_lint_and_explain(folder: Path) -> None:
    """``ctportd check`` tells of rules that can never count and of handlers that are not there; ``explain`` the rule."""
    (folder / "x.toml").write_text(LINT)
    found = ctportd("check", status=78)
    for problem in (
        "'Ada': 'Ada' is no number; a name is written as 'name:Ada'",
        "+19005550100 never counts",
        "+1900555* never counts",
        "+12125550100 never counts",
        "name:*x never counts: it stands in",
        "'voicmail:100'",
        "none.csv: cannot be read",
        "screening:control lets nobody in without [plugins.screening] pin",
        "'screening' is not the first of them",
        "[plugins.caller_id_log] report_to: asks for mail, but [mail] host is not set",
        "[plugins.call_mail] alerts_to: asks for mail, but [mail] host is not set",
    ):
        assert problem in found
    (folder / "x.toml").write_text(SETTINGS)
    shown = ctportd("explain", "--number", "9005550100", "--port", "1", "--at", "2026-12-25 10:00")
    assert "block list, settings: +1900*" in shown
    assert "three tones" in shown


def calls() -> list[CallRecord]:
    """Calls of three days: one answered each hour, and one that was blocked."""
    made = []
    for number in range(60):
        began = NOW - timedelta(hours=number)
        caller = {"number": "2125550100", "e164": "+12125550100", "name": "=Ada", "verdict": "screened"}
        if number % 3 == 0:
            caller = {"number": "9005550100", "e164": "+19005550100", "name": "Spam", "verdict": "blocked"}
        answered = {"answered_at": began, "ended_at": began + timedelta(seconds=30 + number % 2)}
        times = answered if number % 2 else {"ended_at": began}
        record = {"id": f"c{number:02}", "port": f"main:{number % 2 + 1}", "began": began, **caller, **times}
        made.append(msgspec.convert(record, CallRecord))
    return made


def test_log_is_searched_and_counted(folder: Path) -> None:
    """Filters, CSV, statistics and charts: all of the same calls."""
    made = calls()
    fill(made)
    assert [call["id"] for call in told("calls", "--number", "(900) 555", "-n", "2")] == ["c00", "c03"]
    assert len(told("calls", "--name", "ada", "--port", "main:2", "-n", "99")) == 20
    assert {call["verdict"] for call in told("calls", "--blocked", "-n", "99")} == {"blocked"}
    middle = made[30].began.astimezone().isoformat()
    assert len(told("calls", "--since", middle, "-n", "99")) == 31
    assert len(told("calls", "--until", middle, "-n", "99")) == 29
    today = NOW.astimezone().date()
    there = told("calls", "--since", str(today), "--until", str(today), "-n", "99")
    assert len(there) == sum(call.began.astimezone().date() == today for call in made)
    for option, value in (("--since", "yesterday"), ("--until", "9999-12-31")):
        assert "is no date such as" in ctportd("calls", option, value, status=64)
    assert ctportd("calls", "-n", "1").splitlines()[0].split("  ")[0] == "began"

    ctportd("calls", "--csv", "calls.csv")
    with (folder / "calls.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [row["id"] for row in written] == [call.id for call in made]
    assert written[1]["name"] == "'=Ada"
    assert ctportd("calls", "--csv", "-", "-n", "1").count("\n") == 2

    found = told("stats", "--days", "7", "--top", "1")
    assert (found["calls"], found["answered"], found["missed"]) == (60, 30, 30)
    assert found["mean_seconds"] == 31.0
    assert found["verdicts"] == {"screened": 40, "blocked": 20}
    assert (len(found["hours"]), sum(found["hours"])) == (24, 60)
    assert (len(found["days"]), sum(day["calls"] for day in found["days"])) == (7, 60)
    assert [(caller["number"], caller["calls"]) for caller in found["callers"]] == [("+12125550100", 40)]

    table = ctportd("stats", "--days", "7", "--svg", "days.svg").splitlines()
    assert table[0].endswith(": 60 calls, 30 answered, 30 not")
    assert sum("\u2588" in line for line in table) >= 24
    drawn = ET.parse(folder / "days.svg").getroot()
    texts = [element.text or "" for element in drawn.iter() if element.tag.endswith("text")]
    assert f"{today:%a %Y-%m-%d}" in texts
    ctportd("stats", "--svg", "hours.svg", "--by", "hour")
    assert "23:00" in (folder / "hours.svg").read_text()
    assert ctportd("stats", "--port", "main:9").endswith(": 0 calls, 0 answered, 0 not\n")
    assert "cannot be written" in ctportd("stats", "--svg", "nowhere/x.svg", status=1)
