"""Where the files are that come with ctportd beside its code: plugins, the sample configuration, units of systemd."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "share"
"""A wheel has them here. They are at the top of the sources, which an editable installation runs from."""


def shipped(name: str) -> Path:
    """A folder or file that ships, such as ``plugins`` or ``etc/ctportd.toml``."""
    return (_INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent) / name
