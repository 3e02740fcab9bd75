"""Where files may be that clients name: no way of writing a name leads out."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from ctportd.ctserver.folders import Folders, OutsideFolders
from ctportd.ctserver.sounds import SoundCache
from ctportd.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a way out, beside one with a secret; files without a folder are in neither."""
    for name in ("inside/deeper", "inside-not", "here"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "secret.au").touch()
    (tmp_path / "inside" / "out.au").symlink_to(tmp_path / "secret.au")
    (tmp_path / "inside" / "way").symlink_to(tmp_path)
    (tmp_path / "inside" / "loop").symlink_to(tmp_path / "inside" / "loop")
    (tmp_path / "link").symlink_to(tmp_path / "inside")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "inside"


ESCAPES = [
    "{inside}/../secret.au",
    "{inside}/deeper/../../secret.au",
    "{inside}/way/secret.au",
    "{inside}-not/x.au",
    "secret.au",
    "../secret.au",
    "./x.au",
    "/etc/passwd",
    "/dev/zero",
    "//dev/stdin",
    "/proc/self/environ",
]


@pytest.mark.parametrize("name", [*ESCAPES, "{inside}/out.au"])
def test_nothing_outside_is_played(inside: Path, name: str) -> None:
    """The error tells where the name leads."""
    with pytest.raises(OutsideFolders, match="is really /"):
        Folders(inside).to_play(name.format(inside=inside))


@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_is_recorded_outside(inside: Path, name: str) -> None:
    """A folder that begins with the same letters is another one."""
    with pytest.raises(OutsideFolders):
        Folders(inside).to_record(name.format(inside=inside))


@pytest.mark.parametrize("name", ["{inside}/x.au", "{inside}/deeper/../x.au", "../link/x.au", "../inside/./x.au"])
def test_what_is_inside_is_found(inside: Path, name: str) -> None:
    """However it is written; and through a link into the folder."""
    folders = Folders(inside.parent / "nowhere", inside.parent / "link")
    assert folders.to_play(name.format(inside=inside)) == inside / "x.au"
    assert folders.to_record(name.format(inside=inside)) == inside / "x.au"


def test_link_in_the_place_of_a_recording_is_replaced(inside: Path) -> None:
    """It is not followed: the recording takes its place in the folder."""
    assert Folders(inside).to_record(str(inside / "out.au")) == inside / "out.au"


def test_anywhere_without_folders(inside: Path) -> None:
    """For a server that was told of none."""
    assert Folders().to_play("../secret.au") == inside.parent / "secret.au"


@pytest.mark.parametrize("name", ["", "..", "x" * 5000, "a/" * 40_000, "\0", "\udcff" * 4096])
def test_what_is_no_name(inside: Path, name: str) -> None:
    """It is refused at once, however long."""
    with pytest.raises(AudioError):
        Folders(inside).to_record(name)


@pytest.mark.parametrize("name", ["pipe.au", "deeper", "loop", "x" * 300])
async def test_what_is_no_file_is_not_waited_for(inside: Path, name: str) -> None:
    """A pipe that nobody writes into, a folder, a link to itself, a name that is too long for a file."""
    os.mkfifo(inside / "pipe.au")
    async with asyncio.timeout(10):
        with pytest.raises(AudioError):
            await SoundCache(Folders(inside)).load(str(inside / name))
