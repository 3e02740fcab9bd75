"""Every block of every document is run, and every document leads on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.documents import anchors, blocks, documents, links, words_of
from support.pages.story import Story, runner_of
from support.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTS = documents()
WITH_BLOCKS = [document for document in DOCUMENTS if blocks(document)]


@pytest.fixture
def story(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A page, in the time zone that it is written in."""
    zone = dict(word.partition("=")[::2] for word in words_of(request.param).split()).get("zone", "UTC")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    page = Story(request.param, tmp_path, monkeypatch)
    yield page
    page.place.close()
    monkeypatch.undo()
    time.tzset()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("story", WITH_BLOCKS, ids=WITH_BLOCKS, indirect=True)
def test_page_does_what_it_says(story: Story) -> None:
    """Each block, in order: files are written, configurations are good, commands print what stands below them."""
    story.run()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run(document: str) -> None:
    """A block that nothing would run is a mistake, wherever it stands."""
    assert [block.where for block in blocks(document) if runner_of(block) is None] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Every link into the project names a file that is there, and a heading in it."""
    for link in links(document):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = ((ROOT / document).parent / target).resolve() if target else ROOT / document
        assert path.exists(), f"{document}: {link}"
        assert not anchor or anchor in anchors(str(path.relative_to(ROOT))), f"{document}: {link}"


def test_every_page_is_found() -> None:
    """The index leads to every page of docs/, and the README to the index."""
    index = ROOT / "docs/README.md"
    led_to = {
        (index.parent / link.partition("#")[0]).resolve() for link in links("docs/README.md") if "://" not in link
    }
    assert [document for document in DOCUMENTS if document.startswith("docs/")
            and ROOT / document not in {*led_to, index}] == []  # fmt: skip
    assert "docs/README.md" in links("README.md")
