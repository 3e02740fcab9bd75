"""A page from its top to its bottom: each block is run as what it is."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from ctportd.config import load
from ctportd.hooks.loader import load_plugins
from support.documents import blocks, words_of
from support.pages.comparing import is_shown
from support.pages.installation import Installation
from support.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from support.documents import Block


class Story:
    """One document, in an installation of its own.

    What its first comment may say: ``config=NAME`` (where its configuration is, ``etc/ctportd.toml`` else), ``together``
    (its configurations add up), ``parts`` (and are good when the page has them checked), ``checkout`` (the reader is in
    the folder of the sources), ``daemon`` (one is run), ``zone=NAME`` (the time zone).

    Args:
        document: The document.
        folder: An empty folder.
        monkeypatch: The test's.
    """

    def __init__(self, document: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = words_of(document).split()
        said = dict(word.partition("=")[::2] for word in words)
        self.document = document
        live = bool({"daemon", "checkout"} & said.keys())
        self.place = Installation(folder, monkeypatch, said.get("config", "etc/ctportd.toml"), live=live)
        self._parts = "parts" in said
        self._together = self._parts or "together" in said
        (folder / "plugins").mkdir()
        if "checkout" in said:
            self.place.check_out()

    def run(self) -> None:
        """Run each block."""
        for block in blocks(self.document):
            runner = runner_of(block)
            assert runner is not None, f"{block.where}: nothing runs this block"
            runner(self, block)

    # -- what blocks are

    def commands(self, block: Block) -> None:
        """Each command ends as it should, and prints what stands below it."""
        statuses = re.findall(r"\d+", _said(block, "exit"))
        for number, (command, shown) in enumerate(block.commands):
            expected = int(statuses[min(number, len(statuses) - 1)]) if statuses else 0
            self._command(block, command, shown, expected)

    def _command(self, block: Block, command: str, shown: str, expected: int) -> None:
        command = self.place.placed(command)
        if command == "daemon":
            self.place.start()
            return
        first, last = (block.commands or [("", "")])[0][0], (block.commands or [("", "")])[-1][0]
        goes_on = "daemon" in _words(block) and command in {last, block.text.strip()}
        if goes_on or "until shown" in block.run or ("type" in _words(block) and command == first):
            status, told = self._process(block, command, shown)
        else:
            status, told = self.place.run(command)
        assert status == expected, f"{block.where}: $ {command}\nended with {status}:\n{told}"
        if block.language == "console":
            assert is_shown(told, shown), f"{block.where}: $ {command}\nprinted\n{told}\nbut shown is\n{shown}"

    def _process(self, block: Block, command: str, shown: str) -> tuple[int, str]:
        """One that goes on: to the page's end (``daemon``), until it has printed all, or until keys end it."""
        process = self.place.process(["bash", "-c", f"exec {command}"])
        if keys := _said(block, "type"):
            typed, _, awaited = keys.partition(" after ")
            process.wait(lambda told: awaited in " ".join(told.split()))
            process.type(typed)
            return process.wait_end()
        if meanwhile := _said(block, "while"):
            process.wait(lambda told: bool(told) or "quiet" in _words(block))
            self.place.run(meanwhile)
        if block.language == "sh":
            shown = "...\n... ready ..."
        told = process.wait(lambda told: is_shown(self.place.shown(told), shown, more=True))
        if "daemon" in _words(block):
            self.place.keep(process)
        else:
            process.end()
        lines = self.place.shown(told).splitlines(keepends=True)
        upto = next((n for n in range(len(lines) + 1) if is_shown("".join(lines[:n]), shown)), len(lines))
        return 0, "".join(lines[:upto])

    def script(self, block: Block) -> None:
        """Each line is a command that succeeds, in one session."""
        for line in block.text.replace("\\\n", "").splitlines():
            if line.strip() and not line.startswith("#"):
                self._command(block, line, "", 0)

    def configuration(self, block: Block) -> None:
        """It makes a configuration without a mistake; hints are for what comes later on the page."""
        data = tomllib.loads(self.place.placed(block.text))
        self.place.configure(put_into(self.place.data if self._together else {}, data))
        if self._parts:
            load(self.place.config)
            return
        status, told = self.place.run(f"ctportd --config {self.place.config} check")
        assert status == 0, f"{block.where}: {told}"

    def package(self, block: Block) -> None:
        """A part of a pyproject.toml whose entry points are such."""
        for name, points in tomllib.loads(block.text)["project"]["entry-points"].items():
            assert name in {"ctportd.plugins", "pytest11"}, block.where
            for key, value in points.items():
                assert EntryPoint(key, value, name).module, block.where

    def plugin(self, block: Block) -> None:
        """It loads, under the name that the text has for it, and stays for what follows."""
        names = re.findall(r"plugins/(\w+)\.py|^plugin (\w+)$", f"{block.before}\n{block.run}", re.MULTILINE)
        name = "".join(names[-1]) if names else "greeter"
        self.place.write(f"plugins/{name}.py", block.text)
        plugins = load_plugins(self.place.folder / "plugins", {}, "x.toml")
        assert plugins.failed == {}, block.where
        assert plugins.loaded[name].hooks, block.where

    def file(self, block: Block) -> None:
        """A file that the page names is there from now on."""
        self.place.write(block.file, self.place.placed(block.text))

    def data(self, block: Block) -> None:
        """It is JSON."""
        json.loads(block.text)

    def elsewhere(self, block: Block) -> None:
        """A test of its own reads the page, and does with the block what no story can."""
        path, _, name = block.run.partition("::")
        text = (ROOT / path).read_text()
        assert self.document in text, f"{block.where}: {path} does not read {self.document}"
        assert not name or f"def {name}(" in text, f"{block.where}: {path} has no {name}"


_RUNNERS: dict[str, Callable[[Story, Block], None]] = {
    "$": Story.commands,
    "console": Story.commands,
    "sh": Story.script,
    "toml": Story.configuration,
    "json": Story.data,
}


def runner_of(block: Block) -> Callable[[Story, Block], None] | None:
    """What runs a block; None: nothing does."""
    if block.run.startswith("tests/"):
        return Story.elsewhere
    if block.file:
        return Story.file
    if block.run == "pyproject":
        return Story.package
    if block.language == "python" and "@hookimpl" in block.text:
        return Story.plugin
    return _RUNNERS.get(block.language)


def put_into(data: dict[str, Any], block: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A block of a page put into the file: a table that is there again replaces its keys, a port comes to the others."""
    for key, value in block.items():
        if key == "port":
            data.setdefault("port", []).extend(value)
        elif isinstance(value, dict) and depth < 4:
            put_into(data.setdefault(key, {}), value, depth + 1)
        else:
            data[key] = value
    return data


def _words(block: Block) -> set[str]:
    return set(block.run.replace(";", " ").split())


def _said(block: Block, word: str) -> str:
    """What is said behind a word of the comment, up to the next semicolon."""
    found = re.search(rf"(?:^|; ){word} ([^;]*)", block.run)
    return found[1] if found else ""
