"""The plugin notify: programs are run with what happened, and can neither be misled nor hold anything up."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.system import ROOT, tick

from ctportd.errors import ConfigError
from ctportd.hooks.loader import load_plugins
from ctportd.records import VoiceMessage

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from ctportd.testing import Line

LOG = "import sys; open(sys.argv[1], 'a').write(repr(sys.argv[2:]) + chr(10)); print('ran')"
"""A program that writes down its arguments."""


def loaded(**table: Any) -> Any:
    """The plugin, with these settings."""
    return load_plugins(ROOT / "plugins", {"notify": table}, "x.toml").loaded["notify"]


class Daemon(SimpleNamespace):
    """What the plugin uses of one: that it is the same one."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            {"message_waiting": ["lamp", "{name}"]},
            "message_waiting: found '{name}', expected of what can be filled in only",
        ),
        ({"call_started": ["say", "{name.__class__}"]}, "call_started: found '{name.__class__}'"),
        ({"call_started": ["say", "{name!r}"]}, "call_started: found '{name!r}'"),
        ({"call_started": ["say", "{"]}, "call_started: found '{', which cannot be filled in"),
        ({"call_ended": ["{name}"]}, "call_ended: found '{name}', expected a program that no call can choose"),
        ({"call_ended": ["/bin/sh", "-ec", "say {name}"]}, "call_ended: found the script 'say {name}', in"),
        ({"call_ended": ["nice", "bash", "-c", "say '{name}'"]}, 'call_ended: found the script "say'),
    ],
    ids=["of another hook", "attribute", "conversion", "brace", "program", "shell", "another's shell"],
)
def test_what_cannot_be_filled_in_is_a_mistake(table: dict[str, Any], problem: str) -> None:
    """It is told when the configuration is read, and not when somebody calls."""
    with pytest.raises(ConfigError) as raised:
        loaded(**table)
    assert str(raised.value).startswith(f"x.toml: [plugins.notify]: {problem}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_nobody_elses_program_is_run_as_root(tmp_path: Path) -> None:
    """As with a ctserver."""
    program = tmp_path / "lamp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    os.chown(program, 54321, 0)
    with pytest.raises(
        ConfigError, match=r"\[plugins.notify\]: message_left: .* is not run as root: .* belongs to"
    ):
        loaded(message_left=[str(program)])


async def test_programs_run_in_order_and_the_newest_state_wins(
    tmp_path: Path, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """One that hangs is killed with its children; what waited for its mailbox is replaced by what is so now."""
    out = tmp_path / "out"
    waiting = f"{sys.executable} -c pass; while [ $2 = 1 ]; do sleep 60; done; echo $1 $2 $3 >> {out}"
    plugin = await asyncio.to_thread(
        loaded,
        message_waiting=["/bin/sh", "-c", waiting, "sh", "{mailbox}", "{new}", "{old}"],
        message_left=[sys.executable, "-c", LOG, str(out), "{mailbox}", "{name}", "--of={name}", "{{{seconds}}}"],
        call_started=[str(tmp_path / "none"), "{number}"],
        timeout=0.5,
        at_once=2,
    )
    module, settings, daemon = plugin.module, plugin.settings, Daemon()
    for new in (1, 2, 3, 4):
        module.message_waiting("100", new, 0, settings, daemon)
    message = VoiceMessage("101", "c", datetime(2026, 11, 23, tzinfo=UTC), 7.4, "x.wav", "", "--help\0'; $(rm)")
    module.message_left(message, settings, daemon)
    call = SimpleNamespace(
        id="c", port=SimpleNamespace(address="main:1"), caller=SimpleNamespace(number="5550100", name=""), end_reason="",
        verdict=SimpleNamespace(kind="blocked"), spoke=0.0, outgoing=False,
    )  # fmt: skip
    module.call_started(call, settings, daemon)
    await module.daemon_stopping(settings, daemon)
    lines = await asyncio.to_thread(out.read_text)
    assert lines.splitlines() == ["['101', \"help?'; $(rm)\", \"--of=--help?'; $(rm)\", '{7}']", "100 4 0"]
    events = [(line["event"], line["hook"]) for line in log_lines]
    assert sorted(events) == [
        ("a program cannot be run", "call_started"),
        ("a program has run", "message_left"),
        ("a program has run", "message_waiting"),
        ("a program takes too long, and is killed", "message_waiting"),
    ]
    assert [line.get("output") for line in log_lines if line["hook"] == "message_left"] == ["ran"]
    (problem,) = await asyncio.to_thread(lambda: list(module.check_settings(settings)))
    assert (problem.where, problem.serious) == ("[plugins.notify] call_started", False)


ANSWERS = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
"""


async def test_calls_run_programs(ctportd_line: Line, tmp_path: Path) -> None:
    """A real call, from ring to end; a daemon that stops lets the last program end."""
    out = tmp_path / "out"
    program = [sys.executable, "-c", LOG, str(out)]
    table = {
        "call_started": [*program, "started", "{port}", "{number}", "{name}", "{verdict}"],
        "call_answered": [*program, "answered", "{number}"],
        "call_ended": [*program, "ended", "{number}", "{reason}"],
        "line_trouble": [*program, "trouble", "{port}", "{problem}"],
        "timeout": 100_000.0,  # of the line's time, which leaps
    }
    plugins: dict[str, str | Path] = {"notify": ROOT / "plugins" / "notify.py", "answers": ANSWERS}
    house = await ctportd_line({1: ["answers"]}, plugins=plugins, settings={"notify": table})
    phone = await house.call(1, number="5550100", name="$(id)")
    await phone.ended()
    with house.real_time():
        async with asyncio.timeout(10):
            while not out.exists() or len(out.read_text().splitlines()) < 3:
                await tick()
        house.daemon.dispatcher.line_trouble(house.daemon.ports[1], "no dial tone")
        async with asyncio.timeout(10):
            while len(out.read_text().splitlines()) < 4:
                await tick()
    assert out.read_text().splitlines() == [
        "['started', 'main:1', '5550100', '$(id)', 'screened']",
        "['answered', '5550100']",
        "['ended', '5550100', 'finished']",
        "['trouble', 'main:1', 'no dial tone']",
    ]
