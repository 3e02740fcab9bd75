"""docs/api.md does what it says: each command is run as it stands there, and its tables are those of the code."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from support.api_tables import problem_table, route_table
from support.documents import code_blocks
from support.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.testing import Line

GUIDE = "docs/api.md"
PLUGINS = ROOT / "plugins"


def test_tables_are_those_of_the_code() -> None:
    """No path and no kind of problem is missing."""
    guide = (ROOT / GUIDE).read_text()
    assert route_table() in guide
    assert problem_table() in guide


@pytest.mark.skipif(not shutil.which("curl") and not os.environ.get("CI"), reason="needs curl")
async def test_examples_show_what_comes(ctportd_line: Line) -> None:
    """Each command is answered as the guide shows; `...` stands for what varies."""
    house = await ctportd_line(
        {1: ["voicemail:100"], 2: []},
        plugins=[PLUGINS / "voicemail", PLUGINS / "caller_id_log"],
        settings={"voicemail": {"mailboxes": {"100": {}}}},
    )
    for _ in range(2):
        phone = await house.call(1, number="2125550100", name="Ada Lovelace")
        await phone.hear("vm-mailbox", "1", "0", "0", "vm-not-available", "vm-leave-message")
        await phone.say(seconds=3)
        await phone.hang_up()
        await house.idle()
    (program,) = code_blocks(GUIDE, "python")
    with house.real_time():
        printed = await run([sys.executable, "-c", program], house.folder)
        assert printed.count("2125550100 Ada Lovelace") == 2
        for block in code_blocks(GUIDE, "console"):
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                answer = (await run(["bash", "-c", command], house.folder)).strip()
                expected = ".*".join(re.escape(part) for part in shown.strip().split("..."))
                assert re.fullmatch(expected, answer, re.DOTALL), f"{command}\n{answer}\n{shown}"


async def run(command: list[str], folder: Path) -> str:
    """What a command prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return printed.decode()
