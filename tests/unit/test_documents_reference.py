"""docs/reference is what the code says, and leaves nothing out."""

from __future__ import annotations

import inspect
import re

import msgspec
import pytest

from ctportd import errors
from ctportd.calls.call import Call
from ctportd.hooks.services import Daemon, Site
from ctportd.links.port import Port
from ctportd.testing import House, Telephone
from ctportd.wire.events import EVENT_TYPES
from scripts.make_reference import FOLDER, PAGES, ROOT
from scripts.reference.happenings import hooks
from scripts.reference.members import public
from scripts.reference.settings import meaning, meanings, tables


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    """It is what `make reference` would write."""
    assert (FOLDER / f"{name}.md").read_text() == PAGES[name](), "run `make reference`"


def test_no_other_page_is_there() -> None:
    """A page that nothing makes any more is gone."""
    assert {path.stem for path in FOLDER.iterdir()} == set(PAGES)


def test_every_key_has_a_meaning() -> None:
    """Each key of each table, those of the plugins that ship among them, is told of in etc/ctportd.toml."""
    known = meanings()
    mute = [
        (path, field.encode_name)
        for path, struct in tables().items()
        for field in msgspec.structs.fields(struct)
        if not meaning(known, path, struct, field)
    ]
    assert mute == []


def test_every_key_is_in_its_table() -> None:
    """Each stands under its table's heading, once."""
    page = (FOLDER / "configuration.md").read_text()
    chapters = dict(re.findall(r"^## `\[+([\w.]+)\]+`\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    assert set(chapters) == set(tables())
    for path, struct in tables().items():
        keys = re.findall(r"^\| `([^`]+)` \|", chapters[path], re.MULTILINE)
        assert keys == [field.encode_name for field in msgspec.structs.fields(struct)]


@pytest.mark.parametrize(
    ("page", "holder", "owner"),
    [
        ("call", "call.", Call),
        ("services", "port.", Port),
        ("testing", "house.", House),
        ("testing", "phone.", Telephone),
    ],
)
def test_every_member_is_there(page: str, holder: str, owner: type) -> None:
    """Each method has a heading, each attribute a row, and each method's docstring says something."""
    text = (FOLDER / f"{page}.md").read_text()
    members = public(owner)
    assert len(members) > 15
    for name, value in members.items():
        assert re.search(rf"^(?:### `|\| `)(?:\w+ )*{re.escape(holder)}{name}\b", text, re.MULTILINE), name
        assert isinstance(value, str) or inspect.getdoc(value), name


def test_every_hook_event_and_error_is_there() -> None:
    """By its name, as a heading or in the first column."""
    told = (FOLDER / "hooks.md").read_text()
    assert re.findall(r"^## (\w+)$", told, re.MULTILINE) == list(hooks())
    events, raised = (FOLDER / "events.md").read_text(), (FOLDER / "errors.md").read_text()
    assert {kind.__name__ for kind in EVENT_TYPES.values()} <= set(
        re.findall(r"^\| `(\w+)` ", events, re.MULTILINE)
    )
    assert set(re.findall(r"^\| `(\w+)` ", raised, re.MULTILINE)) == set(errors.__all__)


@pytest.mark.parametrize("document", [path.name for path in sorted((ROOT / "docs").glob("*.md"))])
def test_pages_name_what_there_is(document: str) -> None:
    """What a page says that a call, a port, the daemon or a site has, it has; hooks that are marked as such exist."""
    text = (ROOT / "docs" / document).read_text()
    holders = {"call": Call, "daemon": Daemon, "site": Site}
    for holder, owner in holders.items():
        named = set(re.findall(rf"`(?:await |with |async with )?{holder}\.(\w+)", text))
        assert named - set(public(owner)) - {"log", "py"} == set(), holder
    for name in re.findall(r"@hookimpl\n(?:async )?def (\w+)", text):
        assert name in hooks()
