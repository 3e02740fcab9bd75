"""``ctportd plugins``: a plugin is begun, and those that are found are listed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ctportd.cli import program
from ctportd.hooks.loader import load_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def ctportd(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


def test_new_plugin_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written with its test, and what is to be done next is told; its settings have their defaults."""
    monkeypatch.chdir(tmp_path)
    told = ctportd("plugins", "new", "night_bell")
    assert told.exit_code == 0, told.output
    wrote, *steps = told.output.splitlines()
    assert wrote == "wrote plugins/night_bell.py and tests/test_night_bell.py"
    assert len(steps) == 3
    assert 'handlers = ["night_bell"]' in told.output
    plugins = load_plugins(tmp_path / "plugins", {"night_bell": {"patience": 2}}, "x.toml")
    assert plugins.failed == {}
    assert plugins.loaded["night_bell"].settings.greeting == "hello"
    assert 'PLUGIN = "plugins/night_bell.py"' in (tmp_path / "tests" / "test_night_bell.py").read_text()


@pytest.mark.parametrize("name", ["night-bell", "1st", "class", "_hidden", "a b", "../x", "nächte", ""])
def test_name_that_is_no_word(tmp_path: Path, name: str) -> None:
    """It could not stand in a handler, or not be imported."""
    told = ctportd("plugins", "new", "--directory", tmp_path / "plugins", "--", name)
    assert told.exit_code == 1
    assert "is no name for a plugin: a word of letters, digits and _ is expected" in told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["directory", "queue", "ctportd"])
def test_name_that_means_something_else(tmp_path: Path, name: str) -> None:
    """Its table would be a key of ``[plugins]``."""
    told = ctportd("plugins", "new", name, "--directory", tmp_path / "plugins")
    assert (told.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "means something else" in told.output


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Not a plugin of that name, file or folder, and not a test; where one is there, neither is written."""
    plugins, tests = tmp_path / "plugins", tmp_path / "tests"
    for path in (plugins / "one.py", plugins / "two" / "__init__.py", tests / "test_three.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    for name in ("one", "two", "three"):
        told = ctportd("plugins", "new", name, "--directory", plugins)
        assert (told.exit_code, "already" in told.output) == (1, True)
    assert not (plugins / "three.py").exists()
    assert (plugins / "one.py").read_text() == "mine"


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """It is told which, and why."""
    (tmp_path / "plugins").write_text("a file")
    told = ctportd("plugins", "new", "bell", "--directory", tmp_path / "plugins")
    assert told.exit_code == 1
    assert f"plugin bell: {tmp_path}/plugins cannot be written: File exists" in told.output


def test_list_tells_where_each_is_from(tmp_path: Path) -> None:
    """One that fails is listed with the reason, one that is not enabled without its code being run."""
    ctportd("plugins", "new", "bell", "--directory", tmp_path / "plugins")
    (tmp_path / "plugins" / "broken.py").write_text("raise ValueError('so')")
    (tmp_path / "plugins" / "off.py").write_text("raise SystemExit")
    config = tmp_path / "x.toml"
    config.write_text(
        f'[plugins]\ndirectory = "{tmp_path}/plugins"\nshipped = false\n[plugins.off]\nenabled = false\n'
    )
    listed = json.loads(ctportd("--config", config, "plugins", "--json").output)
    assert [(row["name"], row["state"], row["hooks"]) for row in listed] == [
        ("bell", "loaded", ["answer_call"]),
        ("broken", "failed", []),
        ("off", "not enabled", []),
    ]
    assert listed[0]["where"] == f"{tmp_path}/plugins/bell.py"
    assert "ValueError: so" in listed[1]["error"]
    assert "ValueError: so" in ctportd("--config", config, "plugins").output
