"""The whole system, for tests that call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.system import System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from support.system import StartSystem


@pytest.fixture
async def start_system(tmp_path: Path) -> AsyncIterator[StartSystem]:
    """Starts systems."""
    started: list[System] = []

    async def start(
        *handlers: list[str],
        plugins: Mapping[str, Any] | None = None,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        own_plugins: Mapping[str, str] | None = None,
    ) -> System:
        folder = tmp_path / f"system{len(started)}"
        folder.mkdir()
        system = System(folder, list(handlers), plugins, changes)
        for name, text in (own_plugins or {}).items():
            (system.plugins_folder / name).write_text(text)
        started.append(system)
        await system.start()
        return system

    yield start
    for system in started:
        try:
            await system.stop()
        finally:
            await system.kill()
