"""The whole system, for tests that do harm to it."""

from __future__ import annotations

from integration.conftest import start_system

__all__ = ["start_system"]
