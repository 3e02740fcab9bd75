"""What becomes of old files, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a file may become, and what becomes of the old ones.

    Attributes:
        keep: How many old files are kept; 0: all.
        compress: Whether all of them but the newest are compressed.
        max_size: Megabytes at which the file is rolled; 0: it never is by itself.
    """

    keep: int = 0
    compress: bool = False
    max_size: float = 0.0


@dataclass(slots=True)
class Rolled:
    """What one rotation came to.

    Attributes:
        old: Where the old lines are now; None where the file was not rolled.
        moved: Whether another program had moved the file away: then a new one was begun, and that is all.
        compressed: Old files that were.
        removed: Old files that were.
        problems: What could not be done, a sentence each.
    """

    old: Path | None = None
    moved: bool = False
    compressed: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
