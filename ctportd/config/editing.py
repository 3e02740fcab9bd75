"""Changes one key of the configuration's file, and nothing else in it."""

from __future__ import annotations

import os
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ctportd.errors import ConfigError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


class Edited:
    """The configuration's file with another content, which can be taken back.

    Args:
        path: The file.
        text: What is to stand in it.

    Raises:
        ConfigError: It cannot be written; it is as before.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._before = path.read_bytes()
        _replace(path, text.encode())

    def take_back(self) -> None:
        """Have the file as it was."""
        _replace(self._path, self._before)


def enable_plugin(path: Path, name: str, *, enabled: bool) -> Edited | None:
    """Put ``enabled`` into a plugin's table. Comments, order and everything else stay.

    Args:
        path: The configuration's file.
        name: The plugin's name.
        enabled: Whether it is to run.

    Returns:
        What takes it back; None: the file says so already.

    Raises:
        ConfigError: The file cannot be read, or written, or is no TOML, or there is no place for it.
    """
    try:
        text = path.read_bytes().decode()
        before = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be changed: {error}") from error
    by_hand = (
        f"{path}: cannot be changed without changing more: put enabled = {str(enabled).lower()} into it by hand"
    )
    plugins = before.get("plugins", {})
    table = plugins.get(name, {}) if isinstance(plugins, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(by_hand)
    if table.get("enabled", True) is enabled:
        return None
    changed = _with_enabled(text, name, enabled=enabled, there="enabled" in table or bool(table))
    wanted = tomllib.loads(text)
    wanted.setdefault("plugins", {}).setdefault(name, {})["enabled"] = enabled
    if not _says(changed, wanted):
        raise ConfigError(by_hand)
    return Edited(path, changed)


def _with_enabled(text: str, name: str, *, enabled: bool, there: bool) -> str:
    """The text with the key; a table that is not there is put at the end."""
    if not there and f"[plugins.{name}]" not in text:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[plugins.{name}]\nenabled = {str(enabled).lower()}\n"
    document: TOMLDocument = tomlkit.parse(text)
    with suppress(TOMLKitError, TypeError):  # then the text does not say what it should, which is told
        document["plugins"][name]["enabled"] = enabled
    return tomlkit.dumps(document)


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except ValueError:
        return False


def _replace(path: Path, content: bytes) -> None:
    """Put a file in the place of one, at once, with its owner and mode.

    Raises:
        ConfigError: It cannot be.
    """
    target = path.resolve()
    try:
        found = target.stat()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, found.st_mode & 0o7777)
            if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, found.st_uid, found.st_gid)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
