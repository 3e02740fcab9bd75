"""Settings of the attendant, for tests without a line."""

from __future__ import annotations

from typing import Any

from ctportd.checking import convert
from plugins.auto_attendant.settings import Settings


def settings(**table: Any) -> Settings:
    """The settings that a file would have."""
    return convert(table, Settings, "ctportd.toml", "plugins.auto_attendant")


def menus(**tables: dict[str, Any]) -> dict[str, Any]:
    """Menus, each with a prompt."""
    return {name: {"prompt": name} | table for name, table in tables.items()}
