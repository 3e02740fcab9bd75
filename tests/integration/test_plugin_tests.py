"""Tests of plugins as their authors run them: pytest in a folder of its own, with what `ctportd plugins new` writes."""

from __future__ import annotations

import asyncio
import re
import runpy
import sys
from typing import TYPE_CHECKING

from support.system import ROOT, environment, run_ctportd

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TESTS = '''
import pytest

pytestmark = pytest.mark.asyncio

FAILS = """
from ctportd import hookimpl


@hookimpl
def call_started(call):
    raise ValueError("so")


@hookimpl
async def answer_call(call):
    await call.answer()
    await call.play("hello")
"""


async def test_plugin_fails(ctportd_line):
    house = await ctportd_line({1: ["fails"]}, plugins={"fails": FAILS})
    phone = await house.call()
    await phone.hear("hello")


async def test_plugin_may_fail(ctportd_line):
    house = await ctportd_line({1: ["fails"]}, plugins={"fails": FAILS})
    house.expect_faults = True
    phone = await house.call()
    await phone.hear("hello")
    assert house.errors == ["fails: call_started: ValueError: so"]


async def test_hears_something_else(ctportd_line):
    house = await ctportd_line({1: ["fails"]}, plugins={"fails": FAILS})
    house.expect_faults = True
    phone = await house.call(number="5550100")
    await phone.hear("goodbye", within=30)


async def test_waits_in_vain(ctportd_line):
    house = await ctportd_line({1: ["bell"]})
    phone = await house.call()
    await phone.recorded(within=2)


async def test_does_not_load(ctportd_line):
    await ctportd_line({1: ["broken"]}, plugins={"broken": "import nowhere"})


async def test_wrong_settings(ctportd_line):
    await ctportd_line({1: ["bell"]}, settings={"bell": {"greting": "x"}})
'''

FAILURES = {
    "test_hears_something_else": (
        r"AssertionError: the prompt 'goodbye' was not heard to its end: .* the call is over: the line hung up; "
        r"heard until then: hello; this is what happened:\n"
        r"E +0:00.0  calling port 1 as 5550100\nE +0:00.0  ring    1\n(E .*\n)*E .*hear    hello"
    ),
    "test_waits_in_vain": r"AssertionError: the line did not record within 2 s of the line's time",
    "test_does_not_load": r"PluginError: plugin broken: .*No module named 'nowhere'",
    "test_wrong_settings": r"ConfigError: \S+/ctportd\.toml: \[plugins.bell\]: .*'greting'",
}


async def test_new_plugin_is_tested_as_it_stands(tmp_path: Path) -> None:
    """What the command writes passes; what a plugin or a test does wrong is told in words that say what to do."""
    made = await run_ctportd(tmp_path, "plugins", "new", "bell")
    assert made.status == 0, made
    (tmp_path / "tests" / "test_wrong.py").write_text(TESTS)
    pytest_process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA",
        cwd=tmp_path, env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await pytest_process.communicate()
    output = told.decode()
    result = {
        name: outcome for outcome, name in re.findall(r"^([A-Z]+) tests/\w+\.py::(\w+)", output, re.MULTILINE)
    }
    assert result == {
        "test_says_the_key": "PASSED",
        "test_says_goodbye_after_its_patience": "PASSED",
        "test_plugin_may_fail": "PASSED",
        "test_plugin_fails": "ERROR",
        **dict.fromkeys(FAILURES, "FAILED"),
    }, output
    assert "plugins have failed:\nfails: call_started: ValueError: so" in output
    for problem in FAILURES.values():
        assert re.search(problem, output), (problem, output)


def test_pytest_needs_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixtures are found in every pytest: one without pytest-asyncio must go on all the same."""
    monkeypatch.setitem(sys.modules, "pytest_asyncio", None)
    assert "ctportd_line" in runpy.run_path(str(ROOT / "ctportd" / "testing" / "fixtures.py"))
