"""What the documents draw, and what a long run printed: the names in it are those that there are."""

from __future__ import annotations

import re

from support.documents import blocks
from support.system import ROOT


def drawn(document: str, first: str) -> str:
    """The block of a document that begins with these words."""
    (found,) = [block.text for block in blocks(document) if block.text.strip().startswith(first)]
    return found


def test_drawing_of_the_architecture() -> None:
    """Each room that is drawn in docs/architecture.md is a module, or a package."""
    drawing = drawn("docs/architecture.md", "telephone line")
    modules = {path.stem for path in (ROOT / "ctportd").rglob("*.py")} | {
        path.name for path in (ROOT / "ctportd").iterdir() if path.is_dir()
    }
    rooms = {"links", "router", "supervisor", "listeners", "daemon", "store", "control", "ctserver"}
    assert {room for room in rooms if not re.search(rf"\b{room}\b", drawing)} == set()
    assert rooms <= modules


def test_balance_of_the_page_on_reliability() -> None:
    """Each line of the balance in docs/reliability.md is one that a run prints today."""
    balance = drawn("docs/reliability.md", "balance of")
    sources = "\n".join(path.read_text() for path in (ROOT / "tests/soak").rglob("*.py"))
    names = [
        line.split(maxsplit=1)[1]
        for line in balance.partition("faults:")[0].splitlines()[1:]
        if re.match(r" +\d+ +[a-z]", line)
    ]
    assert len(names) > 10
    told = {re.sub(r"^(requests) .*", r"\1", name) for name in names}
    assert {name for name in told if name not in sources} == set()
    faults = re.findall(r"\d+ ([a-z][a-z-]+)(?=,|\n|$)", balance.partition("faults:")[2].partition("\ndaemon,")[0])
    assert len(faults) == 13
    assert {fault for fault in faults if f'"{fault}"' not in sources} == set()
    assert "the balance holds: nothing is lost" in sources
