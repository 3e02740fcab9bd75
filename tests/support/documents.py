"""The documents, and what stands in them: blocks, what is said to the tests about these, links and anchors.

An HTML comment is invisible on a page, and speaks to the tests:

- ``<!-- run: WORDS -->`` before a block says how that one is run, where its language does not tell.
- ``<!-- page: WORDS -->`` at the top of a page is for all of it.
- ``<!-- $ COMMAND -->`` is a command that the tests run at this place, and the reader need not see.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from support.system import ROOT

_ITEM = re.compile(
    r"(?:^<!--[ ](?P<kind>run:|\$)[ ](?P<words>[^\n]*?)[ ]-->\n)"
    r"|(?:(?:^`(?P<file>[^`\n]+)`\n)?^```(?P<language>[\w-]*)\n(?P<text>.*?)^```$)",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_PAGE = re.compile(r"^<!-- page: (.*) -->$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of a document, or a command that its reader does not see.

    Attributes:
        where: The document, and the line on which the block begins.
        language: What stands behind the backquotes; ``$`` for a hidden command.
        text: What stands in it.
        run: What is said to the tests of how to run it.
        file: The name of the file that it is, where the line before has one.
        before: The paragraph before it.
    """

    where: str
    language: str
    text: str
    run: str
    file: str
    before: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Its commands, each with what it shows."""
        return [(command.replace("\\\n", ""), shown) for command, shown in _COMMAND.findall(self.text)]


def documents() -> list[str]:
    """Every document of the project, by its path."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "ctportd").rglob("*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def read(document: str) -> str:
    """What a document says."""
    return (ROOT / document).read_text()


def words_of(document: str) -> str:
    """What its first comment says to the tests of the whole page."""
    found = _PAGE.search(read(document))
    return found[1] if found else ""


def blocks(document: str) -> list[Block]:
    """The blocks of a document, and its hidden commands, in their order."""
    text = read(document)
    found: list[Block] = []
    run = ""
    for match in _ITEM.finditer(text):
        where = f"{document}:{text.count(chr(10), 0, match.start()) + 1}"
        before = text[: match.start()].rstrip().rpartition("\n\n")[2]
        if match["kind"] == "$":
            found.append(Block(where, "$", f"$ {match['words']}\n", "", "", before))
        elif match["kind"]:
            run = match["words"]
        else:
            found.append(Block(where, match["language"], match["text"], run, match["file"] or "", before))
            run = ""
    return found


def code_blocks(document: str, language: str) -> list[str]:
    """The texts of a document's blocks of a language."""
    return [block.text for block in blocks(document) if block.language == language]


def prose(document: str) -> str:
    """A document without its blocks, comments and code."""
    return re.sub(r"<!--.*?-->|`[^`\n]+`", "", _FENCED.sub("", read(document)), flags=re.DOTALL)


def links(document: str) -> list[str]:
    """Where a document's links lead."""
    return _LINK.findall(prose(document))


def anchors(document: str) -> set[str]:
    """The anchors of a document's headings, as hosts of repositories make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", read(document))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while anchor in found:
            number += 1
            anchor = f"{name}-{number}"
        found.add(anchor)
    return found
