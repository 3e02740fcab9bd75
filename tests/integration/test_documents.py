"""The documents do what they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support.documents import code_blocks
from support.system import ROOT

from ctportd.hooks import specs
from ctportd.hooks.loader import load_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.testing import Line


async def test_plugin_of_the_readme_answers(ctportd_line: Line) -> None:
    """The plugin on the README's first screen says hello, and the key that was pressed."""
    (hello,) = code_blocks("README.md", "python")
    assert len(hello.strip().splitlines()) <= 10
    house = await ctportd_line({1: ["hello"]}, plugins={"hello": hello})
    phone = await house.call()
    await phone.hear("hello")
    await phone.press("5")
    await phone.ended()
    assert phone.heard == ["hello", "5"]


@pytest.mark.parametrize("number", range(len(code_blocks("docs/plugins.md", "python"))))
def test_plugins_of_the_guide_load(tmp_path: Path, number: int) -> None:
    """Every plugin of the guide loads, and its settings fit the table beside it."""
    block = code_blocks("docs/plugins.md", "python")[number]
    (tmp_path / "greeter.py").write_text(block)
    tables = {"greeter": {"greeting": "welcome"}} if "class Settings" in block else {}
    plugins = load_plugins(tmp_path, tables, "x.toml")
    assert plugins.failed == {}
    assert plugins.loaded["greeter"].hooks


def test_guide_names_every_hook() -> None:
    """No hook is missing from the guide's table, with its arguments; none is there that does not exist."""
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", (ROOT / "docs/plugins.md").read_text(), re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", arguments)) for name, arguments in rows}
    real = {
        name: set(function.__code__.co_varnames[: function.__code__.co_argcount]) - {"settings", "daemon", "site"}
        for name, function in vars(specs).items()
        if hasattr(function, "ctportd_spec")
    }
    assert told == real


def test_links_lead_somewhere() -> None:
    """Every relative link of every document names a file that is there."""
    for document in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
