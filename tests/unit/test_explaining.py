"""``ctportd explain`` tells what would become of a call, as the plugins say."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ctportd.cli import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCREENING = """
from ctportd import Explanation, Verdict, hookimpl

@hookimpl
def screen_caller(caller, port, at, site):
    if caller.number == "666":
        return Verdict("blocked", "reject", f"block list: 6* on {port} at {at:%H:%M}")
    return None

@hookimpl
async def caller_name(number, site):
    return await site.store.get("names", number, str) or {"555": "Ada"}.get(number)

@hookimpl
def answer_call(call): ...

@hookimpl
def explain_call(inquiry):
    if inquiry.verdict.kind == "blocked":
        return Explanation(["hangs up"])
    return Explanation(["has nothing against " + str(inquiry.caller)], takes=False)
"""

MENU = """
from ctportd import Explanation, hookimpl

@hookimpl
def answer_call(call): ...

@hookimpl
async def explain_call(inquiry, target, site):
    inner = await site.explain("box:100", inquiry)
    pressed = inquiry.keys[0] if inquiry.keys else "nothing"
    return Explanation([f"{pressed} leads to box:100:", *("  " + line for line in inner.lines)])
"""

BOX = """
from ctportd import hookimpl

@hookimpl
def answer_call(call): ...

@hookimpl
def caller_name(number):
    if number == "777":
        raise KeyError(number)

@hookimpl
def explain_call(inquiry, target):
    raise RuntimeError("it is dark in here")
"""

CONFIG = """
[[port]]
number = 1
handlers = ["screening", "menu", "box"]

[[port]]
number = 2
handlers = ["box"]
"""

CHRISTMAS = ("--at", "2026-12-25T10:00:00+00:00")


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A configuration with three plugins, and no database, in a folder to be in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "plugins").mkdir()
    for name, text in {"screening": SCREENING, "menu": MENU, "box": BOX}.items():
        (tmp_path / "plugins" / f"{name}.py").write_text(text)
    (tmp_path / "x.toml").write_text(CONFIG)
    yield
    monkeypatch.undo()
    time.tzset()


def explain(*arguments: str) -> tuple[int, str]:
    """Run the command: its exit status, and what it printed."""
    result = CliRunner().invoke(program, ["--config", "x.toml", "explain", *arguments], prog_name="ctportd")
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_handlers_are_asked_until_one_takes_the_call(tmp_path: Path) -> None:
    """Caller, verdict, then each handler; what one hands over to is told within it, and one that fails is told of."""
    status, told = explain("--number", "555", "--port", "1", "--keys", "1, 204", *CHRISTMAS)
    assert (status, told.splitlines()) == (
        0,
        [
            "Ada <555> calls main:1 on Friday, 2026-12-25, at 10:00:00 (UTC)",
            "screened: no plugin judges this caller",
            "screening: lets the call pass",
            "  has nothing against Ada <555>",
            "menu: takes the call",
            "  1 leads to box:100:",
            "    it fails to tell what it would do: RuntimeError: it is dark in here",
            "box: is not asked",
        ],
    )
    assert not (tmp_path / "state").exists()


def test_verdict_is_that_of_calls() -> None:
    """The plugin that judges is named, with its rule; what it does with the call is its own to tell."""
    status, told = explain("--number", "666", "--name", "Beast", "--port", "main:1", *CHRISTMAS)
    assert (status, told.splitlines()[:4]) == (
        0,
        [
            "Beast <666> calls main:1 on Friday, 2026-12-25, at 10:00:00 (UTC)",
            "blocked: block list: 6* on main:1 at 10:00 (plugin screening, action reject)",
            "screening: takes the call",
            "  hangs up",
        ],
    )


def test_nobody_answers_and_a_plugin_fails() -> None:
    """That is told, and so is a plugin that fails to say who calls."""
    status, told = explain("--number", "777", "--port", "2")
    assert status == 0
    assert "failed: plugin box: caller_name: KeyError: '777'" in told
    assert "box: may take the call" in told
    assert told.endswith("if nobody takes it: it rings until the caller gives up\n")


def test_json_is_for_programs() -> None:
    """All of it, with the time that was meant, in UTC."""
    status, told = explain("--number", "666", "--port", "1", "--keys", "1,204", "--json", *CHRISTMAS)
    explained = json.loads(told)
    assert status == 0
    assert explained["call"]["at"].startswith("2026-12-25T10:00:00")
    assert explained["call"]["keys"] == ["1", "204"]
    assert explained["call"]["verdict"]["by"] == "screening"
    assert explained["handlers"] == [
        {"handler": "screening", "outcome": "takes the call", "lines": ["hangs up"]},
        {"handler": "menu", "outcome": "is not asked", "lines": []},
        {"handler": "box", "outcome": "is not asked", "lines": []},
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "port is '' where one of these is expected: main:1, main:2"),
        (("--port", "7"), "port is '7' where one of these is expected: main:1, main:2"),
        (("--port", "1", "--at", "Christmas"), "'Christmas' is no date such as 2026-11-24"),
        (("--port", "1", "--at", "2026-13-01"), "'2026-13-01' is no date such as"),
        (("--port", "1", "--keys", "1,hash"), "keys holds 'hash' where keys of a telephone are expected"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: tuple[str, ...], told: str) -> None:
    """In one sentence, with the exit status of a wrong command line."""
    status, output = explain(*arguments)
    assert status == 64
    assert told in output
