"""What a reload came to, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.display import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd.status import Reloaded

_THINGS = {
    "plugins": {"added": "loaded", "replaced": "replaced", "removed": "removed"},
    "ports": {"added": "added", "removed": "removed", "changed": "changed"},
    "servers": {"added": "added", "removed": "removed", "replaced": "replaced"},
}
_NAMES = {"plugins": "plugin", "ports": "port", "servers": "ctserver"}


def reload_lines(reloaded: Reloaded) -> Iterable[str]:
    """What has changed, one line for each kind; then what waits for a start, and hints."""
    lines = [
        f"{_NAMES[thing]} {word}: {', '.join(names)}"
        for thing, words in _THINGS.items()
        for what, word in words.items()
        if (names := getattr(reloaded, f"{thing}_{what}"))
    ]
    if reloaded.changed:
        lines.append(f"in force: {', '.join(reloaded.changed)}")
    if reloaded.restart:
        lines.append(f"waits for the next start: {', '.join(reloaded.restart)}")
    yield "ctportd: reloaded" if lines else "ctportd: reloaded, nothing has changed"
    for line in (*lines, *(f"hint: {hint}" for hint in reloaded.hints)):
        yield shown(f"  {line}")
