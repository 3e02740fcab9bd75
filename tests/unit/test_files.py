"""Where a file to play is found, and how a recording is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ctportd.calls import files
from ctportd.calls.files import CTSERVER_FOLDERS, SHIPPED, Prompts
from ctportd.calls.recordings import discard, keep, length_of, make_folder
from ctportd.errors import AudioError, InvalidArgument, PromptNotFound

SEARCHED = ["first", "second", "work", "work/prompts", "var/UsMEng", "var/USEngM", "shipped"]
"""Every folder of PROTOCOL.md 7 in its order, below the test's own; the first two are configured."""


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prompts:
    """Prompts that look in folders below the test's own, and nowhere else."""
    monkeypatch.setattr(files, "CTSERVER_FOLDERS", (tmp_path / "var/UsMEng", tmp_path / "var/USEngM"))
    monkeypatch.setattr(files, "SHIPPED", tmp_path / "shipped")
    for folder in SEARCHED:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return Prompts([tmp_path / "first", tmp_path / "second"], working_directory=tmp_path / "work")


# -- prompts


def test_prompt_is_taken_from_the_first_place_that_has_it(tmp_path: Path, prompts: Prompts) -> None:
    """Each place goes before all that come after it."""
    for folder in reversed(SEARCHED):
        place = tmp_path / folder / "beep.au"
        place.touch()
        assert prompts.find("beep") == place


def test_prompt_that_is_nowhere_names_every_place(tmp_path: Path, prompts: Prompts) -> None:
    """The error tells the name and each path that was tried, in order."""
    with pytest.raises(PromptNotFound) as missing:
        prompts.find("beep")
    places = tuple(str(tmp_path / folder / "beep.au") for folder in SEARCHED)
    assert missing.value.searched == places
    assert str(missing.value) == f"there is no prompt 'beep'; searched: {', '.join(places)}"


def test_full_path_is_looked_for_nowhere_else(tmp_path: Path, prompts: Prompts) -> None:
    """A full path is that file, or an error; a default extension is added to it as to any name."""
    (tmp_path / "first" / "x.au").touch()
    (tmp_path / "x.au").touch()
    assert prompts.find(str(tmp_path / "x.au")) == tmp_path / "x.au"
    assert prompts.find(str(tmp_path / "x")) == tmp_path / "x.au"
    with pytest.raises(PromptNotFound) as missing:
        prompts.find("/nowhere/x.au")
    assert missing.value.searched == ("/nowhere/x.au",)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("beep", "beep.au"),
        ("beep.wav", "beep.wav"),
        ("v1.2", "v1.2"),
        ("digits/1", "digits/1.au"),
        ("digits.d/1", "digits.d/1.au"),
    ],
)
def test_name_without_a_dot_gets_the_default_extension(
    tmp_path: Path, prompts: Prompts, name: str, file: str
) -> None:
    """A dot in the name itself, not in a folder's, tells that it has an extension."""
    place = tmp_path / "work" / file
    place.parent.mkdir(exist_ok=True)
    place.touch()
    assert prompts.find(name) == place


def test_default_extension_is_the_configured_one(tmp_path: Path) -> None:
    """Another default extension takes the place of .au."""
    (tmp_path / "beep.au").touch()
    (tmp_path / "beep.wav").touch()
    assert Prompts((), ".wav", tmp_path).find("beep") == tmp_path / "beep.wav"


def test_relative_path_of_the_configuration_begins_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is the daemon's, wherever it goes later."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "beep.au").touch()
    monkeypatch.chdir(tmp_path)
    prompts = Prompts([Path("mine")])
    monkeypatch.chdir("/")
    assert prompts.find("beep") == tmp_path / "mine" / "beep.au"


def test_several_names_in_one_string(tmp_path: Path, prompts: Prompts) -> None:
    """play("1 2 3") is three files, each found by itself; a list of names may hold such strings."""
    for name in "123":
        (tmp_path / "work" / f"{name}.au").touch()
    (tmp_path / "first" / "2.au").touch()
    found = [tmp_path / "work" / "1.au", tmp_path / "first" / "2.au", tmp_path / "work" / "3.au"]
    assert prompts.find_all(["1 2 3"]) == found
    assert prompts.find_all(["1", " 2  3 "]) == found
    assert prompts.find_all([]) == []


def test_one_name_of_several_is_missing(tmp_path: Path, prompts: Prompts) -> None:
    """The error is that of the missing one."""
    (tmp_path / "work" / "1.au").touch()
    with pytest.raises(PromptNotFound) as missing:
        prompts.find_all(["1 2"])
    assert missing.value.name == "2"


@pytest.mark.parametrize("name", ["", "..", "folder.au", "x" * 300, "a\0b", "beep.au/x", "/"])
def test_what_is_no_file_is_not_found(tmp_path: Path, prompts: Prompts, name: str) -> None:
    """A folder, and a name that no disk can hold, are not found like any other: nothing else is raised."""
    (tmp_path / "work" / "folder.au").mkdir()
    (tmp_path / "work" / "beep.au").touch()
    with pytest.raises(PromptNotFound):
        prompts.find(name)


