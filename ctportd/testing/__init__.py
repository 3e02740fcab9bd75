"""Plugins are tested by calling them: fixtures for pytest, with a daemon, its lines and telephones in one process.

::

    async def test_greets(ctportd_line):
        house = await ctportd_line({1: ["hello"]})
        phone = await house.call(1, number="5550100", name="Ada")
        await phone.hear("hello")
        await phone.press("5")
        await phone.ended()
        assert phone.heard == ["hello", "5"]

docs/testing.md tells the rest. Each name is loaded when it is first used: pytest finds the fixtures in here for tests
that call no line, too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctportd.testing.audio import Samples, frequencies, loudness, tone, voice
    from ctportd.testing.clock import HouseClock
    from ctportd.testing.fixtures import Line
    from ctportd.testing.house import House
    from ctportd.testing.telephone import Telephone

__all__ = ["House", "HouseClock", "Line", "Samples", "Telephone", "frequencies", "loudness", "tone", "voice"]

_HOMES = {"House": "house", "HouseClock": "clock", "Line": "fixtures", "Telephone": "telephone"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ctportd.testing' has no attribute {name!r}")
    return getattr(import_module(f"ctportd.testing.{_HOMES.get(name, 'audio')}"), name)
