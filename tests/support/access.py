"""Where every user can read what the tests run from, though it lies in root's own folder."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

NOBODY = 65_534
"""A user, and a group, that owns nothing."""


def _closed(path: Path) -> Path | None:
    """The outermost folder on the way that only its owner can enter."""
    return next((step for step in reversed(path.parents) if not step.stat().st_mode & stat.S_IXOTH), None)


def for_everybody(stash: Path) -> list[str]:
    """What to put before a command of root's: in mounts of its own, everybody can enter those folders.

    Args:
        stash: An empty folder.
    """
    needed = [ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    needed = [path for path in needed if not any(path.is_relative_to(other) for other in needed if other != path)]
    closed = {path: outermost for path in needed if (outermost := _closed(path))}
    if not closed:
        return []
    lines = ["set -e"]
    places = {path: stash / str(number) for number, path in enumerate(closed)}
    for path, place in places.items():
        place.mkdir()
        lines.append(shlex.join(["mount", "--bind", str(path), str(place)]))
    lines += [
        shlex.join(["mount", "-t", "tmpfs", "-o", "mode=755", "x", str(path)]) for path in set(closed.values())
    ]
    for path, place in places.items():
        lines.append(shlex.join(["mkdir", "-p", str(path)]))
        lines.append(shlex.join(["mount", "--bind", str(place), str(path)]))
    script = "\n".join([*lines, f"cd {shlex.quote(os.sep)}", 'cd "$CTPORTD_TEST_FOLDER"', 'exec "$@"'])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]


def as_nobody() -> list[str]:
    """What to put before a command, so that root's is that of an ordinary user."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
