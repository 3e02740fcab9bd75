"""Whether a process is a certain ctserver, by its command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERPRETER = re.compile(r"(?:python|perl|ruby|node|sh|bash|dash|ksh|zsh)[\d.]*")


class Same(Protocol):
    """Whether a command line is that of the ctserver that is looked for."""

    def __call__(self, command: Sequence[str], folder: Path | None, /) -> bool:
        """``folder`` is where the process runs; None: nobody may know."""


def program_name(command: Sequence[str]) -> str:
    """What a process is called: its program's name, or its script's under an interpreter; empty where none tells."""
    words = [Path(word).name for word in command[:2]]
    if words and _INTERPRETER.fullmatch(words[0]):
        return words[1] if len(words) > 1 and not command[1].startswith("-") else ""
    return words[0] if words else ""


def same_program(command: Sequence[str]) -> Same:
    """Tells processes that are called as this command is."""
    name = program_name(command)
    return lambda other, _: bool(name) and program_name(other) == name


def same_virtual(config: Path) -> Same:
    """Tells processes of our own ctserver with this configuration: ``ctportd --config FILE ctserver``."""

    def is_same(command: Sequence[str], folder: Path | None) -> bool:
        file = _config_of(command)
        return file is not None and folder is not None and (folder / file).resolve() == config.resolve()

    return is_same


def _config_of(command: Sequence[str]) -> str | None:
    """The configuration of a ``ctportd`` that is a ctserver."""
    if len(command) < 4 or command[-1] != "ctserver" or "ctportd" not in {Path(word).name for word in command[:3]}:
        return None
    option, file = command[-3:-1]
    if option in ("--config", "-c"):
        return file
    return file.removeprefix("--config=") if file.startswith("--config=") else None
