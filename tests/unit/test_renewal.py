"""Plugins are loaded beside those that run: only what has changed, and what stands in the files now."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.errors import ConfigError, PluginError
from ctportd.hooks import renewal
from ctportd.hooks.generations import forget_all
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.renewal import give_back, load_changed, load_each_changed
from ctportd.hooks.sources import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = "import msgspec\nclass Settings(msgspec.Struct):\n    word: str = 'x'\n"


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """No module of a test is left for another one."""
    yield
    forget_all(PACKAGE)


def known() -> set[str]:
    """The modules of plugins."""
    return {name for name in sys.modules if name.startswith(f"{PACKAGE}.")}


def test_file_of_the_same_second_and_size(tmp_path: Path) -> None:
    """Python's own cache would take it for the old one, now and at the next start."""
    path = tmp_path / "p.py"
    path.write_text("WORD = 1\n")
    plugins = load_plugins(tmp_path, {}, "x.toml")
    stamp = path.stat().st_mtime_ns
    for word in range(2, 5):
        path.write_text(f"WORD = {word}\n")
        os.utime(path, ns=(stamp, stamp))
        before, plugins = plugins, load_changed(tmp_path, {}, "x.toml", plugins)
        assert word == plugins.loaded["p"].module.WORD
        assert plugins.loaded["p"] is not before.loaded["p"]
    forget_all(PACKAGE)
    assert load_plugins(tmp_path, {}, "x.toml").loaded["p"].module.WORD == 4


def test_table_that_changed_and_table_that_is_refused(tmp_path: Path) -> None:
    """The first loads the plugin anew; the second refuses everything, and what was loaded for it is given back."""
    (tmp_path / "a.py").write_text("WORD = 1\n")
    (tmp_path / "p.py").write_text(SETTINGS)
    first = load_plugins(tmp_path, {}, "x.toml")
    second = load_changed(tmp_path, {"p": {"word": "y"}}, "x.toml", first)
    assert second.loaded["a"] is first.loaded["a"]
    assert (first.loaded["p"].settings.word, second.loaded["p"].settings.word) == ("x", "y")
    before = known()
    (tmp_path / "a.py").write_text("WORD = 2\n")
    refused: list[dict[str, dict[str, Any]]] = [{"p": {"word": 3}}, {"q": {}}]
    for tables in refused:
        with pytest.raises(ConfigError):
            load_changed(tmp_path, tables, "x.toml", second)
        assert known() == before
    with pytest.raises(PluginError, match="plugin q: cannot be loaded anew"):
        load_changed(tmp_path, {}, "x.toml", second, ["q"])
    third = load_changed(tmp_path, {"p": {"word": "y"}}, "x.toml", second)
    give_back(third, second)
    assert known() == before


def test_import_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused with a sentence, and taken out again, at once and when it ends after all."""
    monkeypatch.setattr(renewal, "LOAD_TIMEOUT", 0.05)
    go = threading.Event()
    monkeypatch.setattr(sys, "ctportd_test_go", go, raising=False)
    first = load_plugins(tmp_path, {}, "x.toml")
    (tmp_path / "slow.py").write_text("import sys\nsys.ctportd_test_go.wait(20)\n")
    with pytest.raises(PluginError, match=r"plugin slow: is not loaded within 0.05 s"):
        load_changed(tmp_path, {}, "x.toml", first)
    assert known() == set()
    (loading,) = [thread for thread in threading.enumerate() if thread.name == "loading plugins"]
    go.set()
    loading.join(20)
    assert known() == set()


def test_each_for_itself(tmp_path: Path) -> None:
    """A broken one leaves its older one, and is not run again before it changes; tables of none do no harm."""
    (tmp_path / "p.py").write_text("WORD = 1\n")
    first = load_plugins(tmp_path, {}, "x.toml")
    (tmp_path / "p.py").write_text("WORD = (\n")
    (tmp_path / "q.py").write_text(
        "import sys\nsys.ctportd_runs = getattr(sys, 'ctportd_runs', 0) + 1\nraise ValueError\n"
    )
    tables = {"not_there_yet": {"word": 1}}
    try:
        second = load_each_changed(tmp_path, tables, "x.toml", first)
        third = load_each_changed(tmp_path, tables, "x.toml", second)
        assert sys.ctportd_runs == 1  # type: ignore[attr-defined]
    finally:
        del sys.ctportd_runs  # type: ignore[attr-defined]
    for plugins in (second, third):
        assert plugins.loaded == first.loaded
        assert list(plugins.failed) == ["q"]
        assert "SyntaxError" in str(plugins.refused["p"].error)
    assert third.refused == second.refused
    (tmp_path / "p.py").write_text("WORD = 2\n")
    fourth = load_each_changed(tmp_path, tables, "x.toml", third)
    assert (fourth.loaded["p"].module.WORD, list(fourth.refused)) == (2, ["q"])
    (tmp_path / "p.py").unlink()
    assert load_each_changed(tmp_path, tables, "x.toml", fourth).loaded == {}
