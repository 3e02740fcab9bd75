"""The guides leave out nothing that authors of plugins, and those who configure them, can use."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import ctportd
from ctportd.calls.call import Call
from ctportd.calls.hold import Hold
from ctportd.calls.leg import Leg
from ctportd.calls.stations import Stations
from ctportd.calls.transfers import Transfers
from ctportd.clock import Clock
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.services import Daemon, Site
from ctportd.links.port import Port
from ctportd.mail.service import Mail
from ctportd.messages.service import Messages
from ctportd.pins.guard import PinGuard
from ctportd.store import Store

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

OWN = {
    Hold: "taken passed_on left mark_answered ring key take identify far_end_gone end release stop_ringing "
    "off_hook wait_caller lent",
    Leg: "seize",
    Transfers: "hear_answer",
    Stations: "ring_own_set",
    Messages: "run put_in_order unlisted",
    Mail: "open run send_due",
    PinGuard: "keep_all",
    Store: "open end_open_calls is_gone forget_calls add_message message_of update_message remove_message "
    "wrong_pins save_wrong_pins forget_wrong_pins",
}
"""What ctportd itself uses of what plugins hold."""


@cache
def page(name: str) -> str:
    """A document."""
    return (ROOT / "docs" / f"{name}.md").read_text()


def code_of(text: str) -> str:
    """What stands in it as code."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))])


def told_of(what: str) -> set[str]:
    """The names in the first column of the guide's table about this."""
    found = re.search(rf"^\| `{re.escape(what)}` \|.*\n\|[-|]+\n((?:\|.*\n)+)", page("plugins"), re.MULTILINE)
    assert found, what
    cells = [row.split(" | ")[0] for row in found[1].splitlines()]
    spans = [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]
    return {re.match(r"(?:await |async with |with )?(\w+)", span)[1] for span in spans}  # type: ignore[index]


def public(owner: type) -> set[str]:
    """What can be used of it: methods, properties, and the attributes that it tells of."""
    classes = [each for each in owner.__mro__ if each.__module__.startswith("ctportd.")]
    attributes = [
        re.findall(r"^ {8}(\w+): ", (each.__doc__ or "").partition("Attributes:\n")[2], re.MULTILINE)
        for each in classes
    ]
    names = {name for each in classes for name in vars(each) if not name.startswith("_")}
    own = {name for each in classes for name in OWN.get(each, "").split()}
    return names.union(*attributes) - own


@pytest.mark.parametrize(
    ("what", "owner"),
    [
        ("call.", Call),
        ("site.", Site),
        ("daemon.messages.", Messages),
        ("daemon.mail.", Mail),
        ("daemon.pins.", PinGuard),
        ("daemon.clock.", Clock),
        ("daemon.store.", Store),
        ("port.", Port),
    ],
)
def test_guide_names_all_that_plugins_use(what: str, owner: type) -> None:
    """Each method and attribute, and none that there is not."""
    assert told_of(what) == public(owner)


def test_guide_names_every_service_of_the_daemon() -> None:
    """What a running daemon has beyond any installation."""
    assert told_of("daemon.") == public(Daemon) - public(Site)


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
