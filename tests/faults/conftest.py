"""The whole system, for tests that harm it."""

from __future__ import annotations

from integration.conftest import start_system

__all__ = ["start_system"]