def test_places_that_ship() -> None:
    """Ours are there with the beep of voicemail; ctserver's folder is spelt both ways."""
    assert Prompts().find("beep") == SHIPPED / "beep.au"
    assert [str(folder) for folder in CTSERVER_FOLDERS] == ["/var/ctserver/UsMEng", "/var/ctserver/USEngM"]


# -- recordings


def sound(path: Path, seconds: float) -> Path:
    """A sound file of this length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(8000 * seconds), dtype=np.int16), 8000)
    return path


@pytest.mark.parametrize("name", ["x.wav", "x.au", "with space.wav"])
@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0])
async def test_length_of_a_recording(tmp_path: Path, name: str, seconds: float) -> None:
    """A recording has the seconds that are in it, in each format that ctserver writes."""
    assert await length_of(sound(tmp_path / name, seconds)) == seconds


async def test_nothing_has_no_length(tmp_path: Path) -> None:
    """A recording that was never begun, and one that is empty, last no time."""
    (tmp_path / "empty.wav").touch()
    assert await length_of(tmp_path / "empty.wav") == 0.0
    assert await length_of(tmp_path / "none.wav") == 0.0


@pytest.mark.parametrize("content", [b"hello", b"RIFF", b"RIFF\xff\xff\xff\xffWAVE" + b"\0" * 20])
async def test_what_is_no_sound_file(tmp_path: Path, content: bytes) -> None:
    """Text, and a file cut off in its header, are told by their path."""
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=f"^the recording {path} cannot be read: "):
        await length_of(path)


async def test_folder_has_no_length(tmp_path: Path) -> None:
    """A folder in the place of a recording is no sound file either."""
    with pytest.raises(AudioError, match=f"^the recording {tmp_path} cannot be read: "):
        await length_of(tmp_path)


async def test_recording_is_moved_and_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is on the disk before it has its new name, the name before keep() returns."""
    recorded, kept = sound(tmp_path / "incoming" / "1.wav", 1), tmp_path / "101" / "1.wav"
    content = recorded.read_bytes()
    steps: list[str] = []

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        where = Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path)
        steps.append(f"{kind} {where}, {'moved' if kept.exists() else 'not moved'}")

    monkeypatch.setattr(os, "fsync", fsync)
    await keep(recorded, kept)
    assert steps == ["file incoming/1.wav, not moved", "folder 101, moved"]
    assert not recorded.exists()
    assert kept.read_bytes() == content


async def test_what_is_kept_is_never_written_over(tmp_path: Path) -> None:
    """A second recording of the same name is refused and stays where it was: no message is lost."""
    recorded, kept = sound(tmp_path / "incoming" / "1.wav", 1), sound(tmp_path / "101" / "1.wav", 2)
    with pytest.raises(AudioError) as refused:
        await keep(recorded, kept)
    assert str(refused.value) == f"the recording {recorded} cannot be kept as {kept}: File exists"
    assert await length_of(kept) == 2.0
    assert await length_of(recorded) == 1.0


async def test_recording_that_is_not_there_cannot_be_kept(tmp_path: Path) -> None:
    """The error names both paths, and the reason."""
    with pytest.raises(AudioError) as refused:
        await keep(tmp_path / "1.wav", tmp_path / "2.wav")
    assert (
        str(refused.value)
        == f"the recording {tmp_path}/1.wav cannot be kept as {tmp_path}/2.wav: No such file or directory"
    )


async def test_discard_and_make_folder(tmp_path: Path) -> None:
    """Both may be done twice."""
    folder = tmp_path / "a" / "b"
    assert await make_folder(folder) == await make_folder(folder) == folder
    recording = sound(folder / "x.wav", 1)
    await discard(recording)
    await discard(recording)
    assert list(folder.iterdir()) == []


def test_languages(tmp_path: Path) -> None:
    """A folder of the language in any of the folders goes before them all; what is not there is said in plain ones."""
    for name in ("mine/de/beep.au", "yours/beep.au", "mine/hello.au", "yours/de/hello.au", "mine/bye.au"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    prompts = Prompts([tmp_path / "yours", tmp_path / "mine"], ".au", tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in prompts.find_all(["beep hello", "bye"], "de")]
    assert found == ["mine/de/beep.au", "yours/de/hello.au", "mine/bye.au"]
    assert prompts.find("beep") == tmp_path / "yours/beep.au"
    with pytest.raises(PromptNotFound, match=r"searched: .*/yours/de/nowhere\.au, .*/mine/nowhere\.au"):
        prompts.find("nowhere", "de")


@pytest.mark.parametrize("name", ["..", ".", "de/..", "/etc", "a b", "de\n", "", "ä", "x" * 33])
def test_no_languages(tmp_path: Path, name: str) -> None:
    """No name leads out of the folders of prompts; an empty one is none, and the plain folders are all there is."""
    prompts = Prompts([tmp_path], ".au", tmp_path)
    (tmp_path / "beep.au").touch()
    if not name:
        assert prompts.find("beep", name) == tmp_path / "beep.au"
        return
    with pytest.raises(InvalidArgument, match=r"^language: name is .* where up to 32 letters"):
        prompts.find("beep", name)
    with pytest.raises(InvalidArgument):
        Prompts([tmp_path], ".au", tmp_path, language=name)
