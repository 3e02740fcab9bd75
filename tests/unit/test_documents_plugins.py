"""The guides leave out nothing that authors of plugins, and those who configure them, can use."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import ctportd
from ctportd.hooks.loader import load_plugins

ROOT = Path(__file__).parent.parent.parent

PAGES = {
    "auto_attendant": "attendant",
    "call_mail": "mail",
    "caller_id_log": "screening",
    "mqtt": "mqtt",
    "notify": "notify",
    "screening": "screening",
    "station": "stations",
    "voicemail": "voicemail",
}
"""Which page tells of a plugin's settings."""


@cache
def page(name: str) -> str:
    """A document."""
    return (ROOT / "docs" / f"{name}.md").read_text()


def code_of(text: str) -> str:
    """What stands in it as code."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))])


def test_guide_names_all_that_can_be_imported() -> None:
    """Every name of ``ctportd``, in its last chapter."""
    chapter = page("plugins").partition("## What can be imported")[2]
    told = set(re.findall(r"\w+", code_of(chapter)))
    assert set(ctportd.__all__) - told == set()


def tables(kind: Any, found: list[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """The tables that a type of settings is made of."""
    for part in get_args(kind):
        tables(part, found)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
        found.append(kind)
        for field in msgspec.structs.fields(kind):
            tables(field.type, found)
    return found


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "plugins").glob("[a-z]*"))])
def test_every_setting_is_told_of(name: str) -> None:
    """Each key of a shipped plugin's tables stands in its page, as code."""
    plugin = load_plugins(ROOT / "plugins", {}, "x.toml").loaded[name]
    code = code_of(page(PAGES[name]))
    keys = {
        field.encode_name
        for table in tables(plugin.module.Settings, [])
        for field in msgspec.structs.fields(table)
    }
    assert keys
    assert {key for key in keys if not re.search(rf"\b{key}\b", code)} == set()


def test_architecture_names_every_part_of_each_plugin() -> None:
    """And none that there is not."""
    chapter = page("architecture").partition("## Plugins")[2].partition("## Decisions")[0]
    told = set(re.findall(r"`(\w+\.py)`", chapter))
    there = {path.name for path in (ROOT / "plugins").rglob("*.py")}
    assert told == there
