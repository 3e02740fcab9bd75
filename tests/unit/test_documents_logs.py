"""docs/logs.md: its table of fields is whole, and what it asks of a log is answered."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import structlog
from support.documents import code_blocks
from support.system import ROOT

from ctportd.fates import Fate
from ctportd.logs import about_request, add_context, as_json, current_hook

if TYPE_CHECKING:
    from pathlib import Path

CALL = "20261123-181500-3-abcdef"

LINES: list[dict[str, str]] = [
    {"timestamp": "1", "level": "info", "event": "call", "call": CALL},
    {"timestamp": "2", "level": "warning", "event": "odd", "call": "another"},
    {"timestamp": "3", "level": "debug", "event": "no reply", "request": "ctplay", "fate": "timed_out"},
    {"timestamp": "4", "level": "debug", "event": "reply", "request": "ctplay", "fate": "done"},
    {"timestamp": "5", "level": "info", "event": "log rotated", "old": "ctportd.log.1"},
]

ANSWERS = [
    "2 odd",
    json.dumps(LINES[0], separators=(",", ":")),
    "1 ctplay timed_out",
    "ctportd.log.1\nctportd.log.1",
]


class Call:
    """A call and a plugin, as far as the log knows them."""

    id = CALL
    name = "voicemail"
    port = "main:3"


def test_fields_are_those_of_a_line() -> None:
    """No field that comes by itself is missing, none is told that does not, and the fates are all there."""
    text = (ROOT / "docs/logs.md").read_text()
    token = current_hook.set((Call(), {"call": Call()}))
    with about_request("ctplay") as asked:
        asked.fate = Fate.DONE
        line = add_context(None, "info", {"event": "x", "level": "info", "timestamp": "now"})
        line["exc_info"] = ValueError("x")
        structlog.contextvars.merge_contextvars(None, "info", line)
    current_hook.reset(token)
    fields = re.findall(r"^\| `(\w+)` \|", text.partition("## What a line tells")[2], re.MULTILINE)
    assert set(fields) == set(json.loads(as_json(line)))
    (fates,) = re.findall(r"^\| `fate` \|.*", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", fates)) == {"fate", *Fate}


@pytest.mark.parametrize("number", range(4))
def test_examples_answer(tmp_path: Path, number: int) -> None:
    """Each command of the page, run on a log of five lines, and one old one of the same."""
    if shutil.which("jq") is None:
        assert not os.environ.get("CI"), "jq is missing, which .ci/run installs"
        pytest.skip("there is no jq on this machine")
    (tmp_path / "state").mkdir()
    for name in ("ctportd.log", "ctportd.log.20261123-181500"):
        (tmp_path / "state" / name).write_text("".join(json.dumps(line) + "\n" for line in LINES))
    command = code_blocks("docs/logs.md", "sh")[number]
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ANSWERS[number]
