"""Whether a command prints what a page shows."""

from __future__ import annotations

import re

_VARIES = [
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)?", "DATE"),
    (r"\b\d{8}-\d{6}-\d+-[0-9a-f]{6}(-[0-9a-f]{4})?\b", "ID"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "TIME"),
    (r"\b\d+:\d\d(\.\d)?(?=\s|$|,)", "LENGTH"),
    (r"\b\d+\.\d+ ?(s|ms)\b", "SECONDS"),
    (r"\bpid=\d+", "PID"),
    (r"\b127\.0\.0\.1:\d+", "ADDRESS"),
    (r"[ \t]+", " "),
]
"""What is another one at each run: of it a page shows the form only. The width of columns is that of what is in them."""


def _shape(text: str) -> list[str]:
    for pattern, name in _VARIES:
        text = re.sub(pattern, name, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def is_shown(told: str, shown: str, *, more: bool = False) -> bool:
    """Whether this output is what a page shows: ``...`` is any text in a line, and by itself any lines.

    Args:
        told: The output.
        shown: The page.
        more: Whether more may have been told than is shown.
    """
    lines = [
        r"(?:.*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + "\n"
        for line in _shape(shown)
    ]
    pattern = "".join([*lines, *([r"(?:.*\n?)*"] if more else [])])
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _shape(told))) is not None
