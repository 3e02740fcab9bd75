"""What rotating the logs came to, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.display import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.status import Rotated


def lines_of(rotated: Rotated) -> Iterator[str]:
    """A line for each thing that was done."""
    if rotated.log:
        yield f"ctportd: the old log is {shown(rotated.log)}"
    elif rotated.moved:
        yield f"ctportd: another program has moved the log away; a new one is written to {shown(rotated.file)}"
    elif not rotated.problems:
        yield "ctportd: writes no log file"
    for path in rotated.compressed:
        yield f"ctportd: compressed is {shown(path)}"
    for path in rotated.removed:
        yield f"ctportd: removed is {shown(path)}"
    for name, answer in rotated.ctserver.items():
        yield f"ctserver {shown(name)}: {shown(answer)}"


def succeeded(rotated: Rotated) -> bool:
    """Whether all was done."""
    return not rotated.problems and all(answer == "rolled" for answer in rotated.ctserver.values())
