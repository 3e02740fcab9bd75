"""One key of the configuration's file is changed, and nothing else."""

from __future__ import annotations

import asyncio
import tomllib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from ctportd.api.plugins import PluginBody, PluginParameters, plugin
from ctportd.config.editing import enable_plugin
from ctportd.errors import ConfigError, ControlError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """# ours
[plugins]  # all of them
directory = "plugins"

[plugins.one] # the first
enabled = false  # for now
word = "x"

[[port]]
number = 1

[plugins.two.deep]
key = [1,
  2]  # odd
"""


@pytest.mark.parametrize("name", ["one", "two", "three"])
def test_only_the_key_changes(tmp_path: Path, name: str) -> None:
    """Whether the table is there, is there by a deeper one, or is not; comments stay, mode too, and it is taken back."""
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    path.chmod(0o640)
    enabled = name == "one"
    edited = enable_plugin(path, name, enabled=enabled)
    assert edited is not None
    expected = tomllib.loads(TEXT)
    expected["plugins"].setdefault(name, {})["enabled"] = enabled
    assert tomllib.loads(path.read_text()) == expected
    for comment in ("# ours", "# all of them", "# the first", "# for now", "# odd", "[1,\n  2]"):
        assert comment in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.toml"]
    assert enable_plugin(path, name, enabled=enabled) is None
    edited.take_back()
    assert path.read_text() == TEXT


@pytest.mark.parametrize("text", ["[plugins", "plugins = 3\n", "plugins = { one = 3 }\n"])
def test_what_cannot_be_changed_is_refused(tmp_path: Path, text: str) -> None:
    """The file is as before."""
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="cannot be changed"):
        enable_plugin(path, "one", enabled=False)
    assert path.read_text() == text


@pytest.mark.parametrize("refused", [False, True])
async def test_two_changes_at_once(tmp_path: Path, *, refused: bool) -> None:
    """One after the other: both are in the file, or neither is."""
    path = tmp_path / "x.toml"
    await asyncio.to_thread(path.write_text, TEXT)

    async def reload() -> None:
        await asyncio.sleep(0.05)
        if refused:
            raise ControlError("no")

    daemon: Any = SimpleNamespace(
        plugins=SimpleNamespace(where={"one": "", "two": ""}),
        config=SimpleNamespace(source=str(path)),
        editing=asyncio.Lock(),
        reload=reload,
    )

    async def change(name: str, action: Literal["enable", "disable"]) -> None:
        await plugin(daemon, PluginParameters(name), PluginBody(action))

    told = await asyncio.gather(change("one", "enable"), change("two", "disable"), return_exceptions=True)
    text = await asyncio.to_thread(path.read_text)
    assert [isinstance(error, ControlError) for error in told] == [refused, refused]
    plugins = tomllib.loads(text)["plugins"]
    assert (plugins["one"]["enabled"], plugins["two"].get("enabled", True)) == (not refused, refused)
    assert not refused or text == TEXT
