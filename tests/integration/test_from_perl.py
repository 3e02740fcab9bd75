"""The guide for those who come from the Perl modules: complete, and true."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import soundfile
from support.documents import code_blocks
from support.system import ROOT

import ctportd
from ctportd import errors
from ctportd.calls.call import Call
from ctportd.config import ConfigFile, from_data
from ctportd.ctserver.g711 import decode
from ctportd.ctserver.tones import sine
from ctportd.errors import NotSupported
from ctportd.links.manager import Manager
from ctportd.links.port import Port
from ctportd.wire import classic_client
from ctportd.wire.events import EVENT_TYPES
from ctportd.wire.requests import REQUESTS

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.testing import Line, Samples

GUIDE = (ROOT / "docs/from-perl.md").read_text()

CTSERVER_03 = {
    "ctanswer", "cthangup", "ctclear", "ctwaitforring", "ctwaitfordial", "ctplay", "ctrecord", "ctsleep", "ctcollect",
    "ctdial",
}  # fmt: skip
"""What ctserver 0.3 itself knows of the classic dialect."""


def table(section: str) -> list[list[str]]:
    """The rows of a section's table, without its head, as cells."""
    text = GUIDE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(cell: str) -> str:
    """What stands in backquotes in a cell; empty where nothing does."""
    found = re.search("`([^`]+)`", cell)
    return found.group(1) if found else ""


def block(language: str) -> str:
    """The one block of a language in the guide."""
    (found,) = code_blocks("docs/from-perl.md", language)
    return found


class Row:
    """One row of the table of requests."""

    def __init__(self, cells: list[str]) -> None:
        theirs, wire, in_call, on_port, shell, self.classic = cells
        self.theirs, self.cmd, self.in_call, self.on_port = (
            code(cell) for cell in (theirs, wire, in_call, on_port)
        )
        program, request, self.port, self.name, *self.arguments = shlex.split(code(shell))
        assert (program, request) == ("ctportd", "request")


ROWS = [Row(cells) for cells in table("Requests")]
NAMES = [row.name for row in ROWS]


def test_every_request_is_there() -> None:
    """Whatever their programs could ask, and whatever we can, has one row."""
    recorded = (ROOT / "tests/requests.tsv").read_text().splitlines()
    asked = {line.split()[0] for line in recorded if not line.startswith("#")}
    assert asked <= {row.theirs for row in ROWS}
    assert sorted(NAMES) == sorted([*REQUESTS, "record_stop"])


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_method_takes_what_is_shown(row: Row) -> None:
    """Each call of a method is one that the method takes."""
    for shown, owner in ((row.in_call, Call), (row.on_port, Port)):
        if not shown:
            continue
        call = ast.parse(shown, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        keywords = {keyword.arg or "": keyword.value for keyword in call.keywords}
        inspect.signature(getattr(owner, call.func.attr)).bind(None, *call.args, **keywords)
    assert row.on_port, "every request can be sent to a port"


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in REQUESTS], ids=lambda row: row.name)
def test_request_takes_what_is_shown(row: Row) -> None:
    """Each command is one that can be sent, under the name on the wire that is shown."""
    request = REQUESTS[row.name].build(0, row.arguments)
    assert request.cmd == row.cmd
    if row.port == "manager":
        assert row.name in dir(Manager) or row.name == "ser_version"


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in REQUESTS], ids=lambda row: row.name)
def test_classic_dialect_can_do_what_is_said(row: Row) -> None:
    """What has an entry in the last column can be said in the classic dialect, and nothing else can."""
    try:
        classic_client.encode("port", REQUESTS[row.name].build(0, row.arguments))
    except NotSupported:
        assert row.classic == ""
    else:
        assert row.classic == ("0.3" if row.cmd in CTSERVER_03 else "1.01")


def test_every_event_is_there() -> None:
    """Each event has a row, with its type, which plugins can import."""
    rows = {code(kind): code(theirs) for theirs, kind, _ in table("Events")}
    assert rows == {kind.__name__: name for name, kind in EVENT_TYPES.items()} | {"UserMessage": ""}
    assert set(rows) <= set(ctportd.__all__)


@pytest.mark.parametrize("cells", table("Settings"), ids=lambda cells: code(cells[0]) or cells[0])
def test_setting_exists(cells: list[str]) -> None:
    """Each key stands in the table of the configuration that is named; so do those beside it."""
    _, ours, more = cells
    found = re.fullmatch(r"(\[\[?)(\w+)\]\]? (\w+)", code(ours))
    assert found
    bracket, name, key = found.groups()
    tables = msgspec.to_builtins(ConfigFile())[name]
    keys = set(tables[0] if bracket == "[[" else tables)
    assert key in keys
    assert set(re.findall(r"`([a-z_]+)[`\s=]*", re.sub(r"`call[^`]*`", "", more))) <= keys


def test_errors_exist() -> None:
    """What is said to be raised is."""
    better = GUIDE.partition("\n## What behaves better now\n")[2]
    named = set(re.findall(r"`([A-Z][a-zA-Z]+)`", better))
    assert named == {"PromptNotFound", "InvalidArgument", "Disconnected", "RequestFailed", "RequestTimedOut"}
    assert named <= set(errors.__all__)


async def test_plugin_is_an_answering_machine(ctportd_line: Line) -> None:
    """It greets, beeps, records what is said, thanks; and again, after a caller who has hung up on the recording."""
    plugin, settings = block("python"), block("toml")
    data = tomllib.loads(settings)
    assert from_data(data, "x.toml").file.port[0].handlers == ["machine"]
    data["plugins"]["machine"]["greeting"] = " ".join(["menu-main"] * 4)  # long enough to be cut short
    house = await ctportd_line(
        {1: data["port"][0]["handlers"]}, plugins=["plugins", {"machine": plugin}], settings=data["plugins"]
    )
    said = decode(sine((900,), 2.0, 6000))
    for patient in (False, True):
        phone = await house.call(1, number="5550100")
        await phone.press("1")
        await phone.hear("beep")
        await phone.recorded()
        await phone.say(said)
        if patient:
            await phone.press("#")
            await phone.hear("thank-you", "goodbye")
            assert (await phone.ended()).by == "line"
            assert sum(one.prompt == "menu-main" and one.complete for one in phone.playbacks) < 4
        await phone.hang_up()
        await house.idle()
    assert [call.end_reason for call in await house.calls()] == ["finished", "hangup"]
    recordings = await asyncio.to_thread(_recordings, house.daemon.state)
    assert len(recordings) == 2
    for recording in recordings:
        assert np.asarray(recording).tobytes().find(said.tobytes()) >= 0


def _recordings(folder: Path) -> list[Samples]:
    return [soundfile.read(path, dtype="int16")[0] for path in folder.glob("*.wav")]
