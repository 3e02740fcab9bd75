"""docs/attendant.md: its blocks, one after the other, make the installation that it says they make."""

from __future__ import annotations

import asyncio
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w
from click.testing import CliRunner
from support.documents import code_blocks
from support.pages.story import put_into
from support.system import copy_plugins

from ctportd.cli import program
from ctportd.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


GUIDE = "docs/attendant.md"

STOCKTAKING = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261130
SUMMARY:Stocktaking
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def ctportd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs ctportd with a configuration, and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holidays.ics").write_text(STOCKTAKING)
    copy_plugins(tmp_path / "plugins")

    def run(data: dict[str, Any], *arguments: str, status: int = 0) -> str:
        folders = {"daemon": {"state": str(tmp_path / "state")}, "control": {"socket": str(tmp_path / "none")}}
        plugins = {"plugins": data.get("plugins", {}) | {"directory": str(tmp_path / "plugins")}}
        (tmp_path / "ctportd.toml").write_text(tomli_w.dumps(data | folders | plugins))
        result = CliRunner().invoke(program, ["--config", str(tmp_path / "ctportd.toml"), *arguments])
        assert result.exit_code == status, result.output
        return result.output

    return run


def test_guide_is_good_and_does_what_it_says(ctportd: Callable[..., str], tmp_path: Path) -> None:
    """All of it together: the hours lead where they should, and can be set aside."""
    data: dict[str, Any] = {}
    for block in code_blocks(GUIDE, "toml"):
        put_into(data, tomllib.loads(block))
    (tmp_path / "state").mkdir()
    asyncio.run(make_database(f"sqlite+aiosqlite:///{tmp_path / 'state' / 'ctportd.db'}"))

    def explained(at: str, keys: str = "") -> str:
        return ctportd(data, "explain", "--port", "1", "--at", at, *(["--keys", keys] if keys else []))

    day = explained("2026-11-24 10:00+01:00", "8,232,1")
    assert "hours office: open at Tue 2026-11-24 10:00 CET: tue 09:00-12:30\n" in day
    assert (
        "menu main: plays aa-welcome aa-extension aa-for-sales press 1 aa-for-support press 2 aa-by-name press 8\n"
        in day
    )
    assert "1: extension 301: station:3; where nobody answers voicemail:101\n" in day
    night = explained("2026-11-27 16:00+01:00", "1")
    assert "menu main: office is closed (fri 09:00-15:00): menu:closed\n" in night
    assert "1: entry 1: voicemail:101\n" in night
    for at, why in (
        ("2026-12-25 10:00+01:00", "holiday 12-25"),
        ("2026-11-30 10:00+01:00", "calendar: Stocktaking"),
    ):
        assert f"menu main: office is holiday ({why}): menu:holiday\n" in explained(at)
    assert "office: closed at " in ctportd(data, "attendant", "office", "closed", "--for", "2")
    assert ": set from the command line until " in ctportd(data, "attendant")
    refused = ctportd(data, "attendant", "office", "undo", "--for", "2", status=64)
    assert "--for goes with 'open' or 'closed'" in refused
    assert "set from" not in ctportd(data, "attendant", "office", "undo")
    event = STOCKTAKING.replace("Stocktaking", "\x1b]0;Sale\x07\nRRULE:FREQ=DAILY").replace("20261130", "20260101")
    (tmp_path / "holidays.ics").write_text(event)
    assert "\x1b" not in ctportd(data, "attendant", "office")


async def make_database(url: str) -> None:
    """What the first start of a daemon leaves."""
    store = Store(url)
    await store.open()
    await store.close()
