"""Docstrings as Markdown."""

from __future__ import annotations

import inspect
import re
from textwrap import dedent
from typing import Any

_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes):\n((?:[ ]{4}.*\n|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^(\*?\w+): ((?:.*\n)(?:[ ]+.*\n)*)", re.MULTILINE)


def markdown(text: str) -> str:
    """The markup of a docstring as that of a page, lines joined to paragraphs."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return re.sub(r"(?<!\n)\n(?![\n*-])\s*", " ", text.strip())


def cell(text: str) -> str:
    """A text for a cell of a table."""
    return markdown(text).replace("\n", " ").replace("|", "\\|")


class Told:
    """A docstring, taken apart.

    Attributes:
        first: Its first sentences, up to the first empty line.
        rest: What follows, without the sections.
        sections: ``Args``, ``Returns``, ``Raises`` and ``Attributes``, each as it stands.
    """

    def __init__(self, owner: Any) -> None:
        text = inspect.cleandoc(owner.__doc__ or "") + "\n"
        self.sections = {name: dedent(body).strip() + "\n" for name, body in _SECTION.findall(text)}
        self.first, _, self.rest = _SECTION.sub("", text).strip().partition("\n\n")

    @property
    def attributes(self) -> dict[str, str]:
        """What is said of each attribute."""
        return dict(_ENTRY.findall(self.sections.get("Attributes", "")))

    def lines(self) -> list[str]:
        """All of it, as paragraphs of a page."""
        found = [markdown(part) for part in (self.first, self.rest) if part]
        for name in ("Args", "Returns", "Raises"):
            body = self.sections.get(name, "")
            entries = _ENTRY.findall(body)
            if entries and name != "Returns":
                found.append(
                    "\n".join(f"- {'raises ' * (name == 'Raises')}`{key}`: {cell(told)}" for key, told in entries)
                )
            elif body:
                found.append(f"{name}: {markdown(body)}")
        return found


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of a page."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(title: str, about: str, parts: list[str]) -> str:
    """A page that is made."""
    told = "<!-- Made by `make reference` from the code: change that, not this. -->"
    return "\n\n".join([f"# {title}\n{told}", about, *parts]) + "\n"
