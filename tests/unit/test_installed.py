"""Plugins of installed packages: found by their entry points."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from ctportd.config import from_data
from ctportd.errors import ConfigError, PluginError
from ctportd.hooks.blame import Blame
from ctportd.hooks.loader import load_plugins
from ctportd.hooks.owners import check_owners
from ctportd.hooks.sources import ShippedPlugin, find_all, find_installed, find_shipped
from ctportd.shipped import shipped
from ctportd.site import load_configured_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ctportd.hooks.loader import Plugins

MODULE = """
import msgspec

from ctportd import hookimpl
from acme.words import WORD


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    greeting: str = WORD


@hookimpl
async def answer_call(call, settings):
    raise RuntimeError(settings.greeting)
"""


class Installed:
    """A folder on ``sys.path``, as pip leaves it, and a folder of plugins."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.plugins = folder / "plugins"
        self.plugins.mkdir()
        self.add("acme/__init__.py", "")
        self.add("acme/words.py", "WORD = 'hello'")
        self.add("acme/greeting.py", MODULE)
        self.add("acme/answers/__init__.py", MODULE)

    def add(self, name: str, text: str) -> None:
        """Write a file of a package."""
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def install(self, package: str, **entries: str) -> None:
        """Say what a package's entry points are."""
        info = f"{package}-1.0.dist-info"
        self.add(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        told = "".join(f"{name} = {value}\n" for name, value in entries.items())
        self.add(f"{info}/entry_points.txt", f"[ctportd.plugins]\n{told}")

    def load(self, **tables: dict[str, object]) -> Plugins:
        """Load what is there."""
        return load_plugins(self.plugins, tables, "x.toml")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """The package ``acme``, without an entry point yet."""
    installed = Installed(tmp_path)
    monkeypatch.syspath_prepend(str(installed.site))
    yield installed
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
        del sys.modules[name]


def test_modules_and_packages_are_found(installed: Installed) -> None:
    """They take settings and calls as those of the folder do, and a fault in one is its own."""
    installed.install("acme", greeting="acme.greeting", answers="acme.answers")
    (installed.plugins / "own.py").write_text("WORD = 1")
    plugins = installed.load(greeting={"greeting": "welcome"})
    assert plugins.failed == {}
    assert list(plugins.loaded) == ["answers", "greeting", "own"]
    assert plugins.loaded["greeting"].settings.greeting == "welcome"
    assert plugins.loaded["answers"].settings.greeting == "hello"
    plugins.check_handlers(["greeting", "answers"], "x.toml")
    blame = Blame(plugins.loaded.values())
    assert all(blame.of_file(plugin.module.__file__ or "") == [plugin] for plugin in plugins.loaded.values())
    with pytest.raises(ConfigError, match=r"\[plugins.greeting\]: .*'greting'"):
        installed.load(greeting={"greting": "x"})


def test_one_of_the_folder_wins(installed: Installed) -> None:
    """Whoever has changed a plugin in the folder gets that one; the other is named, and its code is not run."""
    installed.install("acme", greeting="acme.greeting")
    (installed.plugins / "greeting.py").write_text("WORD = 'own'")
    plugins = installed.load()
    assert plugins.loaded["greeting"].module.WORD == "own"
    assert plugins.hidden == {"greeting": "acme 1.0"}
    assert "acme" not in sys.modules


def test_one_that_is_not_enabled_is_not_run(installed: Installed) -> None:
    """And a port that names it is told so."""
    installed.install("acme", greeting="acme.greeting")
    plugins = installed.load(greeting={"enabled": False})
    assert not plugins.loaded
    assert plugins.disabled == {"greeting"}
    assert "acme" not in sys.modules
    data = {
        "plugins": {"directory": str(installed.plugins), "greeting": {"enabled": False}},
        "port": [{"number": 1, "handlers": ["greeting"]}],
    }
    with pytest.raises(ConfigError, match="'greeting' is not enabled"):
        load_configured_plugins(from_data(data, "x.toml"))


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (
            {"greeting": "acme.nowhere"},
            r"acme.nowhere of the package acme 1.0 cannot be loaded: .*No module named",
        ),
        ({"greeting": "acme.words:WORD"}, r"acme.words:WORD of the package acme 1.0 is no module"),
        ({"greeting": "acme.leaves"}, r"acme.leaves of the package acme 1.0 cannot be loaded: SystemExit"),
        ({"greet.ing": "acme.greeting"}, r"acme 1.0 calls it so: letters, digits, _ and - are expected"),
    ],
)
def test_what_cannot_be_loaded(installed: Installed, entries: dict[str, str], problem: str) -> None:
    """It is left out, with the package and the reason; the others are loaded."""
    installed.add("acme/leaves.py", "raise SystemExit")
    installed.install("acme", good="acme.greeting", **entries)
    plugins = installed.load()
    assert list(plugins.loaded) == ["good"]
    (error,) = plugins.failed.values()
    with pytest.raises(PluginError, match=problem):
        raise error


def test_two_packages_with_one_name(installed: Installed) -> None:
    """Which one would be taken is chance: neither is."""
    installed.install("acme", greeting="acme.greeting")
    installed.install("bolt", greeting="acme.answers")
    assert "two packages, acme 1.0 and bolt 1.0" in str(installed.load().failed["greeting"])


def test_owner_of_the_whole_package_counts(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root, nothing is run that others can change: the outermost package is run before the module is."""
    installed.install("acme", greeting="acme.greeting")
    looked: list[tuple[str, Path]] = []
    monkeypatch.setattr("ctportd.hooks.sources.check_owners", lambda name, path: looked.append((name, path)))
    find_installed()["greeting"].check("greeting")
    assert looked == [("greeting", installed.site / "acme" / "__init__.py")]
    if os.geteuid() == 0:
        (installed.site / "acme" / "words.py").chmod(0o666)
        with pytest.raises(PluginError, match=r"everybody can write .*words\.py"):
            check_owners(*looked[0])


def test_those_that_ship_are_found(installed: Installed) -> None:
    """One of the folder is taken before them, and so is one of an installed package; then it is said."""
    installed.install("acme", notify="acme.greeting")
    (installed.plugins / "voicemail.py").write_text("WORD = 'own'")
    plugins = load_plugins(installed.plugins, {}, "x.toml", with_shipped=True)
    assert plugins.failed == {}
    names = ["auto_attendant", "call_mail", "caller_id_log", "mqtt", "notify", "screening", "station", "voicemail"]
    assert list(plugins.loaded) == names
    assert plugins.loaded["notify"].module.__name__ == "acme.greeting"
    assert plugins.loaded["voicemail"].module.WORD == "own"
    assert plugins.hidden == {"voicemail": f"ctportd {version('ctportd')}"}


def test_folder_of_those_that_ship_hides_none(tmp_path: Path) -> None:
    """In the sources, the folder is that of the shipped ones."""
    (tmp_path / "plugins").symlink_to(shipped("plugins"))
    found, hidden = find_all(tmp_path / "plugins", with_shipped=True)
    assert hidden == {}
    assert found.keys() == find_shipped().keys()
    assert not isinstance(found["voicemail"], ShippedPlugin)
