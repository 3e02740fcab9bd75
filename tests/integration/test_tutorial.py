"""The tutorial is done as it stands."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from support.system import ROOT, environment

STEP = re.compile(r"(?:^`([^`\n]+)`\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def shape(output: str) -> list[str]:
    """The lines of some output, without what is another at each run."""
    return [re.sub(r" in \d+\.\d\ds$", "", line).rstrip() for line in output.splitlines() if line.strip()]


def is_shown(told: list[str], shown: list[str]) -> bool:
    """Whether these lines are what a document shows, where ``...`` stands for any lines."""
    pattern = "".join(r"(.*\n)*" if line == "..." else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in told)) is not None


@pytest.mark.timeout(180)  # it starts eight processes, five of which test
async def test_tutorial_shows_what_happens(tmp_path: Path) -> None:
    """Each file of the tutorial is written, each command is run, in order: it prints what stands there."""
    programs = str(Path(sys.executable).parent)
    path = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:hypothesispytest -p no:xdist",  # half of its time is theirs
    }
    commands = 0
    for name, language, block in STEP.findall((ROOT / "docs/tutorial.md").read_text()):
        if name:
            (tmp_path / name).write_text(block)
        for command, shown in COMMAND.findall(block if language == "console" else ""):
            process = await asyncio.create_subprocess_exec(
                *shlex.split(command), cwd=tmp_path, env=environment() | path, stdout=asyncio.subprocess.PIPE
            )
            told, _ = await process.communicate()
            assert is_shown(shape(told.decode()), shape(shown)), f"$ {command}\n{told.decode()}"
            commands += 1
    assert commands == 8
