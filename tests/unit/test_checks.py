"""What ``check`` finds, and what it and the log say of doors that are open to strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ctportd.checks import check_configuration, check_secrets, open_doors, warn_of_open_doors
from ctportd.config import from_data
from ctportd.hooks.inquiry import Problem
from ctportd.showing.tables import check_lines
from ctportd.site import ConfiguredSite, load_configured_plugins

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

PLUGIN = """
from ctportd import Problem, hookimpl

@hookimpl
def answer_call(call): ...

@hookimpl
def takes_all(target):
    return 1 / int(target) == 1

@hookimpl
def check_target(target):
    return "it is no number" if target == "x" else None

@hookimpl
def check_settings(site):
    yield Problem("[plugins.p] a", "is wrong; mend it")
    yield Problem("[plugins.p] b", "is odd", serious=False)
"""


def test_problems_are_grouped(tmp_path: Path) -> None:
    """Mistakes first, each where it stands: of handlers, of folders, and what the plugins find."""
    (tmp_path / "p.py").write_text(PLUGIN)
    ports = [
        {"number": 1, "handlers": ["p:2", "p:1", "p:3", "p:2"]},
        {"number": 2, "handlers": ["p:x", "p:0"]},
        {"number": 3},
        {"number": 4, "kind": "station"},
    ]
    data = {
        "plugins": {"directory": str(tmp_path)},
        "prompts": {"paths": ["no/such", str(tmp_path)]},
        "mail": {"host": "mail.example.com", "sender": "a@example.com", "user": "a", "password_file": "no/such"},
        "port": ports,
    }
    config = from_data(data, "x.toml")
    checked = check_configuration(ConfiguredSite(config, load_configured_plugins(config)))
    failed = "cannot be checked: plugin p: its takes_all raised"
    assert list(check_lines(checked)) == [
        "x.toml: 4 mistakes, 5 hints",
        "  mistake: [prompts] paths: there is no folder 'no/such'; make it, or leave it out",
        "  mistake: [mail]: password_file 'no/such' cannot be read: No such file or directory",
        "  mistake: [[port]] number 2 handlers: 'p:x' will not do: it is no number",
        "  mistake: [plugins.p] a: is wrong; mend it",
        (
            "  hint: [[port]] number 1 handlers: 'p:3' and 'p:2' are never asked: 'p:1' before takes every call; "
            "change the order, or leave it out"
        ),
        f"  hint: [[port]] number 2 handlers: 'p:x' {failed} ValueError: invalid literal for int() with base 10: 'x'",
        f"  hint: [[port]] number 2 handlers: 'p:0' {failed} ZeroDivisionError: division by zero",
        "  hint: [[port]] number 3 handlers: is empty: nobody answers its calls; name a plugin",
        "  hint: [plugins.p] b: is odd",
    ]
    assert checked.problems[-1] == Problem("[plugins.p] b", "is odd", serious=False)


def test_secrets_that_everybody_can_read_are_told(tmp_path: Path) -> None:
    """The configuration by its first password or PIN, and each file that holds one."""
    config, password = tmp_path / "x.toml", tmp_path / "password"
    data = {
        "mail": {"password_file": str(password)},
        "plugins": {"voicemail": {"mailboxes": {"100": {"pin": "scrypt"}, "101": {"pin": "scrypt"}}}},
    }
    for file in (config, password):
        file.touch(0o644)
    found = list(check_secrets(from_data(data, str(config))))
    assert [problem.where for problem in found] == [
        "[plugins.voicemail.mailboxes.100] pin",
        "[mail] password_file",
    ]
    assert found[0].what == f"everybody on this machine can read it in {config}: chmod o-r it"
    for file in (config, password):
        file.chmod(0o640)
    assert list(check_secrets(from_data(data, str(config)))) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_no_open_door(host: str) -> None:
    """By whatever name."""
    exchange = {"listen": f"[{host}]:1190" if ":" in host else f"{host}:1190"}
    assert open_doors(from_data({"ctserver": [{"host": host}], "exchange": exchange}, "x.toml")) == {}


def test_open_doors_are_named(log_lines: list[MutableMapping[str, Any]]) -> None:
    """Each key, with its host, as a warning."""
    config = from_data({"ctserver": [{"host": "0.0.0.0"}], "exchange": {"listen": "192.0.2.1:1190"}}, "x.toml")
    warn_of_open_doors(config)
    assert [(line["where"], line["host"], line["log_level"]) for line in log_lines] == [
        ("[[ctserver]] host", "0.0.0.0", "warning"),
        ("[exchange] listen", "192.0.2.1", "warning"),
    ]


def test_others_doors_are_theirs() -> None:
    """A ctserver that is remote, or a card's, listens where it does."""
    assert open_doors(from_data({"ctserver": [{"mode": "remote", "host": "192.0.2.1"}]}, "x.toml")) == {}
