"""The documents do what they say."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.system import ROOT, environment

from ctportd.hooks import specs
from ctportd.hooks.loader import load_plugins

if TYPE_CHECKING:
    from support.system import StartSystem


def code_blocks(document: str, language: str) -> list[str]:
    """The blocks of a language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)


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


async def test_plugin_of_the_readme_answers(start_system: StartSystem) -> None:
    """The plugin on the README's first screen says hello, and the key that was pressed."""
    (hello,) = code_blocks("README.md", "python")
    assert len(hello.strip().splitlines()) <= 10
    system = await start_system(["hello"], own_plugins={"hello.py": hello})
    finished = await system.phone(1, "until", "hello", "press", "5")
    assert finished.status == 0, finished
    heard = [line["prompt"] for line in finished.happenings if line["event"] == "played"]
    assert heard == ["hello", "5"]


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
